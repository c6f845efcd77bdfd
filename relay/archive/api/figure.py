"""The archive's contract about figures: what the reports count, and the keeping of what was counted.

Figures are counted by day behind the commits (`figures.py`) and kept; a change makes its day be counted again, so
that they lag: `FigureSheet.as_of` says so. What all methods promise is in `api.py`, of whose protocol this is a part.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from relay.archive.query import Query
from relay.model.access import EVERYTHING, Scope
from relay.model.delivery import Delivery, State
from relay.model.figure import FigureChoice, FigureSheet

COUNTED = 20_000
"""Messages that are looked at for a question which the kept figures cannot answer: the newest."""
COUNTED_TO = 2000
"""Messages to one address that are summed up: the newest."""
MOST_LOST = 20_000
"""Copies of one look at what came back."""


@dataclass(frozen=True, slots=True)
class Loss:
    """Copies that did not arrive, alike in domain of the recipient, state, class and reason. `count`: how many."""

    domain: str
    state: str
    """`bounced`, `dropped` or `failed`."""
    bounce: str
    """The class that was reported; '' where there is none."""
    code: int | None
    """Of the reply or report, with its enhanced code and, one of all, its text."""
    enhanced: str
    text: str
    explanation: str
    action: str
    count: int
    message_id: str
    """The newest of them."""


@dataclass(frozen=True, slots=True)
class LossChoice:
    """Copies of messages of the days [first, stop) that failed, bounced or were dropped."""

    first: int
    stop: int
    application: str = ""
    domain: str = ""
    scope: Scope = EVERYTHING


@dataclass(frozen=True, slots=True)
class Sending:
    """One copy, with what its message is called."""

    delivery: Delivery
    seq: int
    received_at: int
    application: str
    sender: str
    """The author as shown."""
    subject: str
    opened: bool
    clicked: bool


@dataclass(frozen=True, slots=True)
class SendingPage:
    """Newest message first. `next`: opaque text, None where nothing follows."""

    sendings: tuple[Sending, ...]
    next: str | None = None


@dataclass(frozen=True, slots=True)
class SentTo:
    """All copies to one address, summed up. Times are UTC microseconds; None: there is none."""

    states: Mapping[State, int]
    opened: int
    clicked: int
    first_at: int | None
    last_at: int | None
    is_cut: bool
    """Only the newest `COUNTED_TO` messages were looked at."""


class Figures(Protocol):
    async def figures(self, choice: FigureChoice) -> FigureSheet:
        """The figures wanted. Someone whose scope asks for more than applications gets them counted anew, of the
        newest `COUNTED` messages at most."""

    async def figures_of(self, query: Query, choice: FigureChoice) -> FigureSheet:
        """The same of the messages that a search finds, counted anew; the query says of which days."""

    async def losses(self, choice: LossChoice) -> list[Loss]:
        """What did not arrive, in groups, largest first; of the newest `MOST_LOST` at most."""

    async def lost_recipients(self, choice: LossChoice, limit: int) -> list[tuple[str, Loss]]:
        """(address, as one loss) of each recipient among them, each once for each kind of loss."""

    async def sendings_to(
        self, address: str, *, scope: Scope = EVERYTHING, cursor: str | None = None, limit: int = 50
    ) -> SendingPage:
        """All copies to one address, whatever its case, newest message first. Raises ValueError for a cursor that
        this did not give."""

    async def sums_to(self, address: str, *, scope: Scope = EVERYTHING) -> SentTo:
        """What became of all that was sent to one address."""

    async def look_for_changes(self, limit: int) -> bool:
        """Notes the days of what the next `limit` events tell of; whether there may be more."""

    async def days_to_count(self) -> Sequence[int]:
        """Days whose figures are to be counted again, the latest first: it is looked at most."""

    async def count_day(self, day: int) -> None:
        """Counts it, and keeps what has changed, in one commit. A change meanwhile leaves it to be counted again."""
