"""How fast recipients may be handed on: a bucket of permits that fills evenly. Pure: time is given.

In no window of a minute are more permits given than the rate says. Times are UTC microseconds.
"""

from __future__ import annotations

MINUTE = 60_000_000
SHARE = 30
"""The thirtieth part of a minute's permits may be used at once."""


class Bucket:
    """`rate` permits a minute, more than 0."""

    def __init__(self, rate: int, now: int) -> None:
        self.rate = rate
        self._capacity = max(1, rate // SHARE)
        # What can be used at once counts against the minute, so that the two together never exceed the rate.
        self._interval = MINUTE / (rate - self._capacity + 1)
        self._permits = float(self._capacity)
        self._seen_at = now

    def available(self, now: int) -> int:
        """How many may be used now."""
        self._fill(now)
        return max(0, int(self._permits))

    def use(self, count: int, now: int) -> None:
        """More than are available may be used: the debt is paid before others get any."""
        self._fill(now)
        self._permits -= count

    def next_at(self, now: int) -> int:
        """When at least one is available."""
        self._fill(now)
        return now if self._permits >= 1 else now + int((1 - self._permits) * self._interval) + 1

    def _fill(self, now: int) -> None:
        if now > self._seen_at:
            self._permits = min(self._capacity, self._permits + (now - self._seen_at) / self._interval)
        # A clock that was set back must not make anybody wait for the old time to come again.
        self._seen_at = now
