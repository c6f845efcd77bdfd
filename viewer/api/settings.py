"""The settings and the alerts that stand, for programs."""

from __future__ import annotations

from aiohttp import web

from relay.model.access import Permission
from viewer import settings
from viewer.alerts import LOOKERS, standing
from viewer.api import shape
from viewer.security import require, signed_in_user

routes = web.RouteTableDef()


@routes.get("/api/settings")
async def every(request: web.Request) -> web.Response:
    """Every key as it holds, with who gave it; secrets are not told."""
    require(request, Permission.ADMINISTER)
    found = [
        {"key": entry.name, "value": entry.value, "origin": entry.origin or "default"}
        for entry in await settings.entries(request)
    ]
    return web.json_response({"settings": found})


@routes.get("/api/alerts")
async def alerts(request: web.Request) -> web.Response:
    person = signed_in_user(request)
    if not any(person.may(permission) for permission in LOOKERS):
        require(request, Permission.AUDIT)
    found = [
        {
            "name": name,
            "words": one.words,
            "raised_at": shape.time(one.raised_at or 0),
            "is_calm": one.calm_since is not None,
        }
        for name, one in await standing(request)
    ]
    return web.json_response({"alerts": found})
