"""The suppression list: who must not be sent to, and why; one entry, or a file of them."""

from __future__ import annotations

from aiohttp import web

from relay.archive.api.suppression import Selection
from relay.model.access import Permission
from relay.model.event import Kind
from relay.model.suppression import Suppressed
from viewer.api.parameters import MOST_ROWS, json_object, number, query_text
from viewer.api.shape import Json, time, time_or_none
from viewer.errors import FieldError
from viewer.journal import record
from viewer.keys import ID
from viewer.security import archive_of, require
from viewer.streams import stream
from viewer.work import suppressions

routes = web.RouteTableDef()

NAMES = frozenset({"address", "application", "reason", "expires_at"})
IMPORT_NAMES = frozenset({"csv", "skip_bad"})


def suppression(entry: Suppressed) -> Json:
    return {
        "id": entry.id,
        "address": entry.address,
        "application": entry.application,
        "cause": entry.cause.value,
        "reason": entry.reason,
        "created_at": time(entry.created_at),
        "created_by": entry.created_by,
        "expires_at": time_or_none(entry.expires_at),
        "message_id": entry.message_id,
        "delivery_id": entry.delivery_id,
    }


@routes.get("/api/suppressions")
async def entries(request: web.Request) -> web.Response:
    require(request, Permission.READ)
    limit = number(request, "limit", 50, 1, MOST_ROWS)
    try:
        page = await archive_of(request).suppressions(
            _selection(request), cursor=request.query.get("cursor"), limit=limit
        )
    except ValueError as error:
        raise FieldError("cursor", str(error)) from None
    return web.json_response({"suppressions": [suppression(one) for one in page.entries], "next": page.next})


@routes.get(f"/api/suppressions/{ID}")
async def entry(request: web.Request) -> web.Response:
    require(request, Permission.READ)
    return web.json_response(suppression(await archive_of(request).suppression(request.match_info["id"])))


@routes.post("/api/suppressions")
async def add(request: web.Request) -> web.Response:
    """`{"address": …, "application": …, "reason": …, "expires_at": …}`; all but the address may be left out."""
    require(request, Permission.SUPPRESS)
    asked = await json_object(request, NAMES)
    for name, value in asked.items():
        if not isinstance(value, str):
            raise FieldError(name, "must be a text")
    added = await suppressions.add(
        request,
        address=asked.get("address", ""),
        application=asked.get("application", ""),
        reason=asked.get("reason", ""),
        until=asked.get("expires_at", ""),
    )
    return web.json_response(suppression(added), status=201)


@routes.delete(f"/api/suppressions/{ID}")
async def remove(request: web.Request) -> web.Response:
    """The entry as it was."""
    require(request, Permission.SUPPRESS)
    removed = await suppressions.remove(request, request.match_info["id"], request.query.get("reason", ""))
    return web.json_response(suppression(removed))


@routes.get("/api/suppressions/export")
async def export(request: web.Request) -> web.StreamResponse:
    require(request, Permission.EXPORT)
    meant = _selection(request)
    await record(request, Kind.EXPORTED, what="suppression list", query=meant.text, format="csv")
    return await stream(request, suppressions.as_csv(request, meant), {"Content-Type": "text/csv; charset=utf-8"})


@routes.post("/api/suppressions/import")
async def import_file(request: web.Request) -> web.Response:
    """`{"csv": "address,…", "skip_bad": true}`. With a wrong line nothing is imported, unless asked otherwise."""
    require(request, Permission.SUPPRESS)
    asked = await json_object(request, IMPORT_NAMES)
    text, skips = asked.get("csv"), asked.get("skip_bad", False)
    if not isinstance(text, str):
        raise FieldError("csv", "must be a text")
    if not isinstance(skips, bool):
        raise FieldError("skip_bad", "must be true or false")
    found = await suppressions.read_file(request, text.encode("utf-8", "replace"))
    if found.problems and not skips:
        lines = "; ".join(map(str, found.problems[: suppressions.MOST_PROBLEMS]))
        raise FieldError("csv", f"{len(found.problems)} lines are wrong: {lines}")
    count = await suppressions.import_entries(request, found.entries)
    problems = [{"line": one.line, "message": one.text} for one in found.problems]
    return web.json_response({"read": len(found.entries), "imported": count, "problems": problems})


def _selection(request: web.Request) -> Selection:
    query = request.query
    return suppressions.selection(
        request,
        text=query_text(query.get("text", "")),
        cause=query.get("cause", ""),
        application=query.get("application"),
        which=query.get("which", ""),
    )
