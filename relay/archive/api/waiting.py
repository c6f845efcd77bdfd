"""The archive's contract about what waits: the queue as people look at it, and choose from it.

Claiming and changing are not here (`api.py`). What all methods promise is in `api.py`, of whose protocol this one is a
part. Pages are by keyset, in the order of capture, so that any depth is as fast and nothing is shown twice.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from relay.archive.query import Query
from relay.model.delivery import Delivery, State

WAITING_STATES = (State.HELD, State.QUEUED, State.SENDING, State.DEFERRED, State.UNCONFIRMED)
"""States in which something may still be done: by the courier, or by a person."""

EVERYTHING = Query()


@dataclass(frozen=True, slots=True)
class WaitingFilter:
    """Which of the waiting deliveries; '' and an empty tuple mean any."""

    states: tuple[State, ...] = ()
    lane: str = ""
    upstream: str = ""
    """The one a person chose for it, else that of the latest attempt."""
    application: str = ""
    domain: str = ""
    """Of the recipient, without `@`; case is ignored."""
    query: Query = EVERYTHING
    """The message it belongs to matches."""


@dataclass(frozen=True, slots=True)
class WaitingRow:
    """One waiting delivery with what a person needs to know it by."""

    delivery: Delivery
    application: str
    sender: str
    """The envelope's reverse-path, '' for the null sender."""
    subject: str
    """'' while the message is not indexed."""


@dataclass(frozen=True, slots=True)
class WaitingPage:
    """`next` is an opaque cursor, None at the end."""

    rows: tuple[WaitingRow, ...]
    next: str | None = None


@dataclass(frozen=True, slots=True)
class WaitingGroup:
    """How many wait in one lane, for one upstream, in one state. Times are UTC microseconds."""

    lane: str
    """'' until the courier has seen them."""
    upstream: str
    state: State
    count: int
    oldest: int
    """The earliest `created_at`."""
    next_due: int | None


class WaitingQueue(Protocol):
    async def waiting(self, wanted: WaitingFilter, *, cursor: str | None = None, limit: int = 50) -> WaitingPage:
        """Oldest first. Raises ValueError for what is not a cursor."""

    async def waiting_count(self, wanted: WaitingFilter, *, at_most: int = 10_000) -> int:
        """How many wait, counting no further than `at_most`."""

    async def waiting_groups(self, query: Query = EVERYTHING) -> list[WaitingGroup]:
        """All that waits of matching messages, counted; by lane, upstream and state."""

    async def waiting_of(self, delivery_ids: Sequence[str]) -> list[WaitingRow]:
        """Those of these deliveries that wait, in the order given."""
