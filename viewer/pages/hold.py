"""The page of legal holds: begin one, put what a search finds under it, end it."""

from __future__ import annotations

import aiohttp_jinja2
from aiohttp import web

from relay.model.access import Permission
from relay.model.deletion import LONGEST_REASON
from relay.model.hold import LONGEST_NAME
from viewer.flash import flash
from viewer.keys import CLOCK, ID
from viewer.security import archive_of, require
from viewer.translation import say, say_n
from viewer.work.hold import begin, end, place_found, query_of

routes = web.RouteTableDef()


@routes.get("/holds")
async def listed(request: web.Request) -> web.Response:
    """Those that are open, or with `all=1` the ended ones too; newest first."""
    require(request, Permission.ADMINISTER)
    is_all = request.query.get("all") == "1"
    archive = archive_of(request)
    context = {
        "holds": await archive.holds(only_open=not is_all),
        "is_all": is_all,
        "term_days": await archive.term() // 86_400,
        "longest_name": LONGEST_NAME,
        "longest_reason": LONGEST_REASON,
        "now": request.app[CLOCK](),
    }
    return aiohttp_jinja2.render_template("holds.html", request, context)


@routes.post("/holds")
async def begun(request: web.Request) -> web.Response:
    require(request, Permission.ADMINISTER)
    form = await request.post()
    text = str(form.get("q", "")).strip()
    query = query_of(request, text) if text else None
    made = await begin(request, str(form.get("name", "")), str(form.get("reason", "")))
    placed = await place_found(request, made, query) if query is not None else 0
    _tell(request, placed)
    raise web.HTTPSeeOther("/holds")


@routes.post(f"/holds/{ID}/place")
async def placed(request: web.Request) -> web.Response:
    """Everything, where the search is empty: so the form asks for one."""
    require(request, Permission.ADMINISTER)
    query = query_of(request, str((await request.post()).get("q", "")))
    hold = await archive_of(request).hold(request.match_info["id"])
    _tell(request, await place_found(request, hold, query))
    raise web.HTTPSeeOther("/holds")


@routes.post(f"/holds/{ID}/end")
async def ended(request: web.Request) -> web.Response:
    require(request, Permission.ADMINISTER)
    reason = str((await request.post()).get("reason", ""))[:LONGEST_REASON]
    await end(request, request.match_info["id"], reason)
    flash(request, say("The legal hold is ended."))
    raise web.HTTPSeeOther("/holds")


def _tell(request: web.Request, placed: int) -> None:
    flash(request, say_n("%(num)s message put under the hold.", "%(num)s messages put under the hold.", placed))
