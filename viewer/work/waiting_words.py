"""Why a delivery waits, and how an upstream does, in words. Pure.

What stops it comes first: a pause, an upstream that rests, a person who must decide; then the schedule.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from relay.model.delivery import Delivery, Priority, State
from relay.model.switch import Switches
from relay.model.upstream import Health, UpstreamState
from viewer import present
from viewer.present import Word
from viewer.translation import grouped, joined, say

HEALTH: Mapping[Health, Word] = {
    Health.UP: Word(say("Up"), "sent", "good", say("Sessions can be had, as far as we know.")),
    Health.RESTING: Word(
        say("Resting"),
        "held",
        "bad",
        say("Too many connections failed in a row. Nothing is sent until a probe succeeds."),
    ),
    Health.PROBING: Word(say("Probing"), "deferred", "warn", say("One session is tried; what it does decides.")),
    Health.PAUSED: Word(say("Paused"), "pause", "warn", say("A person stopped it.")),
}
PRIORITIES: Mapping[int, str] = {Priority.URGENT: say("urgent"), Priority.BULK: say("bulk")}
"""What is worth a word; normal is not."""


@dataclass(frozen=True, slots=True)
class Why:
    """`text` is a sentence without its full stop; `is_stopped`: no time makes it go on, somebody or something must."""

    text: str
    is_stopped: bool = False


def why(delivery: Delivery, switches: Switches, upstreams: Mapping[str, UpstreamState], now: int) -> Why:
    """Why it waits at this moment."""
    if delivery.state is State.HELD:
        return Why(_because(say("for a person's approval"), delivery.why), True)
    if delivery.state is State.SENDING:
        return Why(say("a connection is working on it"))
    if delivery.due_at is None:
        return Why(_because(say("it may have been sent; a person decides"), delivery.why), True)
    upstream = delivery.wanted_upstream or delivery.upstream or ""
    if switches.paused is not None:
        return Why(say("all sending is %(paused)s", paused=str(switches.paused)), True)
    if pause := switches.paused_upstreams.get(upstream):
        return Why(say("upstream %(name)s is %(paused)s", name=upstream, paused=str(pause)), True)
    state = upstreams.get(upstream)
    if state is not None and state.health is Health.RESTING and delivery.wanted_upstream:
        return Why(_because(say("upstream %(name)s rests", name=upstream), state.error), True)
    if delivery.why:
        return Why(delivery.why)
    return _scheduled(delivery, now)


def _scheduled(delivery: Delivery, now: int) -> Why:
    is_later = delivery.due_at is not None and delivery.due_at > now
    if delivery.state is State.UNCONFIRMED:
        return Why(say("the provider's answer was lost; tried again by the schedule"))
    if delivery.attempts == 0:
        return Why(say("handed in to be sent later") if is_later else say("due; waits for its turn"))
    if is_later:
        return Why(say("tried %(times)s; tried again by the schedule", times=_times(delivery.attempts)))
    return Why(say("tried %(times)s; due again, waits for its turn", times=_times(delivery.attempts)))


def _times(count: int) -> str:
    return say("once") if count == 1 else say("%(n)s times", n=grouped(count))


def _because(text: str, why: str | None) -> str:
    return joined(": ", [text, why]) if why else text


def due(delivery: Delivery, now: int) -> str:
    """`in 4 min`, `now`, or '' where nothing is due."""
    if delivery.due_at is None or delivery.state in (State.HELD, State.SENDING):
        return ""
    return present.wait(delivery.due_at, now)
