"""The pages of roles that people make, and of groups."""

from __future__ import annotations

from typing import Any

import aiohttp_jinja2
from aiohttp import web

from relay.archive.api import ArchiveError
from relay.model.access import BUILT_IN, Group, Permission, Role
from relay.model.event import Kind
from viewer.errors import FieldError, refusal
from viewer.flash import flash
from viewer.identity.people import name_problem
from viewer.identity.rights import PERMISSION_WORDS, all_that, check_giver, check_role, permissions_in, scope_in
from viewer.journal import deed
from viewer.keys import ARCHIVE
from viewer.pages.users import described, keeper, shares_to_fill
from viewer.translation import say

routes = web.RouteTableDef()


# -- roles ---------------------------------------------------------------------------------------------------------
@routes.get("/roles")
async def show_roles(request: web.Request) -> web.Response:
    keeper(request)
    return await _roles_page(request)


@routes.post("/roles")
async def put_role(request: web.Request) -> web.Response:
    """Adds a role, or changes the one of that name; whoever has it is signed out."""
    person, archive = keeper(request), request.app[ARCHIVE]
    form = await request.post()
    name = str(form.get("name", "")).strip()
    problem = name_problem(name) or (
        say("That role is always there.") if name in {one.name for one in BUILT_IN} else ""
    )
    if problem:
        return await _roles_page(request, problem)
    role = Role(name, permissions_in(form.getall("permission", [])), form.get("needs_scope") == "1")
    known = {one.name: one for one in await archive.roles()}
    if name in known:
        check_giver(person, all_that(name, (), [known[name]]))
    check_giver(person, all_that(name, (), [role]))
    await archive.put_role(role, deed(request, Kind.ACCOUNT_CHANGED, change=say("role changed"), role=name))
    flash(request, say("The role is kept."))
    raise web.HTTPSeeOther("/roles")


@routes.post("/roles/{name}/remove")
async def remove_role(request: web.Request) -> web.Response:
    keeper(request)
    name = request.match_info["name"]
    event = deed(request, Kind.ACCOUNT_CHANGED, change=say("role removed"), role=name)
    if name not in {role.name for role in await request.app[ARCHIVE].roles()}:
        raise web.HTTPNotFound(text=say("There is no such role."))
    try:
        await request.app[ARCHIVE].remove_role(name, event)
    except ArchiveError as error:
        raise refusal(web.HTTPConflict, say("%(error)s; give them another first.", error=error)) from None
    flash(request, say("The role is removed."))
    raise web.HTTPSeeOther("/roles")


async def _roles_page(request: web.Request, problem: str = "") -> web.Response:
    own = await request.app[ARCHIVE].roles()
    context: dict[str, Any] = {
        "built_in": BUILT_IN,
        "own": [*own, Role("", frozenset({Permission.READ}))],
        "words": PERMISSION_WORDS,
        "problem": problem,
    }
    return aiohttp_jinja2.render_template("roles.html", request, context, status=400 if problem else 200)


# -- groups --------------------------------------------------------------------------------------------------------
@routes.get("/groups")
async def show_groups(request: web.Request) -> web.Response:
    keeper(request)
    return await _groups_page(request)


@routes.post("/groups")
async def put_group(request: web.Request) -> web.Response:
    """Adds a group, or changes the one of that name; its users are signed out."""
    person, archive = keeper(request), request.app[ARCHIVE]
    form = await request.post()
    name, roles = str(form.get("name", "")).strip(), await archive.roles()
    if problem := name_problem(name):
        return await _groups_page(request, problem)
    try:
        group = Group(name, check_role(str(form.get("role", "")), roles), scope_in(form))
    except FieldError as error:
        return await _groups_page(request, f"{error.field}: {error.message}")
    old = [one for one in await archive.groups() if one.name == name]
    check_giver(person, all_that("", [*old, group], roles))
    await archive.put_group(group, deed(request, Kind.ACCOUNT_CHANGED, change=say("group changed"), group=name))
    flash(request, say("The group is kept."))
    raise web.HTTPSeeOther("/groups")


@routes.post("/groups/{name}/remove")
async def remove_group(request: web.Request) -> web.Response:
    person, archive, name = keeper(request), request.app[ARCHIVE], request.match_info["name"]
    old = [one for one in await archive.groups() if one.name == name]
    check_giver(person, all_that("", old, await archive.roles()))
    await archive.remove_group(name, deed(request, Kind.ACCOUNT_CHANGED, change=say("group removed"), group=name))
    flash(request, say("The group is removed."))
    raise web.HTTPSeeOther("/groups")


async def _groups_page(request: web.Request, problem: str = "") -> web.Response:
    archive = request.app[ARCHIVE]
    users = await archive.users()
    context: dict[str, Any] = {
        "groups": [
            (
                group,
                shares_to_fill(group.scope.shares or ()),
                [user.name for user in users if group.name in user.groups],
            )
            for group in (*await archive.groups(), Group("", "member"))
        ],
        "roles": described(await archive.roles()),
        "problem": problem,
    }
    return aiohttp_jinja2.render_template("groups.html", request, context, status=400 if problem else 200)
