"""The archive's contract about how far the index has come, and about reading all messages again.

What all methods promise is in `api.py`, of whose protocol this one is a part.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Rereading:
    """How far it has come: messages numbered below `next` were read again, those up to `until` will be."""

    next: int
    until: int

    @property
    def left(self) -> int:
        return self.until - self.next + 1


@dataclass(frozen=True, slots=True)
class Progress:
    """Numbers of messages: the newest, and the one up to which all can be found by their words.

    Numbers have no holes, and messages are never deleted: the newest's is how many there are.
    """

    last: int
    indexed: int


class Reindexing(Protocol):
    async def progress(self) -> Progress:
        """Cheap: for every page of the grid."""

    async def reindex(self, anew: bool) -> int:
        """Has the indexer read all messages that there are now again; returns how many are left to be read.

        One that is not at its end goes on, unless `anew`. It goes on after a crash or a stop, too.
        """

    async def rereading(self) -> Rereading | None:
        """How far it has come; None if nothing is to be read again."""

    async def to_reread(self, limit: int) -> list[tuple[int, str, int]]:
        """The next messages to be read again, as `unindexed` gives those that wait. Deleted ones are passed over."""

    async def reread(self, seq: int) -> None:
        """All up to this number have been: told after they were written, so that a crash repeats some."""
