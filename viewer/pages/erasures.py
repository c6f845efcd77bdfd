"""The pages of erasure: who is named where and what keeps it, the request with its reason, and how far it is."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator

import aiohttp_jinja2
from aiohttp import web

from relay.model.access import Permission
from relay.model.deletion import LONGEST_REASON
from relay.model.erasure import Erasure, Standing
from viewer.errors import FieldError
from viewer.flash import flash
from viewer.grid.live import PAUSE, event_stream, sse
from viewer.keys import CLOCK, ID
from viewer.security import archive_of
from viewer.translation import say, say_n
from viewer.work.deletion import needs_two
from viewer.work.erasure import (
    MOST_ADDRESSES,
    Look,
    ask,
    course,
    decide,
    handed_out,
    is_withdrawn,
    look,
    own_look,
    require_all,
)

routes = web.RouteTableDef()
MOST = 500
"""Requests on one page."""
LONGEST_TEXT = 30_000
"""Characters of addresses that are shown again."""


@routes.get("/erasures")
async def listed(request: web.Request) -> web.Response:
    """Requests, newest first: those that are not over, or with `all=1` all of them; and where to begin."""
    return await _list(request)


async def _list(request: web.Request, problem: str = "", addresses: str = "") -> web.Response:
    person = require_all(request)
    is_all = request.query.get("all") == "1"
    found = (await archive_of(request).erasures(only_open=not is_all))[:MOST]
    context = {
        "erasures": [(one, standing_of(request, one)) for one in found],
        "is_all": is_all,
        "own": person.actor,
        "can_decide": any(one.standing is Standing.ASKED and one.asked_by != person.actor for one in found),
        "can_withdraw": any(one.standing is Standing.ASKED and one.asked_by == person.actor for one in found),
        "needs_two": needs_two(request),
        "most": MOST_ADDRESSES,
        "longest": LONGEST_REASON,
        "problem": problem,
        "addresses": addresses[:LONGEST_TEXT],
        "now": request.app[CLOCK](),
    }
    return aiohttp_jinja2.render_template("erasures.html", request, context, status=400 if problem else 200)


def standing_of(request: web.Request, one: Erasure) -> str:
    """In words: what became of it."""
    if one.standing is Standing.ASKED:
        return say("waits for another person’s approval")
    if one.standing is Standing.APPROVED:
        return say("being done") if course(request, one).state == "running" else say("about to be done")
    if one.standing is Standing.DONE:
        return say("done")
    return say("withdrawn") if is_withdrawn(one) else say("refused")


@routes.post("/erasures")
async def decided(request: web.Request) -> web.Response:
    """Approves, refuses or withdraws the chosen requests, each in a commit of its own."""
    require_all(request)
    form = await request.post()
    chosen = [str(value) for value in form.getall("request", [])][:MOST]
    if not chosen:
        raise FieldError("request", say("Choose at least one request."))
    decision, answer = str(form.get("decision", "")), str(form.get("answer", ""))
    standings = {"approve": Standing.APPROVED, "refuse": Standing.REFUSED}
    if decision not in standings:
        raise FieldError("decision", say("must be approve or refuse"))
    done = sum([await decide(request, one, standings[decision], answer) for one in chosen])
    if decision == "approve":
        flash(request, say_n("%(num)s erasure approved.", "%(num)s erasures approved.", done))
    else:
        flash(request, say_n("%(num)s request closed.", "%(num)s requests closed.", done))
    if left := len(chosen) - done:
        words = say_n(
            "%(num)s was left alone: it is not open any more, or you asked for it yourself.",
            "%(num)s were left alone: they are not open any more, or you asked for them yourself.",
            left,
        )
        flash(request, words, "bad")
    raise web.HTTPSeeOther(f"/erasures/{chosen[0]}" if len(chosen) == 1 else "/erasures")


# -- looking ---------------------------------------------------------------------------------------------------------
@routes.post("/erasures/looks")
async def begun(request: web.Request) -> web.Response:
    """Begins the search. The addresses are in no address of a page: these are kept by browsers and proxies."""
    require_all(request, Permission.BODY)
    text = str((await request.post()).get("addresses", ""))
    try:
        task = await look(request, [one for one in re.split(r"[\s,;]+", text) if one])
    except FieldError as error:
        return await _list(request, error.message, text)
    raise web.HTTPSeeOther(task.address)


@routes.get(f"/erasures/looks/{ID}")
async def looked(request: web.Request) -> web.Response:
    return await _looked(request, own_look(request))


async def _looked(request: web.Request, task: Look, problem: str = "", reason: str = "") -> web.Response:
    context = {
        "task": task,
        "needs_two": needs_two(request),
        "handed_out": handed_out(request),
        "longest": LONGEST_REASON,
        "problem": problem,
        "reason": reason[:LONGEST_REASON],
        "now": request.app[CLOCK](),
    }
    return aiohttp_jinja2.render_template("erasure_look.html", request, context, status=400 if problem else 200)


@routes.post(f"/erasures/looks/{ID}")
async def asked(request: web.Request) -> web.Response:
    """Asks for the erasure of those who were looked for, or has it done."""
    task, form = own_look(request), await request.post()
    if task.state != "finished":
        raise web.HTTPConflict(text=say("The search is not finished: see what there is first."))
    reason = str(form.get("reason", ""))
    try:
        made = await ask(request, task.addresses, reason, is_suppressed=form.get("suppress") == "1")
    except FieldError as error:
        return await _looked(request, task, error.message, reason)
    if needs_two(request):
        flash(request, say("Asked for: another person has to approve it."))
    raise web.HTTPSeeOther(f"/erasures/{made[0].id}" if len(made) == 1 else "/erasures")


# -- one request -----------------------------------------------------------------------------------------------------
@routes.get(f"/erasures/{ID}")
async def shown(request: web.Request) -> web.Response:
    person = require_all(request)
    one = await archive_of(request).erasure(request.match_info["id"])
    context = {
        "one": one,
        "standing": standing_of(request, one),
        "course": course(request, one) if one.standing in (Standing.APPROVED, Standing.DONE) else None,
        "is_own": one.asked_by == person.actor,
        "handed_out": handed_out(request),
        "longest": LONGEST_REASON,
        "now": request.app[CLOCK](),
    }
    return aiohttp_jinja2.render_template("erasure.html", request, context)


@routes.get(f"/erasures/{ID}/progress")
async def progress(request: web.Request) -> web.StreamResponse:
    require_all(request)
    archive, erasure_id = archive_of(request), request.match_info["id"]
    await archive.erasure(erasure_id)

    async def events() -> AsyncIterator[str]:
        before = None
        while True:
            one = await archive.erasure(erasure_id)
            told = course(request, one)
            if told != before:
                yield sse("progress", {"state": told.state, "done": told.done, "total": told.total, "told": told.told})
            if one.standing is not Standing.APPROVED:
                return
            before = told
            await asyncio.sleep(PAUSE)

    return await event_stream(request, events())
