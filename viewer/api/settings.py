"""What an administrator changes in the browser, for programs: references, alert rules, applications' switches.

What stands in the file cannot be changed here. Every change is an event with before and after, and holds at once.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from aiohttp import web

from relay.config import Alert, Reference
from relay.config.stored import APPLICATION_KEYS
from relay.model.access import Permission
from viewer import settings
from viewer.alerts import LOOKERS, standing
from viewer.api import shape
from viewer.api.given import text, texts
from viewer.api.parameters import json_object
from viewer.errors import FieldError
from viewer.keys import CONFIG
from viewer.pages.application_settings import change_record, found, locked_keys, values_of
from viewer.security import require, signed_in_user

routes = web.RouteTableDef()
LISTS = ("senders", "tags")
SWITCHES = {None: "", True: "yes", False: "no"}


@routes.get("/api/settings")
async def every(request: web.Request) -> web.Response:
    """Every key as it holds, with who gave it; secrets are not told."""
    require(request, Permission.ADMINISTER)
    known = [
        {"key": entry.name, "value": entry.value, "origin": entry.origin or "default"}
        for entry in await settings.entries(request)
    ]
    return web.json_response({"settings": known})


# -- alerts --------------------------------------------------------------------------------------------------------
@routes.get("/api/alerts")
async def alerts(request: web.Request) -> web.Response:
    _may_look(request)
    known = [
        {
            "name": name,
            "words": one.words,
            "raised_at": shape.time(one.raised_at or 0),
            "is_calm": one.calm_since is not None,
        }
        for name, one in await standing(request)
    ]
    return web.json_response({"alerts": known})


@routes.get("/api/alerts/rules")
async def rules(request: web.Request) -> web.Response:
    _may_look(request)
    locked = settings.names_in_file(request, "alert")
    return web.json_response({"rules": [_rule(one, locked) for one in request.app[CONFIG].alert]})


@routes.put("/api/alerts/rules/{name}")
async def put_rule(request: web.Request) -> web.Response:
    """Adds a rule, or replaces the one of that name."""
    return await _put(request, "alert", frozenset({"rule", "application", "above", "window", "at_least", "mail_to"}))


@routes.delete("/api/alerts/rules/{name}")
async def remove_rule(request: web.Request) -> web.Response:
    return await _remove(request, "alert")


# -- references ----------------------------------------------------------------------------------------------------
@routes.get("/api/references")
async def references(request: web.Request) -> web.Response:
    require(request, Permission.ADMINISTER)
    locked = settings.names_in_file(request, "reference")
    return web.json_response({"references": [_reference(one, locked) for one in request.app[CONFIG].reference]})


@routes.put("/api/references/{name}")
async def put_reference(request: web.Request) -> web.Response:
    """Adds a reference, or replaces the one of that name; it is looked for in messages that come from then on."""
    return await _put(request, "reference", frozenset({"pattern", "link", "where"}))


@routes.delete("/api/references/{name}")
async def remove_reference(request: web.Request) -> web.Response:
    return await _remove(request, "reference")


# -- applications --------------------------------------------------------------------------------------------------
@routes.get("/api/applications/{name}/settings")
async def application(request: web.Request) -> web.Response:
    require(request, Permission.ADMINISTER)
    return web.json_response(await _application(request, request.match_info["name"]))


@routes.put("/api/applications/{name}/settings")
async def change_application(request: web.Request) -> web.Response:
    """Replaces what is set here of an application; what is not given is as by default. Holds for the next message."""
    require(request, Permission.ADMINISTER)
    name = request.match_info["name"]
    table, record = await found(request, name)
    asked = await json_object(request, frozenset(APPLICATION_KEYS))
    locked = locked_keys(table, await settings.stored(request), name)
    if fixed := sorted(locked & set(asked)):
        raise FieldError(fixed[0], "stands in the file, which wins: change it there")
    values = values_of(_as_form(asked), locked)
    if record is not None:
        await change_record(request, record, values)
    await settings.put_application(request, name, values)
    return web.json_response(await _application(request, name))


def _as_form(asked: Mapping[str, Any]) -> dict[str, str]:
    """The values as the page's form would say them. Raises FieldError."""
    given = dict.fromkeys(APPLICATION_KEYS, "")
    for key, value in asked.items():
        if key in LISTS:
            entries = texts(asked, key)
            if any(entry.split() != [entry] for entry in entries):
                raise FieldError(key, "must be a list of texts without spaces")
            given[key] = " ".join(entries)
        elif key == "priority":
            given[key] = text(asked, key)
        elif key == "max_messages_per_hour":
            if not isinstance(value, int) or isinstance(value, bool) or value < 0:
                raise FieldError(key, "must be a whole number")
            given[key] = str(value)
        elif value is not None and not isinstance(value, bool):
            raise FieldError(key, "must be true, false or null")
        else:
            given[key] = SWITCHES[value]
    return given


async def _application(request: web.Request, name: str) -> shape.Json:
    table, record = await found(request, name)
    senders, tags = (record.senders, record.tags) if record else (table.senders, table.tags) if table else ((), ())
    return {
        "name": name,
        "opens": table.opens if table else None,
        "clicks": table.clicks if table else None,
        "unsubscribe": table.unsubscribe if table else False,
        "priority": table.priority if table else "normal",
        "max_messages_per_hour": table.max_messages_per_hour if table else 0,
        "senders": list(senders),
        "tags": list(tags),
        "in_file": sorted(locked_keys(table, await settings.stored(request), name) & set(APPLICATION_KEYS)),
    }


# -- what references and alert rules have in common ----------------------------------------------------------------
async def _put(request: web.Request, kind: str, names: frozenset[str]) -> web.Response:
    require(request, Permission.ADMINISTER)
    name = request.match_info["name"]
    asked = await json_object(request, names)
    if missing := [key for key, value in asked.items() if value is None]:
        raise FieldError(missing[0], "must not be null")
    fixed = {"syntax": "re2"} if kind == "reference" else {}
    await settings.put_named(request, kind, {**asked, **fixed, "name": name})
    return web.json_response(_named(request, kind, name))


async def _remove(request: web.Request, kind: str) -> web.Response:
    """The answer is what it was."""
    require(request, Permission.ADMINISTER)
    name = request.match_info["name"]
    before = _named(request, kind, name)
    if before["in_file"]:
        raise web.HTTPConflict(text="It stands in the file: take it out there.")
    await settings.remove_named(request, kind, name)
    return web.json_response(before)


def _named(request: web.Request, kind: str, name: str) -> shape.Json:
    locked = settings.names_in_file(request, kind)
    for one in getattr(request.app[CONFIG], kind):
        if one.name == name:
            return _rule(one, locked) if isinstance(one, Alert) else _reference(one, locked)
    raise web.HTTPNotFound(text="There is nothing of that name.")


def _rule(one: Alert, locked: frozenset[str]) -> shape.Json:
    return {
        "name": one.name,
        "rule": one.rule.value,
        "application": one.application,
        "above": one.above,
        "window": settings.span(one.window),
        "at_least": one.at_least,
        "mail_to": list(map(str, one.mail_to)),
        "in_file": one.name in locked,
    }


def _reference(one: Reference, locked: frozenset[str]) -> shape.Json:
    return {
        "name": one.name,
        "pattern": one.pattern,
        "link": one.link,
        "where": list(one.where),
        "in_file": one.name in locked,
    }


def _may_look(request: web.Request) -> None:
    person = signed_in_user(request)
    if not any(person.may(permission) for permission in LOOKERS):
        require(request, Permission.AUDIT)
