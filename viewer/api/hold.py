"""Legal holds, for programs: who administers the house begins, fills and ends them; whoever sees a message sees its."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from relay.model.access import Permission
from relay.model.hold import Hold
from viewer.api.parameters import choice, json_object
from viewer.api.shape import time, time_or_none
from viewer.errors import FieldError
from viewer.keys import ID
from viewer.security import archive_of, require
from viewer.work.hold import begin, end, lift, place, place_found, query_of

routes = web.RouteTableDef()
MOST = 1000
"""Messages named in one request."""


@routes.get("/api/holds")
async def listed(request: web.Request) -> web.Response:
    require(request, Permission.ADMINISTER)
    which = choice(request, "holds", ("open", "all"))
    found = await archive_of(request).holds(only_open=which == "open")
    return web.json_response({"holds": [as_json(one) for one in found]})


@routes.post("/api/holds")
async def begun(request: web.Request) -> web.Response:
    """`{"name": …, "reason": …}`."""
    require(request, Permission.ADMINISTER)
    body = await json_object(request, frozenset({"name", "reason"}))
    made = await begin(request, _text(body, "name"), _text(body, "reason"))
    return web.json_response(as_json(made), status=201)


@routes.post(f"/api/holds/{ID}/place")
async def placed(request: web.Request) -> web.Response:
    """`{"q": …}`: all that is found now, or `{"message_ids": […]}`."""
    require(request, Permission.ADMINISTER)
    body = await json_object(request, frozenset({"q", "message_ids"}))
    hold = await archive_of(request).hold(request.match_info["id"])
    if ("q" in body) == ("message_ids" in body):
        raise FieldError("q", "give either q or message_ids; an empty q means all there are")
    if "q" in body:
        changed = await place_found(request, hold, query_of(request, _text(body, "q")))
    else:
        changed = await place(request, hold, _ids(body))
    return await _changed(request, hold, changed)


@routes.post(f"/api/holds/{ID}/lift")
async def lifted(request: web.Request) -> web.Response:
    """`{"message_ids": […]}`."""
    require(request, Permission.ADMINISTER)
    body = await json_object(request, frozenset({"message_ids"}))
    hold = await archive_of(request).hold(request.match_info["id"])
    return await _changed(request, hold, await lift(request, hold, _ids(body)))


@routes.post(f"/api/holds/{ID}/end")
async def ended(request: web.Request) -> web.Response:
    require(request, Permission.ADMINISTER)
    return web.json_response(as_json(await end(request, request.match_info["id"], request.query.get("reason", ""))))


def as_json(hold: Hold) -> dict[str, Any]:
    return {
        "id": hold.id,
        "name": hold.name,
        "reason": hold.reason,
        "made_at": time(hold.made_at),
        "made_by": hold.made_by,
        "ended_at": time_or_none(hold.ended_at),
        "ended_by": hold.ended_by,
        "messages": hold.messages,
    }


async def _changed(request: web.Request, hold: Hold, changed: int) -> web.Response:
    return web.json_response({"hold": as_json(await archive_of(request).hold(hold.id)), "changed": changed})


def _text(body: dict[str, Any], name: str) -> str:
    value = body.get(name, "")
    if not isinstance(value, str):
        raise FieldError(name, "must be a text")
    return value


def _ids(body: dict[str, Any]) -> list[str]:
    ids = body.get("message_ids", [])
    if not isinstance(ids, list) or not ids or len(ids) > MOST or not all(isinstance(one, str) for one in ids):
        raise FieldError("message_ids", f"must be a list of 1 to {MOST} ids")
    return ids
