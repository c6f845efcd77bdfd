"""Deciding on a message that is held."""

from __future__ import annotations

from aiohttp import web

from relay.model.access import Permission
from viewer.keys import ID
from viewer.security import require
from viewer.work.approval import approve, reject

routes = web.RouteTableDef()


@routes.post(f"/api/messages/{ID}/approve")
async def approved(request: web.Request) -> web.Response:
    require(request, Permission.RELEASE)
    message_id = request.match_info["id"]
    ids = await approve(request, message_id)
    return web.json_response({"message_id": message_id, "delivery_ids": ids}, status=202)


@routes.post(f"/api/messages/{ID}/reject")
async def rejected(request: web.Request) -> web.Response:
    require(request, Permission.RELEASE)
    message_id = request.match_info["id"]
    return web.json_response({"message_id": message_id, "delivery_ids": await reject(request, message_id)})
