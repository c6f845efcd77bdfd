"""Which words of the full-text index begin so, kept in memory while no other word comes.

To look for the next word behind a common one, FTS5 reads all places of that one: milliseconds, for each search. One
process alone writes to an archive, and tells here what words it wrote, before whoever had them written is answered.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from time import monotonic

KEPT = 1000
"""Beginnings that are kept; then it begins anew."""
KEPT_FOR = 60.0
"""Seconds."""

Words = tuple[str, ...] | None
"""Those that begin so; None: too many to name."""


class Vocabulary:
    """By beginning."""

    def __init__(self) -> None:
        self.changes = 0
        """How often words were written. To be noted before a snapshot is begun."""
        self._kept: dict[str, tuple[float, Words]] = {}

    @property
    def is_used(self) -> bool:
        """Whether any words are kept: otherwise nobody needs to be told which are written."""
        return bool(self._kept)

    async def get(self, start: str, changes: int, read: Callable[[], Awaitable[Words]]) -> Words:
        """The words that begin so, else what `read` gives. `changes`: as noted before the snapshot that it reads."""
        at, words = self._kept.get(start, (0.0, None))
        if start in self._kept and monotonic() - at < KEPT_FOR:
            return words
        words = await read()
        if changes == self.changes:
            if len(self._kept) >= KEPT:
                self._kept.clear()
            self._kept[start] = monotonic(), words
        return words

    def heard(self, words: Iterable[str]) -> None:
        """These were written: what another word begins like is asked for again."""
        self.changes += 1
        oldest = monotonic() - KEPT_FOR
        self._kept = {start: kept for start, kept in self._kept.items() if kept[0] > oldest}
        lengths = {len(start) for start in self._kept}
        for word in words if lengths else ():
            for length in lengths:
                start = word[:length]
                _, known = self._kept.get(start, (0.0, None))
                if known is not None and word not in known:
                    del self._kept[start]

    def changed(self) -> None:
        """Any words may have been written."""
        self.changes += 1
        self._kept.clear()
