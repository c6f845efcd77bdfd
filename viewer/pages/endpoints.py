"""The endpoints' page, for administrators: how each does, what it was told, sending again, and a trial."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote, urlencode

import aiohttp_jinja2
from aiohttp import web

from relay.model.access import Permission
from viewer import present
from viewer.errors import FieldError
from viewer.flash import flash
from viewer.keys import CLOCK
from viewer.security import archive_of, require
from viewer.translation import say, say_n
from viewer.work import endpoints
from viewer.work.endpoints import NAME, STANDINGS

routes = web.RouteTableDef()

ROWS = 50


@routes.get("/endpoints")
async def show(request: web.Request) -> web.Response:
    require(request, Permission.ADMINISTER)
    context = {
        "endpoints": [(state, endpoints.word(state)) for state in await archive_of(request).endpoints()],
        "now": request.app[CLOCK](),
    }
    return aiohttp_jinja2.render_template("endpoints.html", request, context)


@routes.get(f"/endpoints/{NAME}")
async def show_one(request: web.Request) -> web.Response:
    require(request, Permission.ADMINISTER)
    return await _page(request)


@routes.post(f"/endpoints/{NAME}/replay")
async def replay(request: web.Request) -> web.Response:
    """Sends again: those chosen, all that failed, or all since a day."""
    require(request, Permission.ADMINISTER)
    await endpoints.endpoint(request)
    form = await request.post()
    ids = tuple(str(one) for one in form.getall("id", []))
    which, since = str(form.get("which", "")), str(form.get("since", "")).strip()
    try:
        count = await endpoints.replay(
            request,
            ids=ids if which == "chosen" else (),
            failed=which == "failed",
            since=since if which == "since" else "",
        )
    except FieldError as error:
        problem = (
            say("Choose what to send again.")
            if error.field == "ids"
            else say("Since when: %(message)s.", message=error.message)
        )
        return await _page(request, problem=problem, status=400)
    told = say_n("%(num)s notification is sent again.", "%(num)s notifications are sent again.", count)
    flash(
        request,
        told if count else say("There was none to send again."),
        "good" if count else "note",
    )
    raise web.HTTPSeeOther(_address(request))


@routes.post(f"/endpoints/{NAME}/try")
async def try_out(request: web.Request) -> web.Response:
    """Has it told of nothing, to see whether it takes it."""
    require(request, Permission.ADMINISTER)
    await endpoints.endpoint(request)
    await endpoints.try_out(request)
    flash(
        request,
        say("A trial is on its way. What came of it is in the list in a moment; load the page again."),
        "note",
    )
    raise web.HTTPSeeOther(_address(request))


async def _page(request: web.Request, *, problem: str = "", status: int = 200) -> web.Response:
    state = await endpoints.endpoint(request)
    chosen, cursor = request.query.get("standing", ""), request.query.get("cursor")
    try:
        page = await archive_of(request).notifications(
            state.name, standing=endpoints.standing(chosen), cursor=cursor, limit=ROWS
        )
    except (FieldError, ValueError):
        raise web.HTTPBadRequest(text=say("This filter cannot be read.")) from None
    counts = {"waiting": state.waiting, "delivered": state.delivered, "failed": state.failed}
    context: dict[str, Any] = {
        "endpoint": state,
        "word": endpoints.word(state),
        "rows": page.rows,
        "standings": STANDINGS,
        "chips": [("", None, sum(counts.values())), *((one.value, STANDINGS[one], counts[one]) for one in STANDINGS)],
        "chosen": chosen,
        "here": _address(request),
        "first": _address(request, standing=chosen) if cursor else "",
        "next": _address(request, standing=chosen, cursor=page.next) if page.next else "",
        "problem": problem,
        "wait": present.wait,
        "now": request.app[CLOCK](),
    }
    return aiohttp_jinja2.render_template("endpoint.html", request, context, status=status)


def _address(request: web.Request, **query: str) -> str:
    given = {name: value for name, value in query.items() if value}
    path = f"/endpoints/{quote(request.match_info['name'])}"
    return f"{path}?{urlencode(given)}" if given else path
