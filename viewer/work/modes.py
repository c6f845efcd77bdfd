"""The mode of each application: as configured, as switched here, and what follows from switching it.

A switch stands before the configuration until somebody goes back; it holds for messages that come from then on. What
was kept before stays as it is: a held message is still held, a queued one still goes out.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from relay.archive.api import NotFound
from relay.model.event import Kind
from relay.model.message import Mode
from relay.model.switch import Switches
from viewer.errors import FieldError
from viewer.keys import CONFIG
from viewer.security import archive_of
from viewer.translation import joined, say
from viewer.work import upstreams
from viewer.work.resend import obstacle

CONSEQUENCES: Mapping[Mode, str] = {
    Mode.RELAY: say("What it hands in from now on goes out to its real recipients at once."),
    Mode.CAPTURE: say("What it hands in from now on is kept and sent to nobody. Its recipients get nothing."),
    Mode.HOLD: say("What it hands in from now on waits until a person approves it."),
    Mode.REDIRECT: say("What it hands in from now on goes to the test addresses alone, never to its real recipients."),
}


@dataclass(frozen=True, slots=True)
class ModeOf:
    """Of one application. `origin`: who says `configured`, the file or the entry made here."""

    name: str
    now: Mode
    configured: Mode
    origin: str
    is_switched: bool
    redirect_to: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ModeSwitch:
    """A switch that somebody asks for; `chosen` None: back to what is configured."""

    application: str
    before: Mode
    after: Mode
    chosen: Mode | None
    consequence: str


async def every(request: web.Request) -> list[ModeOf]:
    """Of all applications, those of the file first."""
    config, archive = request.app[CONFIG], archive_of(request)
    switches = await archive.switches()
    found = [
        _mode(one.name, one.mode or config.default_mode, "file", switches, one.redirect_to)
        for one in config.application
    ]
    known = {one.name for one in found}
    for record in await archive.applications():
        if record.name not in known:
            configured = Mode(record.mode) if record.mode else config.default_mode
            found.append(_mode(record.name, configured, "entry", switches, ()))
    return found


def _mode(name: str, configured: Mode, origin: str, switches: Switches, redirect_to: tuple[str, ...]) -> ModeOf:
    now = switches.modes.get(name, configured)
    return ModeOf(name, now, configured, origin, name in switches.modes, redirect_to)


async def switch(request: web.Request, given: Mapping[str, Any]) -> ModeSwitch:
    """The switch that `application` and `mode` ask for. Raises NotFound, and FieldError where it cannot be made."""
    name, wanted = str(given.get("application", "")), str(given.get("mode") or "")
    application = next((one for one in await every(request) if one.name == name), None)
    if application is None:
        raise NotFound(f"no application {name}")
    if wanted and wanted not in set(Mode):
        raise FieldError("mode", say("must be one of %(known)s", known=", ".join(Mode)))
    chosen = Mode(wanted) if wanted else None
    after = chosen or application.configured
    if after is Mode.REDIRECT and not application.redirect_to:
        raise FieldError(
            "mode", say("redirect needs test addresses: set redirect_to of %(name)s in the file first", name=name)
        )
    if after is not Mode.CAPTURE and (reason := obstacle(request.app[CONFIG])):
        raise FieldError("mode", reason)
    consequence = CONSEQUENCES[after]
    if after is Mode.REDIRECT:
        consequence = joined(" ", [consequence, say("They are %(who)s.", who=", ".join(application.redirect_to))])
    return ModeSwitch(name, application.now, after, chosen, consequence)


async def carry_out(request: web.Request, asked: ModeSwitch) -> None:
    """Keeps the switch with its event; returns when intake knows."""
    await upstreams.turn(
        request,
        lambda before: before.with_mode(asked.application, asked.chosen),
        Kind.MODE_CHANGED,
        application=asked.application,
        before=asked.before.value,
        after=asked.after.value,
        by="switch" if asked.chosen else "configuration",
    )
