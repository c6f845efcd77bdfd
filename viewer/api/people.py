"""Who may sign in, for programs: what the page `viewer/pages/users.py` does.

Nobody changes themselves, and nobody gives what they do not have. Whoever's rights change is signed out.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from aiohttp import web

from relay.archive.api import User
from relay.model.event import Kind
from viewer.api.given import flag, scope, text, texts
from viewer.api.parameters import json_object
from viewer.api.shape import Json, time, time_or_none
from viewer.errors import FieldError
from viewer.identity import passwords
from viewer.identity.people import name_problem
from viewer.identity.rights import all_that, check_giver, check_role
from viewer.identity.sign_in import PASSWORDS
from viewer.journal import deed
from viewer.keys import ARCHIVE, CLOCK
from viewer.pages.users import keeper, other

routes = web.RouteTableDef()

CHANGES = frozenset({"role", "groups", "scope", "disabled"})


@routes.get("/api/users")
async def every(request: web.Request) -> web.Response:
    keeper(request)
    return web.json_response({"users": [shape(one) for one in await request.app[ARCHIVE].users()]})


@routes.post("/api/users")
async def add(request: web.Request) -> web.Response:
    """Adds a person. Without a password they come in by a link, single sign-on or a proxy's word."""
    keeper(request)
    asked = await json_object(request, CHANGES | {"name", "password"})
    name, password = text(asked, "name"), text(asked, "password")
    if problem := name_problem(name):
        raise FieldError("name", problem)
    if password and (problem := passwords.weakness(password, name)):
        raise FieldError("password", problem)
    if await request.app[ARCHIVE].user(name) is not None:
        raise FieldError("name", "is the name of a user already")
    made = await _changed(request, User(name, "", "", request.app[CLOCK]()), asked)
    if password:
        made = replace(made, password_hash=await request.app[PASSWORDS].hash(password))
    event = deed(request, Kind.ACCOUNT_CHANGED, change="user added", user=name, role=made.role)
    await request.app[ARCHIVE].put_user(made, event)
    return web.json_response(shape(made), status=201)


@routes.get("/api/users/{name}")
async def one(request: web.Request) -> web.Response:
    keeper(request)
    user = await request.app[ARCHIVE].user(request.match_info["name"])
    if user is None:
        raise web.HTTPNotFound(text="There is no such user.")
    return web.json_response(shape(user))


@routes.put("/api/users/{name}")
async def change(request: web.Request) -> web.Response:
    """What is not given stays."""
    keeper(request)
    user = await other(request, request.match_info["name"])
    made = await _changed(request, user, await json_object(request, CHANGES))
    if made != user:
        await request.app[ARCHIVE].put_user(
            made, deed(request, Kind.ACCOUNT_CHANGED, change="rights changed", user=user.name)
        )
    return web.json_response(shape(made))


@routes.delete("/api/users/{name}")
async def remove(request: web.Request) -> web.Response:
    """Removes a person, with sessions and tokens; the answer is what they had."""
    keeper(request)
    user = await other(request, request.match_info["name"])
    event = deed(request, Kind.ACCOUNT_CHANGED, change="user removed", user=user.name)
    await request.app[ARCHIVE].remove_user(user.name, event)
    return web.json_response(shape(user))


async def _changed(request: web.Request, user: User, asked: Mapping[str, Any]) -> User:
    """The user as asked for. Raises FieldError, and 403 for more than the person has who asks."""
    archive = request.app[ARCHIVE]
    roles, groups = await archive.roles(), {group.name: group for group in await archive.groups()}
    names = texts(asked, "groups") if "groups" in asked else user.groups
    if "groups" in asked and (unknown := [name for name in names if name not in groups]):
        raise FieldError("groups", f"must be names of groups, and {unknown[0][:80]!r} is none")
    role = text(asked, "role") if "role" in asked else user.role
    if "role" in asked or not user.role:
        check_role(role, roles, may_be_none=bool(names))
    seen = scope(asked, "scope") if "scope" in asked else user.scope
    check_giver(keeper(request), all_that(role, [groups[name] for name in names if name in groups], roles))
    disabled_at = user.disabled_at
    if "disabled" in asked and flag(asked, "disabled") is not (disabled_at is not None):
        disabled_at = request.app[CLOCK]() if disabled_at is None else None
    return replace(user, role=role, groups=tuple(names), scope=seen, disabled_at=disabled_at)


def shape(user: User) -> Json:
    return {
        "name": user.name,
        "role": user.role,
        "groups": list(user.groups),
        "scope": user.scope.as_json(),
        "created_at": time(user.created_at),
        "disabled_at": time_or_none(user.disabled_at),
        "has_password": bool(user.password_hash),
    }
