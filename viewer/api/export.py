"""A search as one file, streamed while it is read."""

from __future__ import annotations

from aiohttp import web

from relay.model.access import Permission
from relay.model.event import Kind
from relay.rendition.export import CONTENT_TYPES, WRITERS
from viewer.api.parameters import choice, query_of
from viewer.journal import record
from viewer.keys import CLOCK
from viewer.security import archive_of, require
from viewer.streams import attachment, stream
from viewer.work.export import checked_count, export, filename

routes = web.RouteTableDef()


@routes.get("/api/export")
async def whole_search(request: web.Request) -> web.StreamResponse:
    require(request, Permission.EXPORT)
    archive, query = archive_of(request), query_of(request)
    form = choice(request, "format", ("zip", "mbox", "csv", "eml"))
    count = await checked_count(archive, query, form)
    await record(request, Kind.EXPORTED, query=request.query.get("q", ""), format=form, count=count)
    headers = {
        "Content-Type": CONTENT_TYPES[form],
        "Content-Disposition": attachment(filename(request.app[CLOCK](), form)),
    }
    return await stream(request, export(archive, query, WRITERS[form]()), headers)
