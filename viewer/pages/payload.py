"""The page of one payload: what came back, as it came. Shown as text that no browser runs, and to be downloaded."""

from __future__ import annotations

import aiohttp_jinja2
from aiohttp import web

from relay.model.access import Permission
from relay.model.event import Kind
from viewer.journal import record
from viewer.keys import CLOCK, ID
from viewer.message.standing import source_name
from viewer.pages.reading import shown_octets
from viewer.security import archive_of, require
from viewer.streams import download

routes = web.RouteTableDef()

MOST_SHOWN = 200_000
"""Octets of a body that are shown; the whole can be downloaded."""


@routes.get(f"/payloads/{ID}")
async def show(request: web.Request) -> web.Response:
    """404 for one that is not kept."""
    require(request, Permission.READ, Permission.BODY)
    payload = await archive_of(request).payload(request.match_info["id"])
    context = {
        "payload": payload,
        "source": source_name(payload.source),
        "body": shown_octets(payload.body[:MOST_SHOWN]),
        "is_cut": len(payload.body) > MOST_SHOWN,
        "shown": MOST_SHOWN,
        "now": request.app[CLOCK](),
    }
    return aiohttp_jinja2.render_template("payload.html", request, context)


@routes.get(f"/payloads/{ID}/body")
async def body(request: web.Request) -> web.Response:
    """The octets, octet for octet."""
    require(request, Permission.READ, Permission.BODY)
    payload = await archive_of(request).payload(request.match_info["id"])
    await record(request, Kind.DOWNLOADED, what="payload", payload=payload.id)
    return download(payload.body, "application/octet-stream", f"{payload.id}.{_extension(payload.source)}")


def _extension(source: str) -> str:
    return "eml" if source == "bounce" else "txt"
