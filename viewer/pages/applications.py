"""The applications page, for administrators: clients with SMTP credentials of their own."""

from __future__ import annotations

import hashlib
import re
from typing import Any

import aiohttp_jinja2
from aiohttp import web

from relay.archive.api import ApplicationRecord
from relay.config import SENDER_RULE
from relay.model.access import Permission
from relay.model.event import Kind
from relay.model.message import Mode
from viewer import present
from viewer.flash import flash
from viewer.journal import deed
from viewer.keys import APPLICATIONS_CHANGED, CLOCK, CONFIG, NEW_SECRET
from viewer.security import archive_of, require
from viewer.translation import say
from viewer.work import modes

routes = web.RouteTableDef()

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ._-]{0,62}")
SECRET_LENGTH = 32


@routes.get("/applications")
async def show(request: web.Request) -> web.Response:
    require(request, Permission.ADMINISTER)
    return await _page(request)


@routes.post("/applications")
async def add(request: web.Request) -> web.Response:
    """Adds an application and shows its secret, this once; it can send at once."""
    require(request, Permission.ADMINISTER)
    form, archive = await request.post(), archive_of(request)
    given = {field: str(form.get(field, "")).strip() for field in ("name", "mode", "senders", "tags")}
    problem = await _problem(request, given)
    if problem:
        return await _page(request, problem=problem, given=given, status=400)
    secret = request.app[NEW_SECRET]()[:SECRET_LENGTH]
    record = ApplicationRecord(
        name=given["name"],
        username=given["name"],
        secret_hash=hashlib.sha256(secret.encode()).digest(),
        created_at=request.app[CLOCK](),
        mode=given["mode"] or None,
        senders=tuple(given["senders"].split()),
        tags=tuple(given["tags"].split()),
    )
    event = deed(request, Kind.ACCOUNT_CHANGED, change=say("application added"), application=record.name)
    await archive.put_application(record, event)
    await request.app[APPLICATIONS_CHANGED]()
    return await _page(request, secret=secret, added=record.name)


@routes.post("/applications/mode")
async def ask_mode(request: web.Request) -> web.Response:
    """Asks whether the switch is meant, and says what follows from it."""
    require(request, Permission.ADMINISTER)
    switch = await modes.switch(request, await request.post())
    return aiohttp_jinja2.render_template("mode_confirm.html", request, {"switch": switch, "modes": present.MODES})


@routes.post("/applications/mode/do")
async def set_mode(request: web.Request) -> web.Response:
    """Switches the mode; it holds for the next message."""
    require(request, Permission.ADMINISTER)
    switch = await modes.switch(request, await request.post())
    await modes.carry_out(request, switch)
    flash(
        request,
        say(
            "%(application)s is in mode %(mode)s now: %(meaning)s.",
            application=switch.application,
            mode=switch.after.value,
            meaning=present.MODES[switch.after],
        ),
    )
    raise web.HTTPSeeOther("/applications")


@routes.post("/applications/remove")
async def remove(request: web.Request) -> web.Response:
    """Refuses the application's credentials from now on; its messages stay."""
    require(request, Permission.ADMINISTER)
    name = str((await request.post()).get("name", ""))
    event = deed(request, Kind.ACCOUNT_CHANGED, change=say("application removed"), application=name)
    await archive_of(request).remove_application(name, event)
    await request.app[APPLICATIONS_CHANGED]()
    flash(request, say("%(name)s is removed; its messages stay.", name=name))
    raise web.HTTPSeeOther("/applications")


async def _problem(request: web.Request, given: dict[str, str]) -> str:
    """What is wrong with a new application, in a sentence, or ''."""
    name = given["name"]
    if NAME.fullmatch(name) is None:
        return say("A name begins with a letter or digit and has up to 63 letters, digits, spaces and . _ -")
    known = {one.name for one in request.app[CONFIG].application}
    known |= {one.name for one in await archive_of(request).applications()}
    if name in known:
        return say("There is an application %(name)s already.", name=name)
    if given["mode"] and given["mode"] not in set(Mode):
        return say("Choose one of the modes.")
    for rule in given["senders"].split():
        if SENDER_RULE.fullmatch(rule) is None:
            return say("“%(rule)s” is no sender rule: a@example.com, @example.com or <>.", rule=rule)
    return ""


async def _page(
    request: web.Request,
    *,
    problem: str = "",
    given: dict[str, str] | None = None,
    secret: str = "",
    added: str = "",
    status: int = 200,
) -> web.Response:
    config = request.app[CONFIG]
    context: dict[str, Any] = {
        "from_file": config.application,
        "applications": await archive_of(request).applications(),
        "modes": {mode.value: words for mode, words in present.MODES.items()},
        "default_mode": config.default_mode.value,
        "modes_of": {one.name: one for one in await modes.every(request)},
        "problem": problem,
        "given": given or {"name": "", "mode": "", "senders": "", "tags": ""},
        "secret": secret,
        "added": added,
        "now": request.app[CLOCK](),
    }
    return aiohttp_jinja2.render_template("applications.html", request, context, status=status)
