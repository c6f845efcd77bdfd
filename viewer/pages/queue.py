"""The queue's page: what waits and why, the upstreams, and the pause switches. Changing what waits: `queue_work.py`."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import aiohttp_jinja2
from aiohttp import web

from relay.archive.api.waiting import WAITING_STATES, WaitingGroup, WaitingPage, WaitingRow
from relay.archive.query import QuerySyntaxError
from relay.model.access import Permission
from relay.model.delivery import State
from relay.model.switch import Switches
from relay.model.upstream import UpstreamState
from viewer import present
from viewer.errors import FieldError
from viewer.flash import flash
from viewer.keys import CLOCK, CONFIG, UPSTREAM_STATES
from viewer.present import Word
from viewer.security import archive_of, require
from viewer.translation import say, thousands
from viewer.work import queue_jobs, upstreams, waiting_words
from viewer.work.choosing import NAMES, Choice, choice
from viewer.work.operations import OPERATIONS, allowed
from viewer.work.resend import obstacle
from viewer.work.waiting_words import Why

routes = web.RouteTableDef()

ROWS = 50
COUNT_TO = 10_000


@dataclass(frozen=True, slots=True)
class Entry:
    """One waiting delivery as shown."""

    row: WaitingRow
    word: Word
    why: Why
    due: str
    priority: str


@dataclass(frozen=True, slots=True)
class Lane:
    """How many wait in one lane, by state, most urgent first."""

    name: str
    count: int
    oldest: int
    states: tuple[tuple[State, int], ...]
    address: str


@routes.get("/queue")
async def show(request: web.Request) -> web.Response:
    require(request, Permission.READ)
    return await page(request)


async def page(request: web.Request, *, problem: str = "", status: int = 200) -> web.Response:
    """The page that the address asks for; a filter that cannot be read is shown with its fault."""
    archive, now = archive_of(request), request.app[CLOCK]()
    given = {name: request.query.get(name, "") for name in NAMES}
    rows, count, following = WaitingPage(()), 0, ""
    try:
        chosen = choice(request.query, now)
        rows = await _rows(request, chosen)
        count = await archive.waiting_count(chosen.wanted, at_most=COUNT_TO)
        given = dict(chosen.given)
        following = _address(given, cursor=rows.next) if rows.next else ""
    except (QuerySyntaxError, FieldError) as error:
        text = error.message if isinstance(error, FieldError) else str(error)
        problem, status = say("This filter cannot be read: %(text)s.", text=text), 400
    switches, groups = await archive.switches(), await archive.waiting_groups()
    states = {state.name: state for state in request.app[UPSTREAM_STATES]()}
    context: dict[str, Any] = {
        "given": given,
        "is_filtered": any(given.values()),
        "problem": problem,
        "entries": [_entry(row, switches, states, now) for row in rows.rows],
        "is_first": "cursor" not in request.query,
        "first_address": _address(given),
        "next_address": following,
        "count": count,
        "count_text": say("more than %(n)s", n=thousands(COUNT_TO)) if count >= COUNT_TO else thousands(count),
        "chips": _chips(groups, given),
        "lanes": _lanes(groups, given),
        "lane_names": sorted({group.lane for group in groups} - {""}),
        "upstream_names": upstreams.names(request),
        "upstreams": upstreams.shown(request, switches, groups),
        "operations": {name: OPERATIONS[name] for name in allowed(request, OPERATIONS)},
        "held": State.HELD.value,
        "obstacle": obstacle(request.app[CONFIG]),
        "jobs": queue_jobs.of(request.app, require(request, Permission.READ).name)[:3],
        "now": now,
    }
    return aiohttp_jinja2.render_template("queue.html", request, context, status=status)


async def _rows(request: web.Request, chosen: Choice) -> WaitingPage:
    archive = archive_of(request)
    try:
        return await archive.waiting(chosen.wanted, cursor=request.query.get("cursor") or None, limit=ROWS)
    except ValueError:
        # An old or mistyped cursor: begin again rather than refuse.
        return await archive.waiting(chosen.wanted, limit=ROWS)


def _entry(row: WaitingRow, switches: Switches, states: dict[str, UpstreamState], now: int) -> Entry:
    delivery = row.delivery
    return Entry(
        row,
        present.STATES[delivery.state],
        waiting_words.why(delivery, switches, states, now),
        waiting_words.due(delivery, now),
        waiting_words.PRIORITIES.get(delivery.priority, ""),
    )


def _address(given: dict[str, str], **changes: str) -> str:
    query = urlencode({name: value for name, value in (given | changes).items() if value})
    return f"/queue?{query}" if query else "/queue"


def _chips(groups: list[WaitingGroup], given: dict[str, str]) -> list[tuple[str, bool, Word | None, int]]:
    """(address, is on, the state's word, how many in all): all, then each state in which something waits."""
    counts = Counter[State]()
    for group in groups:
        counts[group.state] += group.count
    shown: list[tuple[str, bool, Word | None, int]] = [
        (_address(given, state=""), not given["state"], None, counts.total())
    ]
    for state in WAITING_STATES:
        is_on = given["state"] == state.value
        if counts[state] or is_on:
            address = _address(given, state="" if is_on else state.value)
            shown.append((address, is_on, present.STATES[state], counts[state]))
    return shown


def _lanes(groups: list[WaitingGroup], given: dict[str, str]) -> list[Lane]:
    lanes = []
    for name in sorted({group.lane for group in groups}):
        mine = [group for group in groups if group.lane == name]
        states = Counter[State]()
        for group in mine:
            states[group.state] += group.count
        ordered = tuple((state, states[state]) for state in WAITING_STATES if states[state])
        oldest = min(group.oldest for group in mine)
        lanes.append(Lane(name, states.total(), oldest, ordered, _address(given, lane=name) if name else ""))
    return lanes


# -- the pause switches -------------------------------------------------------------------------------------------
@routes.post("/queue/pause")
async def pause(request: web.Request) -> web.Response:
    """Of all sending, or of `upstream`."""
    require(request, Permission.RELEASE)
    form = await request.post()
    upstream = str(form.get("upstream", "")) or None
    await upstreams.pause(request, upstream, str(form.get("reason", "")))
    flash(
        request,
        say("Upstream %(upstream)s is paused.", upstream=upstream)
        if upstream
        else say("All sending is paused. Mail is still taken in."),
    )
    raise web.HTTPSeeOther("/queue")


@routes.post("/queue/resume")
async def resume(request: web.Request) -> web.Response:
    require(request, Permission.RELEASE)
    upstream = str((await request.post()).get("upstream", "")) or None
    await upstreams.resume(request, upstream)
    flash(
        request, say("Upstream %(upstream)s is used again.", upstream=upstream) if upstream else say("Sending goes on.")
    )
    raise web.HTTPSeeOther("/queue")
