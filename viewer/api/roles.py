"""Roles that people make, and groups, for programs: what the pages `viewer/pages/roles.py` do.

Whoever has a role or is in a group that changes is signed out, so that it holds at once.
"""

from __future__ import annotations

from aiohttp import web

from relay.archive.api import ArchiveError
from relay.model.access import BUILT_IN, Group, Role
from relay.model.event import Kind
from viewer.api.given import flag, scope, text, texts
from viewer.api.parameters import json_object
from viewer.api.shape import Json
from viewer.errors import FieldError
from viewer.identity.people import name_problem
from viewer.identity.rights import all_that, check_giver, check_role, permissions_in
from viewer.journal import deed
from viewer.keys import ARCHIVE
from viewer.pages.users import keeper

routes = web.RouteTableDef()
ALWAYS_THERE = frozenset(role.name for role in BUILT_IN)


@routes.get("/api/roles")
async def roles(request: web.Request) -> web.Response:
    keeper(request)
    found = (*BUILT_IN, *await request.app[ARCHIVE].roles())
    return web.json_response({"roles": [_role(one) for one in found]})


@routes.put("/api/roles/{name}")
async def put_role(request: web.Request) -> web.Response:
    """Adds a role, or changes the one of that name."""
    person, archive, name = keeper(request), request.app[ARCHIVE], _name(request)
    if name in ALWAYS_THERE:
        raise FieldError("name", "is a role that is always there, and cannot be changed")
    asked = await json_object(request, frozenset({"permissions", "needs_scope"}))
    try:
        permissions = permissions_in(texts(asked, "permissions"))
    except FieldError as error:
        raise FieldError("permissions", error.message) from None
    role = Role(name, permissions, flag(asked, "needs_scope", default=True))
    before = [one for one in await archive.roles() if one.name == name]
    check_giver(person, all_that(name, (), before))
    check_giver(person, all_that(name, (), [role]))
    await archive.put_role(role, deed(request, Kind.ACCOUNT_CHANGED, change="role changed", role=name))
    return web.json_response(_role(role))


@routes.delete("/api/roles/{name}")
async def remove_role(request: web.Request) -> web.Response:
    """The answer is what it was; 409 while somebody has it."""
    person, archive, name = keeper(request), request.app[ARCHIVE], request.match_info["name"]
    before = [one for one in await archive.roles() if one.name == name]
    if not before:
        raise web.HTTPNotFound(text="There is no such role.")
    check_giver(person, all_that(name, (), before))
    try:
        await archive.remove_role(name, deed(request, Kind.ACCOUNT_CHANGED, change="role removed", role=name))
    except ArchiveError as error:
        raise web.HTTPConflict(text=f"{error}; give them another first.") from None
    return web.json_response(_role(before[0]))


@routes.get("/api/groups")
async def groups(request: web.Request) -> web.Response:
    keeper(request)
    archive = request.app[ARCHIVE]
    users = await archive.users()
    members = {
        group.name: [user.name for user in users if group.name in user.groups] for group in await archive.groups()
    }
    return web.json_response({"groups": [_group(one, members[one.name]) for one in await archive.groups()]})


@routes.put("/api/groups/{name}")
async def put_group(request: web.Request) -> web.Response:
    """Adds a group, or changes the one of that name."""
    person, archive, name = keeper(request), request.app[ARCHIVE], _name(request)
    asked = await json_object(request, frozenset({"role", "scope"}))
    known = await archive.roles()
    group = Group(name, check_role(text(asked, "role"), known), scope(asked, "scope"))
    before = [one for one in await archive.groups() if one.name == name]
    check_giver(person, all_that("", [*before, group], known))
    await archive.put_group(group, deed(request, Kind.ACCOUNT_CHANGED, change="group changed", group=name))
    return web.json_response(_group(group, await _members(request, name)))


@routes.delete("/api/groups/{name}")
async def remove_group(request: web.Request) -> web.Response:
    """Takes its users out of it; the answer is what it was."""
    person, archive, name = keeper(request), request.app[ARCHIVE], request.match_info["name"]
    before = [one for one in await archive.groups() if one.name == name]
    if not before:
        raise web.HTTPNotFound(text="There is no such group.")
    check_giver(person, all_that("", before, await archive.roles()))
    members = await _members(request, name)
    await archive.remove_group(name, deed(request, Kind.ACCOUNT_CHANGED, change="group removed", group=name))
    return web.json_response(_group(before[0], members))


def _name(request: web.Request) -> str:
    name = request.match_info["name"]
    if problem := name_problem(name):
        raise FieldError("name", problem)
    return name


async def _members(request: web.Request, name: str) -> list[str]:
    return [user.name for user in await request.app[ARCHIVE].users() if name in user.groups]


def _role(role: Role) -> Json:
    return {"name": role.name, "is_built_in": role.name in ALWAYS_THERE, **role.as_json()}


def _group(group: Group, members: list[str]) -> Json:
    return {"name": group.name, **group.as_json(), "users": members}
