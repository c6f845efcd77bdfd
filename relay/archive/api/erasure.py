"""The archive's contract about forgetting a person: found everywhere, taken out in steps, closed with an event.

What all methods promise is in `api.py`, of whose protocol this one is a part. A crash between two steps leaves the
erasure open, with its address: whoever goes on finds what is left.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from relay.model.deletion import Order, Outcome
from relay.model.erasure import Erasure, Mention, Standing
from relay.model.event import Event
from relay.model.hold import Hold


@dataclass(frozen=True, slots=True)
class Mentions:
    """Where a person is named."""

    messages: Sequence[Mention]
    rows: Sequence[tuple[str, int, int | None]] = ()
    """(table, rowid, sequence number of the message it belongs to)."""
    accounts: Sequence[str] = ()
    """Users, applications and endpoints that name the person; these stay: `user ann@example.com`."""
    holds: Sequence[tuple[Hold, int]] = ()
    """Open holds, each with how many of these messages are under it."""
    suppressed: int = 0
    """Entries of the suppression list that name the person."""


@dataclass(frozen=True, slots=True)
class ErasureStep:
    """Some messages. With each its order, and whether the content goes; else only the person's part does."""

    erasure_id: str
    orders: Sequence[tuple[Order, bool]]
    event: Event


class Erasures(Protocol):
    async def mentions(self, address: str, now: int, told: Callable[[int, int], object] | None = None) -> Mentions:
        """Looks through everything, contents too: minutes, in a large archive. `told` hears how far it is, messages
        of how many, in another thread; what it raises ends the search, and is raised here."""

    async def ask_erasure(self, erasure: Erasure, event: Event) -> bool:
        """Keeps the request. False: it was there."""

    async def decide_erasure(self, erasure_id: str, standing: Standing, event: Event) -> bool:
        """Approves or refuses. False: it is not open, or whoever asked would approve. Raises NotFound."""

    async def erase_messages(self, step: ErasureStep) -> list[Outcome]:
        """One commit. What a hold, the term or sending keeps stays as it is, and says so. Raises NotFound."""

    async def erase_rows(self, erasure_id: str, rows: Sequence[tuple[str, int]], event: Event) -> None:
        """One commit: the address gives way in the texts of these rows, (table, rowid)."""

    async def end_erasure(
        self, erasure_id: str, event: Event, erased: int, kept: int, *, is_suppressed: bool = False
    ) -> None:
        """The last commit: figures, suppression, words of the index; then the address itself. Rewrites the indexes
        behind everything else, and empties the write-ahead log."""

    async def erase_facts(self, events: Sequence[Event]) -> list[Outcome]:
        """One commit: of messages whose contents are gone, what tells of people or of what was said goes too.

        Of each, its event of the kind ERASED, whose actor and reason count. What stays: `archive/forgetting.py`. Done
        again for what came later; GONE: there was nothing new. Refused, in words: what a hold, the term or sending
        keeps, and a content that is still there. Crash before the commit: everything is there; after it: nothing is.
        Raises NotFound.
        """

    async def late_facts(self, after: int) -> tuple[list[str], int]:
        """Ids of messages whose facts are erased and that got an event behind number `after`, and the last number.

        A report or an answer may come long after the rest was erased, and names people again.
        """

    async def erasure(self, erasure_id: str) -> Erasure:
        """Raises NotFound."""

    async def erasures(self, *, only_open: bool) -> list[Erasure]:
        """The newest first."""

    async def settled(self) -> None:
        """Returns when no words of what was deleted are left in the indexes. For whoever alone uses the archive."""
