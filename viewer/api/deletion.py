"""Deleting a message's content, and the requests that wait for another person."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from relay.model.access import Permission
from relay.model.deletion import LONGEST_REASON, Request
from viewer.api.parameters import choice, number
from viewer.api.shape import time, time_or_none
from viewer.errors import FieldError
from viewer.keys import ID
from viewer.security import archive_of, require
from viewer.work.deletion import Asked, approve, ask_or_delete, checked_reason, refuse

routes = web.RouteTableDef()


@routes.delete(f"/api/messages/{ID}")
async def delete(request: web.Request) -> web.Response:
    """200: the content is gone; 202: another person has to approve; 409 with the reason why it stays."""
    require(request, Permission.DELETE)
    reason = checked_reason(request.query.get("reason", ""))
    message_id = request.match_info["id"]
    return _answer(message_id, await ask_or_delete(request, message_id, reason))


@routes.get("/api/deletions")
async def requests(request: web.Request) -> web.Response:
    """Newest first; `next` is the cursor of older ones."""
    require(request, Permission.DELETE)
    limit = number(request, "limit", 50, 1, 1000)
    which = choice(request, "requests", ("open", "all"))
    before = request.query.get("cursor") or None
    found = await archive_of(request).deletion_requests(only_open=which == "open", before=before, limit=limit + 1)
    following = found[limit - 1].id if len(found) > limit else None
    return web.json_response({"requests": [_request(one) for one in found[:limit]], "next": following})


@routes.post(f"/api/deletions/{ID}/approve")
async def approved(request: web.Request) -> web.Response:
    require(request, Permission.DELETE)
    wanted = await archive_of(request).deletion_request(request.match_info["id"])
    return _answer(wanted.message_id, await approve(request, wanted.id))


@routes.post(f"/api/deletions/{ID}/refuse")
async def refused(request: web.Request) -> web.Response:
    require(request, Permission.DELETE)
    answer = " ".join(request.query.get("reason", "").split())
    if len(answer) > LONGEST_REASON:
        raise FieldError("reason", f"at most {LONGEST_REASON} characters")
    request_id = request.match_info["id"]
    if not await refuse(request, request_id, answer):
        raise web.HTTPConflict(text="The request is not open any more.")
    return web.json_response(_request(await archive_of(request).deletion_request(request_id)))


def _answer(message_id: str, asked: Asked) -> web.Response:
    if asked.standing == "refused":
        raise web.HTTPConflict(text=str(asked.words))
    told = {"message_id": message_id, "standing": asked.standing, "request_id": asked.request_id}
    return web.json_response(told, status=202 if asked.standing == "asked" else 200)


def _request(wanted: Request) -> dict[str, Any]:
    return {
        "id": wanted.id,
        "message_id": wanted.message_id,
        "asked_at": time(wanted.asked_at),
        "asked_by": wanted.asked_by,
        "reason": wanted.reason,
        "standing": wanted.standing.value,
        "decided_at": time_or_none(wanted.decided_at),
        "decided_by": wanted.decided_by,
        "answer": wanted.answer,
    }
