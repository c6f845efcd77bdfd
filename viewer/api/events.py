"""The journal of all messages and people, in the order of recording."""

from __future__ import annotations

from aiohttp import web

from relay.model.access import Permission
from viewer.api import shape
from viewer.api.parameters import number
from viewer.security import archive_of, require

routes = web.RouteTableDef()


@routes.get("/api/events")
async def events(request: web.Request) -> web.Response:
    """For those who see what people did: it tells of them and their addresses too, not only of messages."""
    require(request, Permission.AUDIT)
    after, limit = number(request, "after", 0, 0, 2**62), number(request, "limit", 1000, 1, 1000)
    facts = await archive_of(request).events(after=after, limit=limit)
    return web.json_response({"events": [shape.event(number, fact) for number, fact in facts]})
