"""The two buttons of a message that is held: approve, reject."""

from __future__ import annotations

from aiohttp import web

from relay.model.access import Permission
from viewer.flash import flash
from viewer.keys import ID
from viewer.security import require
from viewer.translation import say_n
from viewer.work.approval import approve, reject

routes = web.RouteTableDef()


@routes.post(f"/messages/{ID}/approve")
async def approved(request: web.Request) -> web.Response:
    require(request, Permission.RELEASE)
    count = len(await approve(request, request.match_info["id"]))
    flash(
        request,
        say_n("Approved: on its way to %(num)s recipient.", "Approved: on its way to %(num)s recipients.", count),
    )
    raise web.HTTPSeeOther(f"/messages/{request.match_info['id']}")


@routes.post(f"/messages/{ID}/reject")
async def rejected(request: web.Request) -> web.Response:
    require(request, Permission.RELEASE)
    count = len(await reject(request, request.match_info["id"]))
    flash(
        request,
        say_n(
            "Rejected: it is not sent to %(num)s recipient.", "Rejected: it is not sent to %(num)s recipients.", count
        ),
    )
    raise web.HTTPSeeOther(f"/messages/{request.match_info['id']}")
