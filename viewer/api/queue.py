"""What waits: listed and counted, and changed: some by id at once, or all that a filter matches in the background."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from aiohttp import web
from multidict import MultiDict

from relay.archive.api.waiting import WaitingGroup, WaitingRow
from relay.model.access import Permission
from viewer.api import shape
from viewer.api.parameters import MOST_ROWS, json_object, number
from viewer.api.shape import Json, time, time_or_none
from viewer.errors import FieldError
from viewer.keys import CLOCK, CONFIG, ID, UPSTREAM_STATES
from viewer.security import archive_of, require
from viewer.work import queue_jobs, upstreams, waiting_words
from viewer.work.choosing import MOST_CHOSEN, NAMES, Choice, choice
from viewer.work.operations import NEEDS_UPSTREAM, OPERATIONS, PERMISSIONS, Order, Outcome, hand_of, order_of
from viewer.work.queue_jobs import Change
from viewer.work.resend import obstacle
from viewer.work.tasks import TASKS

routes = web.RouteTableDef()

OPERATION = "{operation:" + "|".join(OPERATIONS) + "}"
COUNT_TO = 1_000_000


@routes.get("/api/queue")
async def waits(request: web.Request) -> web.Response:
    require(request, Permission.READ)
    archive, now = archive_of(request), request.app[CLOCK]()
    limit = number(request, "limit", 50, 1, MOST_ROWS)
    chosen = choice(request.query, now)
    try:
        page = await archive.waiting(chosen.wanted, cursor=request.query.get("cursor"), limit=limit)
    except ValueError:
        raise FieldError("cursor", "was not given by this listing") from None
    switches = await archive.switches()
    states = {state.name: state for state in request.app[UPSTREAM_STATES]()}
    rows = [_waiting(row, waiting_words.why(row.delivery, switches, states, now).text) for row in page.rows]
    return web.json_response({"deliveries": rows, "next": page.next})


@routes.get("/api/queue/groups")
async def groups(request: web.Request) -> web.Response:
    require(request, Permission.READ)
    return web.json_response({"groups": [_group(one) for one in await archive_of(request).waiting_groups()]})


@routes.post(f"/api/queue/{OPERATION}")
async def change(request: web.Request) -> web.Response:
    """Changes the deliveries named, at most MOST_CHOSEN; says of each that was left alone why."""
    require(request, PERMISSIONS[request.match_info["operation"]])
    asked = await json_object(request, frozenset({"delivery_ids", "way"}))
    order = _order(request, asked)
    ids = asked.get("delivery_ids")
    if not isinstance(ids, list) or not all(isinstance(one, str) for one in ids) or not 1 <= len(ids) <= MOST_CHOSEN:
        raise FieldError("delivery_ids", f"must be a list of 1 to {MOST_CHOSEN} ids")
    archive, outcome = archive_of(request), Outcome()
    rows = await archive.waiting_of(ids)
    waiting = {row.delivery.id for row in rows}
    await hand_of(request).carry_out(order, rows, outcome)
    left = {one: "It does not wait (any more)." for one in ids if one not in waiting} | outcome.refusals
    told = [{"delivery_id": delivery_id, "reason": reason} for delivery_id, reason in left.items()]
    return web.json_response({"changed": outcome.changed, "left": told})


@routes.post(f"/api/queue/{OPERATION}/all")
async def change_all(request: web.Request) -> web.Response:
    """Begins to change all that match; the answer is the job, which can be watched and stopped."""
    person = require(request, PERMISSIONS[request.match_info["operation"]])
    asked = await json_object(request, frozenset({*NAMES, "way"}))
    order, chosen = _order(request, asked), _chosen(request, asked)
    total = await chosen.count(archive_of(request), COUNT_TO)
    begun = queue_jobs.begin(request.app, person.name, hand_of(request), order, chosen, total)
    return web.json_response(begun.as_json(), status=202)


@routes.get(f"/api/queue/jobs/{ID}")
async def job(request: web.Request) -> web.Response:
    return web.json_response(_own(request).as_json())


@routes.post(f"/api/queue/jobs/{ID}/stop")
async def stop(request: web.Request) -> web.Response:
    mine = _own(request)
    request.app[TASKS].stop(mine)
    return web.json_response(mine.as_json())


def _own(request: web.Request) -> Change:
    person = require(request, Permission.READ)
    return queue_jobs.get(request.app, request.match_info["id"], person.name)


def _order(request: web.Request, asked: Mapping[str, Any]) -> Order:
    name, way = request.match_info["operation"], asked.get("way")
    if name in NEEDS_UPSTREAM and (reason := obstacle(request.app[CONFIG])):
        raise web.HTTPConflict(text=reason)
    if way is not None and (name != "reroute" or way not in upstreams.names(request)):
        raise FieldError("way", "must be the name of an upstream, and is for reroute alone")
    return order_of(request, name, way)


def _chosen(request: web.Request, asked: Mapping[str, Any]) -> Choice:
    given = MultiDict[str]()
    for name in NAMES:
        if name in asked:
            if not isinstance(asked[name], str):
                raise FieldError(name, "must be a text")
            given[name] = asked[name]
    return choice(given, request.app[CLOCK]())


def _waiting(row: WaitingRow, why: str) -> Json:
    told = shape.delivery(row.delivery, [])
    del told["attempts"]
    return told | {
        "application": row.application,
        "sender": row.sender,
        "subject": row.subject,
        "attempt_count": row.delivery.attempts,
        "waits": why,
    }


def _group(group: WaitingGroup) -> Json:
    return {
        "lane": group.lane,
        "upstream": group.upstream,
        "state": group.state.value,
        "count": group.count,
        "oldest": time(group.oldest),
        "next_due": time_or_none(group.next_due),
    }
