"""Messages: the search, one message, its events."""

from __future__ import annotations

from aiohttp import web

from relay.model.access import Permission
from viewer.api import shape
from viewer.api.parameters import MOST_ROWS, number, query_of, sort_of
from viewer.errors import FieldError
from viewer.keys import ID
from viewer.security import archive_of, require

routes = web.RouteTableDef()


@routes.get("/api/messages")
async def search(request: web.Request) -> web.Response:
    require(request, Permission.READ)
    query, sort = query_of(request), sort_of(request)
    limit = number(request, "limit", 50, 1, MOST_ROWS)
    try:
        page = await archive_of(request).search(query, sort=sort, cursor=request.query.get("cursor"), limit=limit)
    except ValueError:
        raise FieldError("cursor", "was not given by this search") from None
    rows = [shape.listing(row) for row in page.rows]
    return web.json_response({"messages": rows, "next": page.next, "previous": page.previous})


@routes.get(f"/api/messages/{ID}")
async def one(request: web.Request) -> web.Response:
    require(request, Permission.READ)
    stored = await archive_of(request).message(request.match_info["id"])
    return web.json_response(shape.message(stored))


@routes.get(f"/api/messages/{ID}/events")
async def events(request: web.Request) -> web.Response:
    require(request, Permission.READ)
    archive, message_id = archive_of(request), request.match_info["id"]
    after, limit = number(request, "after", 0, 0, 2**62), number(request, "limit", 1000, 1, 1000)
    await archive.listing(message_id)
    facts = await archive.events(message_id=message_id, after=after, limit=limit)
    return web.json_response({"events": [shape.event(number, fact) for number, fact in facts]})
