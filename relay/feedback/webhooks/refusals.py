"""How often an address was refused lately: whoever guesses is not listened to for a while. In memory, bounded."""

from __future__ import annotations

LIMIT = 60
PERIOD = 60 * 1_000_000
"""So many refusals in so many microseconds; requests that are right do not count."""
ADDRESSES = 10_000
"""Remembered; of more, the longest known are forgotten."""


class Refusals:
    def __init__(self) -> None:
        self._counts: dict[str, tuple[int, int]] = {}

    def note(self, address: str, now: int) -> None:
        """One more refusal of the address."""
        start, count = self._counts.pop(address, (now, 0))
        if now - start >= PERIOD:
            start, count = now, 0
        while len(self._counts) >= ADDRESSES:
            del self._counts[next(iter(self._counts))]
        self._counts[address] = (start, count + 1)

    def are_many(self, address: str, now: int) -> bool:
        start, count = self._counts.get(address, (now, 0))
        return count >= LIMIT and now - start < PERIOD
