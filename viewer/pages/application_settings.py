"""What an application is given in the browser: tracking switches, priority, senders, tags, a new secret."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import aiohttp_jinja2
from aiohttp import web

from relay.archive.api import ApplicationRecord, NotFound
from relay.config import SENDER_RULE, Application
from relay.config.stored import APPLICATION_KEYS, locked
from relay.model.access import Permission
from relay.model.event import Kind
from viewer import settings
from viewer.errors import FieldError
from viewer.flash import flash
from viewer.journal import deed
from viewer.keys import APPLICATIONS_CHANGED, CONFIG, NEW_SECRET
from viewer.security import archive_of, require
from viewer.translation import say

routes = web.RouteTableDef()
SECRET_LENGTH = 32
SWITCHES = (
    ("opens", say("Opens"), say("A pixel in HTML mail: tells of fetches, never of reading.")),
    ("clicks", say("Clicks"), say("Links lead through this server, which tells of their being followed.")),
    ("unsubscribe", say("Unsubscribing"), say("Adds List-Unsubscribe with one click to mail that has none.")),
)
_TRI_STATE = (("", say("as the [tracking] table says")), ("yes", say("on")), ("no", say("off")))
_TWO_STATE = (("yes", say("on")), ("no", say("off")))
CHOICES = {"opens": _TRI_STATE, "clicks": _TRI_STATE, "unsubscribe": _TWO_STATE}


@routes.get("/applications/settings")
async def show(request: web.Request) -> web.Response:
    require(request, Permission.ADMINISTER)
    return await _page(request, request.query.get("application", ""))


@routes.post("/applications/settings")
async def save(request: web.Request) -> web.Response:
    """Keeps what the file leaves open; holds for the next message."""
    require(request, Permission.ADMINISTER)
    form = await request.post()
    name = str(form.get("application", ""))
    table, record = await _found(request, name)
    given = {key: str(form.get(key, "")).strip() for key in APPLICATION_KEYS}
    try:
        values = _values(given, _locked(table, await settings.stored(request), name))
    except FieldError as error:
        return await _page(
            request, name, given=given, problem=say("%(field)s: %(message)s.", field=error.field, message=error.message)
        )
    if record is not None:
        await _change_record(request, record, values)
    await settings.put_application(request, name, values)
    flash(request, say("Saved. It holds for the next message."))
    raise web.HTTPSeeOther("/applications")


@routes.post("/applications/secret")
async def renew(request: web.Request) -> web.Response:
    """Makes a new secret and shows it, this once."""
    require(request, Permission.ADMINISTER)
    name = str((await request.post()).get("application", ""))
    _, record = await _found(request, name)
    if record is None:
        raise web.HTTPConflict(text=say("Its secret stands in the file: change it there."))
    secret = request.app[NEW_SECRET]()[:SECRET_LENGTH]
    event = deed(request, Kind.ACCOUNT_CHANGED, change=say("application secret renewed"), application=name)
    renewed = replace(record, secret_hash=hashlib.sha256(secret.encode()).digest())
    await archive_of(request).put_application(renewed, event)
    await request.app[APPLICATIONS_CHANGED]()
    return await _page(request, name, secret=secret)


async def _change_record(request: web.Request, record: ApplicationRecord, values: dict[str, Any]) -> None:
    """Senders and tags of an application added here stand in its entry, as they always did."""
    changed = replace(record, senders=tuple(values.pop("senders", ())), tags=tuple(values.pop("tags", ())))
    if changed == record:
        return
    event = deed(
        request,
        Kind.SETTING_CHANGED,
        key=f"application.{record.name}",
        before={"senders": list(record.senders), "tags": list(record.tags)},
        after={"senders": list(changed.senders), "tags": list(changed.tags)},
    )
    await archive_of(request).put_application(changed, event)
    await request.app[APPLICATIONS_CHANGED]()


def _values(given: Mapping[str, str], kept: frozenset[str]) -> dict[str, Any]:
    """What is stored: only what differs from the default. Raises FieldError."""
    values: dict[str, Any] = {}
    for key in ("opens", "clicks"):
        if given[key] in ("yes", "no"):
            values[key] = given[key] == "yes"
    if given["unsubscribe"] == "yes":
        values["unsubscribe"] = True
    if given["priority"] not in ("urgent", "normal", "bulk", ""):
        raise FieldError("priority", say("must be urgent, normal or bulk"))
    if given["priority"] in ("urgent", "bulk"):
        values["priority"] = given["priority"]
    hourly = given["max_messages_per_hour"] or "0"
    if not (hourly.isascii() and hourly.isdigit() and len(hourly) < 10):
        raise FieldError("max_messages_per_hour", say("must be a whole number"))
    if int(hourly):
        values["max_messages_per_hour"] = int(hourly)
    for rule in given["senders"].split():
        if SENDER_RULE.fullmatch(rule) is None:
            raise FieldError(
                "senders", say("“%(rule)s” is no sender rule: a@example.com, @example.com or <>", rule=rule)
            )
    for key in ("senders", "tags"):
        if given[key]:
            values[key] = given[key].split()
    return {key: value for key, value in values.items() if key not in kept}


async def _found(request: web.Request, name: str) -> tuple[Application | None, ApplicationRecord | None]:
    """The table as it holds now, and the entry made here. Raises NotFound."""
    table = next((one for one in request.app[CONFIG].application if one.name == name), None)
    record = next((one for one in await archive_of(request).applications() if one.name == name), None)
    if table is None and record is None:
        raise NotFound(f"no application {name}")
    return table, record


def _locked(table: Application | None, kept: Mapping[str, Any], name: str) -> frozenset[str]:
    """The keys that the file sets: those set in the table that are not stored here."""
    if table is None:
        return frozenset()
    return locked(table) - frozenset(kept.get("application", {}).get(name, {}))


async def _page(
    request: web.Request, name: str, *, given: Mapping[str, str] | None = None, problem: str = "", secret: str = ""
) -> web.Response:
    table, record = await _found(request, name)
    context = {
        "name": name,
        "given": given or _given(table, record),
        "locked": _locked(table, await settings.stored(request), name),
        "switches": SWITCHES,
        "choices": CHOICES,
        "has_secret": record is not None,
        "problem": problem,
        "secret": secret,
    }
    return aiohttp_jinja2.render_template("application_settings.html", request, context, status=400 if problem else 200)


def _given(table: Application | None, record: ApplicationRecord | None) -> dict[str, str]:
    now = table or Application(name="none")
    senders, tags = (record.senders, record.tags) if record else (now.senders, now.tags)
    words = {None: "", True: "yes", False: "no"}
    return {
        "opens": words[now.opens],
        "clicks": words[now.clicks],
        "unsubscribe": words[now.unsubscribe],
        "priority": now.priority,
        "max_messages_per_hour": str(now.max_messages_per_hour),
        "senders": " ".join(senders),
        "tags": " ".join(tags),
    }
