"""Changing what waits: chosen in a list, confirmed with its number, carried out at once or, if many, watched."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import aiohttp_jinja2
from aiohttp import web
from multidict import MultiDict

from relay.model.access import Permission
from viewer import present
from viewer.errors import FieldError
from viewer.flash import flash
from viewer.grid.live import PAUSE, event_stream, sse
from viewer.keys import CLOCK, CONFIG, ID
from viewer.security import archive_of, require
from viewer.translation import say
from viewer.work import queue_jobs, upstreams
from viewer.work.choosing import Choice, choice
from viewer.work.exports import wants_json
from viewer.work.operations import (
    NEEDS_UPSTREAM,
    OPERATIONS,
    PERMISSIONS,
    Order,
    Outcome,
    deliveries,
    hand_of,
    order_of,
    told,
)
from viewer.work.queue_jobs import Change
from viewer.work.resend import obstacle
from viewer.work.tasks import TASKS

routes = web.RouteTableDef()

AT_ONCE = 500
"""Deliveries that are changed before the answer; more in the background."""
COUNT_TO = 1_000_000
SHOWN = 8
"""Of what is chosen, shown on the confirmation."""


@routes.post("/queue/choose")
async def choose(request: web.Request) -> web.Response:
    """Asks whether the operation is meant, and names the number. A retry of one needs no question."""
    require(request, Permission.READ)
    form = _form(await request.post())
    name, chosen = _operation(form), choice(form, request.app[CLOCK]())
    require(request, PERMISSIONS[name])
    _check_can_send(request, name)
    if chosen.is_all and form.get("all") != "1":
        flash(request, say("Choose at least one delivery first."), "bad")
        raise web.HTTPSeeOther(_back(form, chosen))
    if name == "retry" and len(chosen.delivery_ids) == 1:
        return await _carry_out(request, form, chosen, order_of(request, name))
    count = await chosen.count(archive_of(request), COUNT_TO)
    if not count:
        flash(request, say("Nothing of what you chose waits any more."), "bad")
        raise web.HTTPSeeOther(_back(form, chosen))
    first = [row async for row in _first(request, chosen)]
    context: dict[str, Any] = {
        "name": name,
        "words": OPERATIONS[name],
        "number": deliveries(count),
        "count": count,
        "first": first,
        "chosen": chosen,
        "filters": [(title, value) for title, value in chosen.given.items() if value] if chosen.is_all else [],
        "back": _back(form, chosen),
        "upstream_names": upstreams.names(request),
        "states": present.STATES,
    }
    return aiohttp_jinja2.render_template("queue_confirm.html", request, context)


@routes.post("/queue/do")
async def do(request: web.Request) -> web.Response:
    """Carries out what was confirmed."""
    require(request, Permission.READ)
    form = _form(await request.post())
    name, chosen = _operation(form), choice(form, request.app[CLOCK]())
    require(request, PERMISSIONS[name])
    _check_can_send(request, name)
    if chosen.is_all and form.get("all") != "1":
        raise FieldError("all", say("must be 1 to mean all that match"))
    upstream = form.get("way", "") or None
    if upstream is not None and upstream not in upstreams.names(request):
        raise FieldError("way", say("must be the name of an upstream"))
    return await _carry_out(request, form, chosen, order_of(request, name, upstream))


async def _carry_out(request: web.Request, form: MultiDict[str], chosen: Choice, order: Order) -> web.Response:
    person = require(request, Permission.READ)
    archive = archive_of(request)
    if not chosen.delivery_ids and (total := await chosen.count(archive, COUNT_TO)) > AT_ONCE:
        change = queue_jobs.begin(request.app, person.name, hand_of(request), order, chosen, total)
        raise web.HTTPSeeOther(f"/queue/jobs/{change.id}")
    outcome = Outcome()
    async for rows in chosen.batches(archive, request.app[CLOCK]()):
        await hand_of(request).carry_out(order, rows, outcome)
    flash(request, told(order, outcome), "good" if outcome.changed else "bad")
    raise web.HTTPSeeOther(_back(form, chosen))


def _form(posted: Any) -> MultiDict[str]:
    """The form's texts. A button of one row, `only=retry:ID`, stands for operation and delivery."""
    form = MultiDict((name, str(value)) for name, value in posted.items())
    name, colon, delivery_id = form.get("only", "").partition(":")
    if colon:
        form.popall("delivery", None)
        form.popall("message", None)
        form["operation"], form["delivery"] = name, delivery_id
    elif form.get("all") == "1":
        # Without a script the boxes of the rows come along.
        form.popall("delivery", None)
        form.popall("message", None)
    return form


def _operation(form: MultiDict[str]) -> str:
    name = form.get("operation", "")
    if name not in OPERATIONS:
        raise FieldError("operation", say("must be one of %(known)s", known=", ".join(OPERATIONS)))
    return name


def _check_can_send(request: web.Request, name: str) -> None:
    if name in NEEDS_UPSTREAM and (reason := obstacle(request.app[CONFIG])):
        raise web.HTTPConflict(text=reason)


def _back(form: MultiDict[str], chosen: Choice) -> str:
    """Where the person came from: a message's page or the grid, by `back`, else the queue with its filter."""
    back = form.get("back", "")
    is_own = back.startswith("/") and not back.startswith(("//", "/\\")) and back.isprintable()
    return back if is_own else chosen.address


async def _first(request: web.Request, chosen: Choice) -> AsyncIterator[Any]:
    archive = archive_of(request)
    if chosen.delivery_ids:
        rows = await archive.waiting_of(chosen.delivery_ids[:SHOWN])
    else:
        rows = list((await archive.waiting(chosen.wanted, limit=SHOWN)).rows)
    for row in rows:
        yield row


# -- many --------------------------------------------------------------------------------------------------------
@routes.get(f"/queue/jobs/{ID}")
async def watch(request: web.Request) -> web.Response:
    change = _own(request)
    if wants_json(request):
        return web.json_response(change.as_json())
    context = {"change": change, "words": OPERATIONS[change.order.name], "number": deliveries(change.total)}
    return aiohttp_jinja2.render_template("queue_job.html", request, context)


@routes.get(f"/queue/jobs/{ID}/progress")
async def progress(request: web.Request) -> web.StreamResponse:
    change = _own(request)

    async def events() -> AsyncIterator[str]:
        while True:
            changed = change.changed
            yield sse("progress", change.as_json() | {"told": change.told})
            if change.is_over:
                return
            await changed.wait()
            # A burst of batches becomes one answer.
            await asyncio.sleep(PAUSE)

    return await event_stream(request, events())


@routes.post(f"/queue/jobs/{ID}/stop")
async def stop(request: web.Request) -> web.Response:
    change = _own(request)
    request.app[TASKS].stop(change)
    raise web.HTTPSeeOther(f"/queue/jobs/{change.id}")


def _own(request: web.Request) -> Change:
    person = require(request, Permission.READ)
    return queue_jobs.get(request.app, request.match_info["id"], person.name)
