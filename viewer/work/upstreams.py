"""The upstreams as people see them: how each does, what waits for it, whether somebody paused it; and the pausing.

How an upstream does is told by the courier (`UPSTREAM_STATES`); where none runs, only what is configured is known.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from aiohttp import web

from relay.archive.api.waiting import WaitingGroup
from relay.config import Upstream
from relay.model.event import Kind
from relay.model.switch import Pause, Switches
from relay.model.upstream import UpstreamState
from viewer.errors import FieldError
from viewer.journal import deed
from viewer.keys import CLOCK, CONFIG, SWITCHES_CHANGED, UPSTREAM_STATES
from viewer.present import Word
from viewer.security import archive_of, signed_in_user
from viewer.translation import say, say_n, thousands
from viewer.work.waiting_words import HEALTH

LONGEST_REASON = 200
TRIES = 5
"""Times that a switch is tried while others turn some too."""
UNKNOWN = Word(say("Not known"), "unconfirmed", "quiet", say("No courier has told of it yet."))


@dataclass(frozen=True, slots=True)
class Shown:
    """One upstream. `waiting`: deliveries whose latest attempt or whose chosen way it is."""

    name: str
    place: str
    word: Word
    state: UpstreamState | None
    pause: Pause | None
    waiting: int
    limits: tuple[str, ...]
    """`600 a minute`, `60 a minute to one domain`, `10 connections`."""


def names(request: web.Request) -> list[str]:
    """Of all upstreams, in the order of the configuration."""
    return [one.name for one in request.app[UPSTREAM_STATES]()] or [one.name for one in request.app[CONFIG].upstream]


def shown(request: web.Request, switches: Switches, groups: Sequence[WaitingGroup]) -> list[Shown]:
    states = {state.name: state for state in request.app[UPSTREAM_STATES]()}
    configured = {upstream.name: upstream for upstream in request.app[CONFIG].upstream}
    found = []
    for name in names(request):
        state, upstream = states.get(name), configured.get(name)
        found.append(
            Shown(
                name,
                _place(upstream),
                HEALTH[state.health] if state else UNKNOWN,
                state,
                switches.paused_upstreams.get(name),
                sum(group.count for group in groups if group.upstream == name),
                _limits(upstream),
            )
        )
    return found


def _place(upstream: Upstream | None) -> str:
    if upstream is None:
        return ""
    return f"{upstream.host}:{upstream.port}" if upstream.host else say("the recipients' own servers")


def _limits(upstream: Upstream | None) -> tuple[str, ...]:
    if upstream is None:
        return ()
    limits = [say_n("%(num)s connection", "%(num)s connections", upstream.connections)]
    if upstream.rate_per_domain:
        limits.insert(0, say("%(n)s a minute to one domain", n=thousands(upstream.rate_per_domain)))
    if upstream.rate:
        limits.insert(0, say("%(n)s a minute", n=thousands(upstream.rate)))
    return tuple(limits)


async def pause(request: web.Request, upstream: str | None, reason: str) -> None:
    """Nothing is sent any more, or not by that upstream, from the moment this returns. Raises FieldError."""
    person = signed_in_user(request)
    reason = " ".join(reason.split())[:LONGEST_REASON]
    made = Pause(person.name, request.app[CLOCK](), reason)
    known = _known(request, upstream)
    await turn(
        request, lambda before: before.pausing(made, known), Kind.PAUSED, upstream=upstream or "all", reason=reason
    )


async def resume(request: web.Request, upstream: str | None) -> None:
    """What waited is sent again. One that is not paused (any more) is left alone."""
    await turn(request, lambda before: before.resuming(upstream), Kind.RESUMED, upstream=upstream or "all")


def _known(request: web.Request, upstream: str | None) -> str | None:
    if upstream is not None and upstream not in names(request):
        raise FieldError(
            "upstream", say("must be one of %(known)s", known=", ".join(names(request)) or say("those configured"))
        )
    return upstream


async def turn(request: web.Request, turned: Callable[[Switches], Switches], kind: Kind, **data: str) -> None:
    """Turns one switch, with the event that says who did, and has the server look at them.

    Another that somebody turns at the same moment stays turned. Nothing happens where it stands so already.
    """
    archive = archive_of(request)
    for _ in range(TRIES):
        before = await archive.switches()
        after = turned(before)
        if after == before:
            return
        if await archive.put_switches(after, deed(request, kind, **data), before):
            await request.app[SWITCHES_CHANGED]()
            return
    raise web.HTTPConflict(text=say("Somebody else turned a switch at the same moment. Try again."))
