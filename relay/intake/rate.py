"""How many messages an application may hand in within an hour. Pure: no clock, no sockets; forgotten at a restart.

Exact rather than a token bucket: within any hour there are at most as many as allowed, and it is known when the next
will be taken.
"""

from __future__ import annotations

from collections import deque

HOUR = 3600 * 1_000_000
"""Microseconds."""


class Rates:
    """The hour behind us, for each application that has a limit."""

    def __init__(self) -> None:
        self._taken: dict[str, deque[int]] = {}

    def take(self, application: str, limit: int, now: int) -> int:
        """0, and one message is counted; or the seconds after which one will be taken. `limit` 0: there is none."""
        if not limit:
            return 0
        taken = self._taken.setdefault(application, deque())
        while taken and taken[0] <= now - HOUR:
            taken.popleft()
        if len(taken) < limit:
            taken.append(now)
            return 0
        return max(1, -((now - HOUR - taken[len(taken) - limit]) // 1_000_000))

    def give_back(self, application: str) -> None:
        """Uncounts the latest message: it was not kept."""
        if self._taken.get(application):
            self._taken[application].pop()
