"""What people turn while the server runs: pauses of sending, modes of applications; and how the upstreams do."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from relay.archive.api import NotFound
from relay.model.access import Permission
from relay.model.switch import Pause
from viewer.api.parameters import json_object
from viewer.api.shape import Json, time
from viewer.errors import FieldError
from viewer.security import archive_of, require
from viewer.work import modes, upstreams
from viewer.work.modes import ModeOf

routes = web.RouteTableDef()


@routes.get("/api/upstreams")
async def all_upstreams(request: web.Request) -> web.Response:
    require(request, Permission.READ)
    return web.json_response(await _upstreams(request))


@routes.post("/api/pause")
async def pause(request: web.Request) -> web.Response:
    """`{"upstream": "ses", "reason": …}`, both optional: without `upstream` all sending."""
    require(request, Permission.RELEASE)
    asked = await json_object(request, frozenset({"upstream", "reason"}))
    await upstreams.pause(request, _text(asked, "upstream") or None, _text(asked, "reason"))
    return web.json_response(await _upstreams(request))


@routes.post("/api/resume")
async def resume(request: web.Request) -> web.Response:
    require(request, Permission.RELEASE)
    asked = await json_object(request, frozenset({"upstream"}))
    await upstreams.resume(request, _text(asked, "upstream") or None)
    return web.json_response(await _upstreams(request))


@routes.get("/api/applications")
async def applications(request: web.Request) -> web.Response:
    require(request, Permission.ADMINISTER)
    return web.json_response({"applications": [_mode(one) for one in await modes.every(request)]})


@routes.put("/api/applications/{name}/mode")
async def set_mode(request: web.Request) -> web.Response:
    """`{"mode": "hold"}`; null: back to what is configured."""
    require(request, Permission.ADMINISTER)
    asked = await json_object(request, frozenset({"mode"}))
    if "mode" not in asked or not isinstance(asked["mode"], str | None):
        raise FieldError("mode", "must be the name of a mode, or null")
    name = request.match_info["name"]
    await modes.carry_out(request, await modes.switch(request, {"application": name, "mode": asked["mode"]}))
    found = next((one for one in await modes.every(request) if one.name == name), None)
    if found is None:
        raise NotFound(f"no application {name}")
    return web.json_response(_mode(found))


def _text(asked: dict[str, Any], name: str) -> str:
    value = asked.get(name, "")
    if not isinstance(value, str):
        raise FieldError(name, "must be a text")
    return value


async def _upstreams(request: web.Request) -> Json:
    archive = archive_of(request)
    switches, groups = await archive.switches(), await archive.waiting_groups()
    return {
        "paused": _pause(switches.paused),
        "upstreams": [
            {
                "name": one.name,
                "health": one.state.health.value if one.state else None,
                "since": time(one.state.since) if one.state else None,
                "error": one.state.error if one.state else "",
                "sessions": one.state.sessions if one.state else 0,
                "running": one.state.running if one.state else 0,
                "waiting": one.waiting,
                "paused": _pause(one.pause),
            }
            for one in upstreams.shown(request, switches, groups)
        ],
    }


def _pause(pause: Pause | None) -> Json | None:
    return None if pause is None else {"by": pause.by, "at": time(pause.at), "reason": pause.reason}


def _mode(one: ModeOf) -> Json:
    return {
        "name": one.name,
        "mode": one.now.value,
        "configured": one.configured.value,
        "is_switched": one.is_switched,
        "redirect_to": list(one.redirect_to),
    }
