"""The users page: who may sign in, in which role, in which groups, and which messages they see."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import aiohttp_jinja2
from aiohttp import web

from relay.archive.api import User
from relay.model.access import BUILT_IN, EVERYTHING, Permission, Role, Share
from relay.model.event import Kind
from viewer.errors import FieldError
from viewer.flash import flash
from viewer.identity import passwords
from viewer.identity.people import Person, name_problem
from viewer.identity.rights import ROLE_WORDS, all_that, check_giver, check_role, scope_in
from viewer.identity.sign_in import PASSWORDS
from viewer.journal import deed
from viewer.keys import ARCHIVE, CLOCK
from viewer.security import require
from viewer.translation import say

routes = web.RouteTableDef()


def keeper(request: web.Request) -> Person:
    """Who asks, if they manage people. Someone with a scope could give away more than they see."""
    person = require(request, Permission.USERS)
    if not person.scope.is_everything:
        raise web.HTTPForbidden(text=say("You see some messages only; people are managed by those who see all."))
    return person


@routes.get("/users")
async def show(request: web.Request) -> web.Response:
    keeper(request)
    return await _page(request)


@routes.post("/users")
async def add(request: web.Request) -> web.Response:
    """Adds a person with a first password, which they can change."""
    person = keeper(request)
    form, archive = await request.post(), request.app[ARCHIVE]
    name, password, role = (str(form.get(field, "")) for field in ("name", "password", "role"))
    roles = await archive.roles()
    problem = name_problem(name) or passwords.weakness(password, name)
    if not problem and role not in {one.name for one in (*BUILT_IN, *roles)}:
        problem = say("Choose one of the roles.")
    if not problem and await archive.user(name) is not None:
        problem = say("There is a user %(name)s already.", name=name)
    if problem:
        return await _page(request, problem=problem, name=name, status=400)
    check_giver(person, all_that(role, (), roles))
    password_hash = await request.app[PASSWORDS].hash(password)
    event = deed(request, Kind.ACCOUNT_CHANGED, change=say("user added"), user=name, role=role)
    await archive.put_user(User(name, role, password_hash, request.app[CLOCK]()), event)
    flash(request, say("%(name)s may sign in now.", name=name))
    raise web.HTTPSeeOther("/users")


@routes.post("/users/role")
async def set_role(request: web.Request) -> web.Response:
    """Gives another role; the person's sessions end, so that it holds at once."""
    person = keeper(request)
    form, archive = await request.post(), request.app[ARCHIVE]
    user, role = await other(request, str(form.get("name", ""))), str(form.get("role", ""))
    roles = await archive.roles()
    if role not in {one.name for one in (*BUILT_IN, *roles)}:
        raise web.HTTPBadRequest(text=say("Choose one of the roles."))
    check_giver(person, all_that(role, (), roles))
    event = deed(request, Kind.ACCOUNT_CHANGED, change=say("role changed"), user=user.name, role=role)
    await archive.put_user(replace(user, role=role), event)
    flash(request, say("%(name)s is %(role)s now.", name=user.name, role=role))
    raise web.HTTPSeeOther("/users")


@routes.get("/users/{name}/rights")
async def show_rights(request: web.Request) -> web.Response:
    keeper(request)
    return await _rights_page(request, await other(request, request.match_info["name"]))


@routes.post("/users/{name}/rights")
async def set_rights(request: web.Request) -> web.Response:
    """Role, groups and scope together; the person's sessions end."""
    person = keeper(request)
    form, archive = await request.post(), request.app[ARCHIVE]
    user = await other(request, request.match_info["name"])
    roles, groups = await archive.roles(), await archive.groups()
    try:
        role = check_role(str(form.get("role", "")), roles, may_be_none=True)
        chosen = tuple(group for group in groups if group.name in form.getall("group", []))
        changed = replace(user, role=role, groups=tuple(group.name for group in chosen), scope=scope_in(form))
    except FieldError as error:
        return await _rights_page(request, user, f"{error.field}: {error.message}", 400)
    check_giver(person, all_that(role, chosen, roles))
    event = deed(request, Kind.ACCOUNT_CHANGED, change=say("rights changed"), user=user.name)
    await archive.put_user(changed, event)
    flash(request, say("The rights of %(name)s are changed.", name=user.name))
    raise web.HTTPSeeOther("/users")


@routes.post("/users/disabled")
async def set_disabled(request: web.Request) -> web.Response:
    """Switches a person's account off, with sessions and tokens, or on again. What they did stays theirs."""
    keeper(request)
    form, archive = await request.post(), request.app[ARCHIVE]
    user, is_off = await other(request, str(form.get("name", ""))), form.get("disabled") == "1"
    event = deed(request, Kind.ACCOUNT_CHANGED, change="user disabled" if is_off else "user enabled", user=user.name)
    await archive.put_user(replace(user, disabled_at=request.app[CLOCK]() if is_off else None), event)
    words = say("%(name)s is let in no more.", name=user.name) if is_off else say("%(name)s is let in.", name=user.name)
    flash(request, words)
    raise web.HTTPSeeOther("/users")


@routes.post("/users/remove")
async def remove(request: web.Request) -> web.Response:
    """Removes a person, with sessions and tokens."""
    keeper(request)
    user = await other(request, str((await request.post()).get("name", "")))
    event = deed(request, Kind.ACCOUNT_CHANGED, change=say("user removed"), user=user.name)
    await request.app[ARCHIVE].remove_user(user.name, event)
    flash(request, say("%(name)s is removed.", name=user.name))
    raise web.HTTPSeeOther("/users")


async def other(request: web.Request, name: str) -> User:
    """The user of that name. Nobody changes themselves by mistake. That one is always left who manages people, the
    archive sees to, whoever asks (`relay/archive/roster.py`).

    Nor can anybody who has less than the user has.
    """
    person = keeper(request)
    if name == person.name:
        raise web.HTTPConflict(text=say("You cannot change or remove yourself; ask another administrator."))
    account = await request.app[ARCHIVE].account(name)
    if account is None:
        raise web.HTTPNotFound(text=say("There is no such user."))
    check_giver(person, account.grant)
    return account.user


async def _page(request: web.Request, *, problem: str = "", name: str = "", status: int = 200) -> web.Response:
    archive = request.app[ARCHIVE]
    context: dict[str, Any] = {
        "users": await archive.users(),
        "roles": described(await archive.roles()),
        "problem": problem,
        "name": name,
        "min_password": passwords.SHORTEST,
        "now": request.app[CLOCK](),
    }
    return aiohttp_jinja2.render_template("users.html", request, context, status=status)


async def _rights_page(request: web.Request, user: User, problem: str = "", status: int = 200) -> web.Response:
    archive = request.app[ARCHIVE]
    context = {
        "user": user,
        "roles": described(await archive.roles()),
        "groups": await archive.groups(),
        "shares": shares_to_fill(user.scope.shares or ()),
        "is_nothing": user.scope.shares == (),
        "is_everything": user.scope == EVERYTHING,
        "problem": problem,
    }
    return aiohttp_jinja2.render_template("rights.html", request, context, status=status)


def described(roles: list[Role]) -> dict[str, str]:
    """All roles by name, each with what it is in words."""
    return {**ROLE_WORDS, **{role.name: ", ".join(sorted(role.permissions)) or "nothing" for role in roles}}


def shares_to_fill(shares: tuple[Share, ...]) -> list[dict[str, str]]:
    """The shares as lines of text, and one more to be filled in."""
    lines = [{part: ", ".join(values) for part, values in share.as_json().items()} for share in shares]
    return [*lines, dict.fromkeys(("applications", "senders", "tags"), "")]
