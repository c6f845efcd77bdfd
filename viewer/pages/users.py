"""The users page, for administrators: who may sign in, and in which role."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import aiohttp_jinja2
from aiohttp import web

from relay.archive.api import User
from relay.model.access import ROLES, Permission
from relay.model.event import Kind
from viewer import passwords
from viewer.flash import flash
from viewer.journal import deed
from viewer.keys import ARCHIVE, CLOCK
from viewer.people import name_problem
from viewer.security import require
from viewer.sign_in import PASSWORDS

routes = web.RouteTableDef()

ROLE_WORDS = {
    "administrator": "everything, with users and applications",
    "operator": "read messages and send them again",
    "auditor": "read messages and export them",
}


@routes.get("/users")
async def show(request: web.Request) -> web.Response:
    require(request, Permission.USERS)
    return await _page(request)


@routes.post("/users")
async def add(request: web.Request) -> web.Response:
    """Adds a person with a first password, which they can change."""
    require(request, Permission.USERS)
    form, archive = await request.post(), request.app[ARCHIVE]
    name, password, role = (str(form.get(field, "")) for field in ("name", "password", "role"))
    problem = name_problem(name) or passwords.weakness(password, name)
    if not problem and role not in ROLES:
        problem = "Choose one of the roles."
    if not problem and await archive.user(name) is not None:
        problem = f"There is a user {name} already."
    if problem:
        return await _page(request, problem=problem, name=name, status=400)
    password_hash = await request.app[PASSWORDS].hash(password)
    event = deed(request, Kind.ACCOUNT_CHANGED, change="user added", user=name, role=role)
    await archive.put_user(User(name, role, password_hash, request.app[CLOCK]()), event)
    flash(request, f"{name} may sign in now.")
    raise web.HTTPSeeOther("/users")


@routes.post("/users/role")
async def set_role(request: web.Request) -> web.Response:
    """Gives another role; the person's sessions end, so that it holds at once."""
    require(request, Permission.USERS)
    form = await request.post()
    user, role = await _other(request, str(form.get("name", ""))), str(form.get("role", ""))
    if role not in ROLES:
        raise web.HTTPBadRequest(text="Choose one of the roles.")
    event = deed(request, Kind.ACCOUNT_CHANGED, change="role changed", user=user.name, role=role)
    await request.app[ARCHIVE].put_user(replace(user, role=role), event)
    flash(request, f"{user.name} is {role} now.")
    raise web.HTTPSeeOther("/users")


@routes.post("/users/remove")
async def remove(request: web.Request) -> web.Response:
    """Removes a person, with sessions and tokens."""
    require(request, Permission.USERS)
    user = await _other(request, str((await request.post()).get("name", "")))
    event = deed(request, Kind.ACCOUNT_CHANGED, change="user removed", user=user.name)
    await request.app[ARCHIVE].remove_user(user.name, event)
    flash(request, f"{user.name} is removed.")
    raise web.HTTPSeeOther("/users")


async def _other(request: web.Request, name: str) -> User:
    """The user of that name. Administrators cannot change themselves: one is always left."""
    if name == require(request, Permission.USERS).name:
        raise web.HTTPConflict(text="You cannot change or remove yourself; ask another administrator.")
    user = await request.app[ARCHIVE].user(name)
    if user is None:
        raise web.HTTPNotFound(text="There is no such user.")
    return user


async def _page(request: web.Request, *, problem: str = "", name: str = "", status: int = 200) -> web.Response:
    context: dict[str, Any] = {
        "users": await request.app[ARCHIVE].users(),
        "roles": ROLE_WORDS,
        "problem": problem,
        "name": name,
        "min_password": passwords.SHORTEST,
        "now": request.app[CLOCK](),
    }
    return aiohttp_jinja2.render_template("users.html", request, context, status=status)
