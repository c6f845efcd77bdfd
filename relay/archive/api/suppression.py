"""The archive's contract about suppression: who must not be sent to, and why.

What all methods promise is in `api.py`, of whose protocol this one is a part. There is one entry for each address
(by `suppression_key`), application and cause; entries that ran out stay until one takes their place, and count no more.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from relay.model.event import Event
from relay.model.suppression import Cause, Suppressed


@dataclass(frozen=True, slots=True)
class Selection:
    """Which entries are meant. All of the conditions hold; those left out do not matter."""

    now: int
    """UTC microseconds: entries in force then."""
    text: str = ""
    """Somewhere in the address or the reason, whatever the case."""
    cause: Cause | None = None
    application: str | None = None
    """'' : those that hold for all applications."""
    is_expired: bool = False
    """Those that ran out, instead of those in force."""
    applications: tuple[str, ...] | None = None
    """Those of any of these applications only; '' counts as one."""


@dataclass(frozen=True, slots=True)
class SuppressionPage:
    """Newest first. `next`: opaque text, None where nothing follows."""

    entries: tuple[Suppressed, ...]
    next: str | None = None


@dataclass(frozen=True, slots=True)
class Unsubscribing:
    """What the unsubscribe page may tell of a delivery to whoever has its link."""

    sender: str
    """The author as the message shows it: name and address of From, else the reverse-path."""
    recipient: str
    is_done: bool
    """There is an entry of somebody unsubscribing, in force."""


class Suppressions(Protocol):
    async def add_suppressions(self, entries: Sequence[Suppressed], at: int | None = None) -> int:
        """Keeps the entries, each with its event, in one commit; returns how many changed something.

        `at`: when that happens, if the entries tell of a time before (an import); else each at its `created_at`.

        An entry that is there already stays where the new one would say nothing more: the same reason and time to
        run out; and, but for entries by hand, where it lasts at least as long. Else the new one takes its place.
        """

    async def remove_suppressions(self, entry_ids: Sequence[str], events: Sequence[Event]) -> None:
        """Takes the entries off and adds the events, in one commit. Raises NotFound, and keeps nothing, if an entry
        is there no more."""

    async def suppression(self, entry_id: str) -> Suppressed:
        """One entry, also one that ran out. Raises NotFound."""

    async def suppressions(
        self, selection: Selection, *, cursor: str | None = None, limit: int = 50
    ) -> SuppressionPage:
        """A page of entries, newest first. Raises ValueError for a cursor that this did not give."""

    async def count_suppressions(self, selection: Selection, *, at_most: int = 10_000) -> int:
        """How many entries are meant, counting no further than `at_most`."""

    def all_suppressions(self, selection: Selection) -> AsyncIterator[Suppressed]:
        """All entries that are meant, newest first, with flat memory."""

    async def suppressions_of(
        self, addresses: Sequence[str], application: str, now: int
    ) -> Mapping[str, tuple[Suppressed, ...]]:
        """By address as given: the entries that keep this application's mail from it; the others are left out."""

    async def unsubscribing(self, delivery_id: str, now: int) -> Unsubscribing:
        """Raises NotFound."""
