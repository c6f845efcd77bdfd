"""How an upstream does at this moment: what people and metrics are shown. Holds no behaviour."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Health(StrEnum):
    """Of the breaker, as people call it."""

    UP = "up"
    """Sessions can be had, as far as is known."""
    RESTING = "resting"
    """Too many failures in a row: nothing is tried until it is probed."""
    PROBING = "probing"
    """One session is tried; what it does decides."""
    PAUSED = "paused"
    """A person stopped it, or all sending."""


@dataclass(frozen=True, slots=True)
class UpstreamState:
    """Of one upstream. `since` in UTC microseconds."""

    name: str
    health: Health
    since: int
    error: str = ""
    """The last failure to have a session, in words; empty once one was had."""
    obstacle: str = ""
    """Why nothing goes there now, in words: a pause, a rest, a rate; empty if there is no reason."""
    sessions: int = 0
    """Open now."""
    running: int = 0
    """Consignments being carried by it."""
    waiting: int = 0
    """Claimed deliveries that wait for a place."""
