"""Read marks, tags, deletion and release, as Mailpit takes them."""

from __future__ import annotations

import json
from typing import Any

from aiohttp import web

from relay.archive.query import And, Query, Term
from relay.model.access import Permission
from viewer.errors import FieldError
from viewer.mailpit.finding import MESSAGE, found, id_of, in_mailpits_words, search_of
from viewer.mailpit.marks import MARKS
from viewer.mailpit.search import CAPTURED, Search
from viewer.security import archive_of, require
from viewer.work import deletion, tagging
from viewer.work.resend import resend_exact

routes = web.RouteTableDef()
REASON = "Deleted through Mailpit's API."
TAG = "/api/v1/tags/{tag}"
MOST = 1000
"""Messages that one request changes."""


def _ok() -> web.Response:
    return web.Response(text="ok")


@routes.put("/api/v1/messages")
@in_mailpits_words
async def set_read(request: web.Request) -> web.Response:
    require(request, Permission.READ)
    asked = await asked_of(request)
    ids = _texts(asked, "IDs") or [row.id async for row in found(request, search_of(request))]
    request.app[MARKS].set(ids, asked.get("Read") in (True, "true", "True", "1"))
    return _ok()


@routes.delete("/api/v1/messages")
@in_mailpits_words
async def delete(request: web.Request) -> web.Response:
    """Those named; without names, all that were captured and sent to nobody."""
    require(request, Permission.DELETE)
    ids = _texts(await asked_of(request), "IDs")
    return await _delete(request, ids or [row.id async for row in found(request, Search(CAPTURED))])


@routes.delete("/api/v1/search")
@in_mailpits_words
async def delete_found(request: web.Request) -> web.Response:
    require(request, Permission.DELETE)
    if not request.query.get("query", "").strip():
        return web.Response(status=400, text="Error: no search query")
    return await _delete(request, [row.id async for row in found(request, search_of(request))])


async def _delete(request: web.Request, ids: list[str]) -> web.Response:
    for message_id in ids[:MOST]:
        asked = await deletion.ask_or_delete(request, message_id, REASON)
        if asked.standing == "refused":
            return web.Response(status=400, text=str(asked.words))
    if len(ids) > MOST:
        return web.Response(status=400, text=f"{MOST} of {len(ids)} messages were deleted; ask again")
    return _ok()


@routes.get("/api/v1/tags")
@in_mailpits_words
async def tags(request: web.Request) -> web.Response:
    require(request, Permission.READ)
    rows = (await archive_of(request).search(search_of(request).query, limit=500)).rows
    return web.json_response(sorted({tag for row in rows for tag in row.tags}))


@routes.put("/api/v1/tags")
@in_mailpits_words
async def set_tags(request: web.Request) -> web.Response:
    """The messages have these tags and no others."""
    require(request, Permission.TAG)
    asked = await asked_of(request)
    wanted, archive = tagging.checked("Tags", _texts(asked, "Tags")), archive_of(request)
    for message_id in _texts(asked, "IDs")[:MOST]:
        has = (await archive.listing(message_id)).tags
        await _retag(
            request, message_id, [tag for tag in wanted if tag not in has], [t for t in has if t not in wanted]
        )
    return _ok()


@routes.put(TAG)
@in_mailpits_words
async def rename_tag(request: web.Request) -> web.Response:
    require(request, Permission.TAG)
    (name,) = tagging.checked("Name", [_text(await asked_of(request), "Name")]) or ("",)
    if not name:
        raise FieldError("Name", "must be given")
    return await _everywhere(request, [name])


@routes.delete(TAG)
@in_mailpits_words
async def delete_tag(request: web.Request) -> web.Response:
    require(request, Permission.TAG)
    return await _everywhere(request, [])


async def _everywhere(request: web.Request, instead: list[str]) -> web.Response:
    """The tag that the path names goes from the newest messages that have it, and `instead` comes."""
    old = tagging.checked("Tag", [request.match_info["tag"]])
    rows = (await archive_of(request).search(Query(And(tuple(Term("tag", tag) for tag in old))), limit=500)).rows
    for row in rows:
        await _retag(request, row.id, instead, list(old))
    return _ok()


async def _retag(request: web.Request, message_id: str, add: list[str], remove: list[str]) -> None:
    if add or remove:
        await tagging.change(request, message_id, add, remove)


@routes.post(f"{MESSAGE}/release")
@in_mailpits_words
async def release(request: web.Request) -> web.Response:
    """Sends the message to other recipients, through the way that all mail goes."""
    require(request, Permission.RESEND)
    to = _texts(await asked_of(request), "To")
    if not to:
        raise FieldError("To", "must name somebody")
    await resend_exact(request, await id_of(request), to)
    return _ok()


async def asked_of(request: web.Request) -> dict[str, Any]:
    """The body: JSON, or a form (some clients send one), names as Mailpit spells them whatever the case."""
    if request.content_type == "application/x-www-form-urlencoded":
        form = await request.post()
        given: Any = {name: form.getall(name) if name.lower() == "ids" else form[name] for name in form}
    else:
        try:
            given = json.loads(await request.text() or "{}")
        except (ValueError, RecursionError, LookupError):
            raise FieldError("body", "must be JSON") from None
    if not isinstance(given, dict):
        raise FieldError("body", "must be an object")
    known: dict[str, str] = {name.lower(): name for name in ("IDs", "Read", "Tags", "Name", "To")}
    return {known.get(str(name).lower(), str(name)): value for name, value in given.items()}


def _texts(asked: dict[str, Any], name: str) -> list[str]:
    value = asked.get(name)
    value = [] if value is None else value
    if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
        raise FieldError(name, "must be a list of texts")
    return value


def _text(asked: dict[str, Any], name: str) -> str:
    value = asked.get(name, "")
    if not isinstance(value, str):
        raise FieldError(name, "must be a text")
    return value
