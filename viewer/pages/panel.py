"""The panel beside the grid: one message as its recipient sees it, and what became of it. `/?…&open=ID`.

For a script, `/panel/ID?…` is the panel alone. Showing it is looking at the message, and recorded as that.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import aiohttp_jinja2
from aiohttp import web

from relay.archive.api import NotFound
from relay.model.access import Permission
from viewer.grid.place import Place, place_of
from viewer.journal import events_of
from viewer.keys import CLOCK, CONFIG, ID
from viewer.message.standing import standing
from viewer.pages.message import record_view
from viewer.pages.rows import back
from viewer.security import archive_of, require
from viewer.work.resend import obstacle

routes = web.RouteTableDef()

SHOWN = 10
"""Recipients named with what became of their copies."""


@routes.get(f"/panel/{ID}")
async def show(request: web.Request) -> web.Response:
    require(request, Permission.READ)
    place = place_of(request.query)
    found = await context(request, request.match_info["id"], place, ())
    if found["panel"] is None:
        raise NotFound(request.match_info["id"])
    return aiohttp_jinja2.render_template("_panel.html", request, found | {"place": place, "back": back(place.q)})


async def context(request: web.Request, message_id: str, place: Place, ids: Sequence[str]) -> dict[str, Any]:
    """What the panel shows; `ids`: the messages of the page around it, for the way to the next. `panel` is None where
    there is no such message."""
    archive = archive_of(request)
    try:
        stored, row = await archive.message(message_id), await archive.listing(message_id)
    except NotFound:
        return {"panel": None}
    events = await events_of(archive, message_id)
    await record_view(request, require(request, Permission.READ), message_id, events)
    at = ids.index(message_id) if message_id in ids else None
    return {
        "panel": row,
        "stored": stored,
        "stories": [(one, standing(one, events)) for one in stored.deliveries[:SHOWN]],
        "unshown": max(0, len(stored.deliveries) - SHOWN),
        "above": place.opened(ids[at - 1]) if at else "",
        "below": place.opened(ids[at + 1]) if at is not None and at + 1 < len(ids) else "",
        "obstacle": obstacle(request.app[CONFIG]),
        "now": request.app[CLOCK](),
    }
