"""Putting tags on a message and taking them off, from its page."""

from __future__ import annotations

from aiohttp import web

from relay.model.access import Permission
from viewer.flash import flash
from viewer.keys import ID
from viewer.security import require
from viewer.translation import say
from viewer.work.tagging import change, checked, tags_in

routes = web.RouteTableDef()


@routes.post(f"/messages/{ID}/tags")
async def changed(request: web.Request) -> web.Response:
    require(request, Permission.TAG)
    form = await request.post()
    add = tags_in("add", str(form.get("add", "")))
    remove = checked("remove", [str(value) for value in form.getall("remove", [])])
    message_id = request.match_info["id"]
    if await change(request, message_id, add, remove):
        flash(request, say("Tags changed."))
    else:
        flash(request, say("It has these tags already."), "note")
    raise web.HTTPSeeOther(f"/messages/{message_id}")
