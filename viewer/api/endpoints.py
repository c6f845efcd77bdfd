"""Endpoints: how each does, what it was told, and sending again."""

from __future__ import annotations

from aiohttp import web

from relay.archive.api.notification import EndpointState, NotificationRow
from relay.model.access import Permission
from viewer.api.parameters import MOST_ROWS, json_object, number
from viewer.api.shape import Json, time, time_or_none
from viewer.errors import FieldError
from viewer.security import archive_of, require
from viewer.work import endpoints
from viewer.work.endpoints import NAME

routes = web.RouteTableDef()

NAMES = frozenset({"ids", "failed", "since"})


def endpoint(state: EndpointState) -> Json:
    return {
        "name": state.name,
        "url": state.url,
        "waiting": state.waiting,
        "failed": state.failed,
        "delivered": state.delivered,
        "delivered_at": time_or_none(state.delivered_at),
        "oldest_waiting": time_or_none(state.oldest_waiting),
        "next_due": time_or_none(state.next_due),
        "error": state.error,
        "error_at": time_or_none(state.error_at),
        "gone_at": time_or_none(state.gone_at),
    }


def notification(row: NotificationRow) -> Json:
    one = row.notification
    return {
        "id": one.id,
        "type": row.kind or "trial",
        "event_id": row.event_id or None,
        "message_id": row.message_id or None,
        "recipient": row.recipient,
        "standing": one.standing.value,
        "attempts": one.attempts,
        "created_at": time(one.created_at),
        "tried_at": time_or_none(one.tried_at),
        "due_at": time_or_none(one.due_at),
        "status": one.status,
        "error": one.error,
    }


@routes.get("/api/endpoints")
async def show(request: web.Request) -> web.Response:
    require(request, Permission.ADMINISTER)
    return web.json_response({"endpoints": [endpoint(state) for state in await archive_of(request).endpoints()]})


@routes.get(f"/api/endpoints/{NAME}/notifications")
async def notifications(request: web.Request) -> web.Response:
    """Newest first."""
    require(request, Permission.ADMINISTER)
    state = await endpoints.endpoint(request)
    limit = number(request, "limit", 50, 1, MOST_ROWS)
    wanted = endpoints.standing(request.query.get("standing", ""))
    try:
        page = await archive_of(request).notifications(
            state.name, standing=wanted, cursor=request.query.get("cursor"), limit=limit
        )
    except ValueError as error:
        raise FieldError("cursor", str(error)) from None
    return web.json_response({"notifications": [notification(row) for row in page.rows], "next": page.next})


@routes.post(f"/api/endpoints/{NAME}/replay")
async def replay(request: web.Request) -> web.Response:
    """`{"ids": […]}`, `{"failed": true}` or `{"since": "2026-05-04T12:00:00Z"}`."""
    require(request, Permission.ADMINISTER)
    asked = await json_object(request, NAMES)
    ids, failed, since = asked.get("ids", []), asked.get("failed", False), asked.get("since", "")
    if not isinstance(ids, list) or not all(isinstance(one, str) for one in ids):
        raise FieldError("ids", "must be a list of texts")
    if not isinstance(failed, bool):
        raise FieldError("failed", "must be true or false")
    if not isinstance(since, str):
        raise FieldError("since", "must be a text")
    count = await endpoints.replay(request, ids=tuple(ids), failed=failed, since=since)
    return web.json_response({"count": count}, status=202)


@routes.post(f"/api/endpoints/{NAME}/try")
async def try_out(request: web.Request) -> web.Response:
    """What came of it is among the notifications, under the id answered."""
    require(request, Permission.ADMINISTER)
    return web.json_response({"id": await endpoints.try_out(request)}, status=202)
