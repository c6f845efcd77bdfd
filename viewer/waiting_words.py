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

HEALTH: Mapping[Health, Word] = {
    Health.UP: Word("Up", "sent", "good", "Sessions can be had, as far as we know."),
    Health.RESTING: Word(
        "Resting", "held", "bad", "Too many connections failed in a row. Nothing is sent until a probe succeeds."
    ),
    Health.PROBING: Word("Probing", "deferred", "warn", "One session is tried; what it does decides."),
    Health.PAUSED: Word("Paused", "pause", "warn", "A person stopped it."),
}
PRIORITIES: Mapping[int, str] = {Priority.URGENT: "urgent", Priority.BULK: "bulk"}
"""What is worth a word; normal is not."""


@dataclass(frozen=True, slots=True)
class Why:
    """`text` is a sentence without its full stop; `is_stopped`: no time makes it go on, somebody or something must."""

    text: str
    is_stopped: bool = False


def why(delivery: Delivery, switches: Switches, upstreams: Mapping[str, UpstreamState], now: int) -> Why:
    """Why it waits at this moment."""
    if delivery.state is State.HELD:
        return Why("for a person's approval" + (f": {delivery.why}" if delivery.why else ""), True)
    if delivery.state is State.SENDING:
        return Why("a connection is working on it")
    if delivery.due_at is None:
        return Why("it may have been sent; a person decides" + (f" ({delivery.why})" if delivery.why else ""), True)
    upstream = delivery.wanted_upstream or delivery.upstream or ""
    if switches.paused is not None:
        return Why(f"all sending is {switches.paused}", True)
    if pause := switches.paused_upstreams.get(upstream):
        return Why(f"upstream {upstream} is {pause}", True)
    state = upstreams.get(upstream)
    if state is not None and state.health is Health.RESTING and delivery.wanted_upstream:
        return Why(f"upstream {upstream} rests" + (f": {state.error}" if state.error else ""), True)
    if delivery.why:
        return Why(delivery.why)
    return _scheduled(delivery, now)


def _scheduled(delivery: Delivery, now: int) -> Why:
    is_later = delivery.due_at is not None and delivery.due_at > now
    if delivery.state is State.UNCONFIRMED:
        return Why("the provider's answer was lost; tried again by the schedule")
    if delivery.attempts == 0:
        return Why("handed in to be sent later" if is_later else "due; waits for its turn")
    if is_later:
        return Why(f"tried {_times(delivery.attempts)}; tried again by the schedule")
    return Why(f"tried {_times(delivery.attempts)}; due again, waits for its turn")


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count:,} times"


def due(delivery: Delivery, now: int) -> str:
    """`in 4 min`, `now`, or '' where nothing is due."""
    if delivery.due_at is None or delivery.state in (State.HELD, State.SENDING):
        return ""
    return present.wait(delivery.due_at, now)
