"""The archive's contract about how people look at messages: preferences, saved views, and other rows than messages.

What all methods promise is in `api.py`, of whose protocol this one is a part.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from relay.archive.query import Query
from relay.model.delivery import Delivery, State
from relay.model.fetch import Verdict

if TYPE_CHECKING:
    from relay.archive.api import Listing

COUNTED = 200
"""Messages of a mailing that are counted for a page of many; of more, the newest."""
COUNTED_ALONE = 20_000
"""The same where one mailing is looked at alone."""


@dataclass(frozen=True, slots=True)
class View:
    """A search that somebody gave a name."""

    id: str
    owner: str
    """The user's name; '' once there is no such user any more."""
    name: str
    is_shared: bool
    query: str
    sort: str
    """As in the grid's address, such as `-date`; '' for newest first."""
    mode: str
    """What a row is, as in the grid's address: '' a message, `recipients`, `mailings`."""
    columns: tuple[str, ...] | None
    """None: those that each reader chose."""


@dataclass(frozen=True, slots=True)
class Mailing:
    """Messages that belong together (see `relay.model.mailing`), as far as a search finds them."""

    id: int
    name: str
    source: str
    application: str
    messages: int
    is_exact: bool
    """False: there are more than were counted; `messages` and `states` are of the newest."""
    states: Mapping[State, int]
    """How many deliveries are in which state."""
    newest: Listing


@dataclass(frozen=True, slots=True)
class MailingPage:
    """Newest first. `next` is an opaque cursor, None at the end."""

    rows: tuple[Mailing, ...]
    next: str | None = None


@dataclass(frozen=True, slots=True)
class Copy:
    """One recipient's copy of a message."""

    delivery: Delivery
    listing: Listing
    opened: frozenset[Verdict] = frozenset()
    clicked: frozenset[Verdict] = frozenset()


@dataclass(frozen=True, slots=True)
class CopyPage:
    """Newest message first. `next` is an opaque cursor, None at the end."""

    rows: tuple[Copy, ...]
    next: str | None = None


class Views(Protocol):
    async def preferences(self, user: str) -> dict[str, Any]:
        """What the user set, JSON-able values by key."""

    async def put_preference(self, user: str, key: str, value: Any) -> None:
        """None takes it away."""

    async def views(self, user: str) -> list[View]:
        """The user's own and those that are shared, by name."""

    async def put_view(self, view: View) -> None:
        """Adds or replaces."""

    async def remove_view(self, view_id: str) -> None:
        """One that is not there is no error."""

    async def mailings(self, query: Query, *, cursor: str | None = None, limit: int = 50) -> MailingPage:
        """The mailings of which the search finds a message; fewer than `limit` where it finds very many of a few.
        Raises ValueError for what is not a cursor."""

    async def mailing(self, mailing_id: int, query: Query) -> Mailing:
        """One of them, counted further. Raises NotFound if the search finds no message of it."""

    async def copies(self, query: Query, *, cursor: str | None = None, limit: int = 50) -> CopyPage:
        """A row for each recipient of the matching messages; what the search says of a status, a bounce or a recipient
        at its top is asked of the copy itself. Raises ValueError for what is not a cursor."""

    async def place(self, query: Query, at: int) -> str:
        """The cursor of the page of `search`, newest first, that begins with what was captured at `at` or before."""
