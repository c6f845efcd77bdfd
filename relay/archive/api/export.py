"""The archive's contract about handing many messages over: found by number, then read whole, many at a time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from relay.archive.query import Query

if TYPE_CHECKING:
    from relay.archive.api import StoredMessage


@dataclass(frozen=True, slots=True)
class Whole:
    """A message with its content, as both were at one moment."""

    stored: StoredMessage
    leaf: int | None
    """Index of its first fact in the log; None: it has none."""
    content: bytes | None
    """The verbatim octets; None: deleted, or more than was asked for (`content_chunks` reads it)."""


class Exports(Protocol):
    async def captured(self, query: Query, *, after: int, until: int, limit: int) -> list[tuple[int, str]]:
        """(sequence number, id) of matching messages in order of capture, numbers above `after`, up to `until`.

        Nobody waits for it: it may take longer than a search. Raises TooSlow where it takes too long even so.
        """

    async def whole(self, message_ids: Sequence[str], most: int) -> list[Whole]:
        """These messages in order of capture, with contents of at most `most` octets. What is not there is left out.

        All of it is in memory at once: ask for some tens. Raises ArchiveError: a content does not have its SHA-256.
        """
