"""Something that runs in the background for one person, and is watched while it does: an export, a change of many.

Does not run anything (`jobs.py`, `tasks.py`).
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

DAY = 24 * 3600 * 1_000_000
"""Microseconds for which what has ended is remembered."""


@dataclass(slots=True, kw_only=True)
class Progress:
    """`state`: waiting, running, finished, failed, cancelled; of an export also fetched, removed.

    Times in UTC microseconds.
    """

    id: str
    user: str
    total: int
    created_at: int
    done: int = 0
    state: str = "waiting"
    changed: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def is_over(self) -> bool:
        return self.state not in ("waiting", "running")

    def advance(self, done: int, state: str = "running") -> None:
        """Wakes those who watch."""
        self.done, self.state = done, state
        self.changed.set()
        self.changed = asyncio.Event()
