"""Information about the server, as Mailpit gives it."""

from __future__ import annotations

from importlib.metadata import version

from aiohttp import web

from relay.model.access import Permission
from viewer.mailpit.finding import count, in_mailpits_words, slice_of
from viewer.mailpit.marks import MARKS
from viewer.mailpit.search import EVERYTHING
from viewer.mailpit.shape import WEB_UI
from viewer.security import require

routes = web.RouteTableDef()
LATEST = 500
"""Messages whose tags are counted."""


@routes.get("/api/v1/info")
@in_mailpits_words
async def info(request: web.Request) -> web.Response:
    require(request, Permission.READ)
    rows = await slice_of(request, EVERYTHING, 0, LATEST)
    tags: dict[str, int] = {}
    for row in rows:
        for tag in row.tags:
            tags[tag] = tags.get(tag, 0) + 1
    total = await count(request, EVERYTHING.query)
    marks, name = request.app[MARKS], f"v{version('mailwitness')}"
    answer = {
        "Version": name,
        "LatestVersion": name,
        "Database": "",
        "DatabaseSize": 0,
        "Messages": total,
        "Unread": total - sum(marks.is_read(row.id) for row in rows),
        "Tags": tags,
        "RuntimeStats": {
            "Uptime": 0,
            "Memory": 0,
            "MessagesDeleted": 0,
            "SMTPAccepted": total,
            "SMTPAcceptedSize": 0,
            "SMTPRejected": 0,
            "SMTPIgnored": 0,
        },
    }
    return web.json_response(answer)


@routes.get("/api/v1/webui")
@in_mailpits_words
async def web_ui(request: web.Request) -> web.Response:
    require(request, Permission.READ)
    return web.json_response(WEB_UI)
