"""The archive's contract about what must be kept: legal holds, and the term before which nothing goes (WORM).

What they keep `delete_content` refuses, in words, whoever asks. What all methods promise is in `api.py`, of whose
protocol this one is a part.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from relay.model.event import Event
from relay.model.hold import Hold


class Holds(Protocol):
    async def make_hold(self, hold: Hold, event: Event) -> bool:
        """Keeps the hold, with no message under it yet. False: an open one has its name."""

    async def place_hold(self, hold_id: str, message_ids: Sequence[str], events: Sequence[Event]) -> list[str]:
        """Puts messages under it; returns the ids of those that were not. The events of the others are not added.
        Raises NotFound: no such message, or no such open hold."""

    async def lift_hold(self, hold_id: str, message_ids: Sequence[str], events: Sequence[Event]) -> list[str]:
        """Takes messages from under it; as `place_hold`."""

    async def end_hold(self, hold_id: str, event: Event) -> bool:
        """From now on it keeps nothing. False: it was ended before. Raises NotFound."""

    async def hold(self, hold_id: str) -> Hold:
        """Raises NotFound."""

    async def holds(self, *, only_open: bool) -> list[Hold]:
        """The newest first."""

    async def holds_of(self, message_id: str) -> list[Hold]:
        """The open ones that this message is under."""

    async def held_messages(self, hold_id: str, *, after: str = "", limit: int = 1000) -> list[str]:
        """Ids in order of capture, those behind the message `after`. Raises NotFound."""

    async def use_term(self, seconds: int, event: Event) -> bool:
        """How long every content is kept from now on, also that which is there; 0: no term for what comes from now on.

        What came in before is kept at least as long as it would have been. False: nothing changed, no event.
        """

    async def term(self) -> int:
        """Seconds; 0: none."""
