"""The audit history for programs."""

from __future__ import annotations

from aiohttp import web

from relay.model.access import Permission
from viewer import audit
from viewer.api import shape
from viewer.api.parameters import number
from viewer.deeds import sentence
from viewer.security import require

routes = web.RouteTableDef()


@routes.get("/api/audit")
async def history(request: web.Request) -> web.Response:
    require(request, Permission.AUDIT)
    limit = number(request, "limit", 100, 1, 1000)
    found, following = await audit.page(request, audit.chosen(audit.given(request)), limit)
    deeds = [{**shape.event(seq, event), "sentence": str(sentence(event))} for seq, event in found]
    return web.json_response({"deeds": deeds, "next": following})
