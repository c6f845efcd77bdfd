"""Erasure of persons, for programs: look where they are named, ask, decide, see how far it is."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from relay.model.access import Permission
from relay.model.erasure import Erasure, Standing
from viewer.api.parameters import choice, json_object
from viewer.api.shape import time, time_or_none
from viewer.errors import FieldError
from viewer.keys import ERASING, ID
from viewer.security import archive_of
from viewer.work.erasure import Look, Named, Shown, ask, decide, look, own_look, require_all

routes = web.RouteTableDef()


@routes.get("/api/erasures")
async def listed(request: web.Request) -> web.Response:
    """Newest first."""
    require_all(request)
    which = choice(request, "requests", ("open", "all"))
    found = await archive_of(request).erasures(only_open=which == "open")
    return web.json_response({"erasures": [as_json(request, one) for one in found]})


@routes.post("/api/erasures")
async def asked(request: web.Request) -> web.Response:
    """`{"addresses": […], "reason": …, "suppress": false}`: a request for each address."""
    require_all(request)
    body = await json_object(request, frozenset({"addresses", "reason", "suppress"}))
    reason, is_suppressed = body.get("reason", ""), body.get("suppress", False)
    if not isinstance(reason, str):
        raise FieldError("reason", "must be a text")
    if not isinstance(is_suppressed, bool):
        raise FieldError("suppress", "must be true or false")
    made = await ask(request, _addresses(body), reason, is_suppressed=is_suppressed)
    return web.json_response({"erasures": [as_json(request, one) for one in made]}, status=202)


@routes.get(f"/api/erasures/{ID}")
async def shown(request: web.Request) -> web.Response:
    require_all(request)
    return await _answer(request, 200)


@routes.post(f"/api/erasures/{ID}/approve")
async def approved(request: web.Request) -> web.Response:
    require_all(request)
    if not await decide(request, request.match_info["id"], Standing.APPROVED):
        raise web.HTTPConflict(text="It is not open, or you asked for it yourself: another person has to decide.")
    return await _answer(request, 202)


@routes.post(f"/api/erasures/{ID}/refuse")
async def refused(request: web.Request) -> web.Response:
    """Whoever asked for it withdraws it so."""
    require_all(request)
    if not await decide(request, request.match_info["id"], Standing.REFUSED, request.query.get("reason", "")):
        raise web.HTTPConflict(text="The request is not open any more.")
    return await _answer(request, 200)


@routes.post("/api/erasures/looks")
async def begun(request: web.Request) -> web.Response:
    """`{"addresses": […]}`; the answer says where to see what was found."""
    require_all(request, Permission.BODY)
    body = await json_object(request, frozenset({"addresses"}))
    return web.json_response(_look(await look(request, _addresses(body))), status=202)


@routes.get(f"/api/erasures/looks/{ID}")
async def looked(request: web.Request) -> web.Response:
    return web.json_response(_look(own_look(request)))


def _addresses(body: dict[str, Any]) -> list[str]:
    found = body.get("addresses", [])
    if not isinstance(found, list) or not all(isinstance(one, str) for one in found):
        raise FieldError("addresses", "must be a list of addresses")
    return found


async def _answer(request: web.Request, status: int) -> web.Response:
    one = await archive_of(request).erasure(request.match_info["id"])
    return web.json_response(as_json(request, one), status=status)


def as_json(request: web.Request, one: Erasure) -> dict[str, Any]:
    advance = request.app[ERASING](one.id)
    return {
        "id": one.id,
        "address": one.address,
        "reason": one.reason,
        "standing": one.standing.value,
        "asked_at": time(one.asked_at),
        "asked_by": one.asked_by,
        "decided_at": time_or_none(one.decided_at),
        "decided_by": one.decided_by,
        "ended_at": time_or_none(one.ended_at),
        "erased": one.erased,
        "kept": one.kept,
        "progress": advance
        and {"looked": advance.looked, "all": advance.all, "done": advance.done, "named": advance.named},
    }


def _look(task: Look) -> dict[str, Any]:
    return {
        "id": task.id,
        "state": task.state,
        "done": task.done,
        "total": task.total,
        "found": [_named(one) for one in task.named],
    }


def _named(one: Named) -> dict[str, Any]:
    return {
        "address": one.address,
        "messages": one.messages,
        "whole": one.whole,
        "parts": one.parts,
        "kept": one.kept,
        "first_at": time_or_none(one.first_at),
        "last_at": time_or_none(one.last_at),
        "places": one.places,
        "facts": one.rows,
        "suppressions": one.mentions.suppressed,
        "set_up": [{"kind": kind, "name": name} for kind, name in one.accounts],
        "holds": [{"id": hold.id, "name": hold.name, "messages": count} for hold, count in one.mentions.holds],
        "going": [_shown(found) for found in one.going],
        "staying": [_shown(found) for found in one.staying],
    }


def _shown(found: Shown) -> dict[str, Any]:
    mention = found.mention
    return {
        "message_id": mention.message_id,
        "received_at": time(mention.at),
        "places": list(mention.places),
        "content_goes": mention.is_whole and not mention.kept_by,
        "kept_by": mention.kept_by,
        "holds": [hold.id for hold in found.holds],
    }
