"""Limits on wrong passwords: so many for a user, or from an address, in fifteen minutes.

Counted in memory: a restart forgets them, and does not happen more often than an attacker could wait.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field

from aiohttp import web

from viewer.security import client_address

WINDOW = 15 * 60 * 1_000_000
MOST_KEYS = 10_000
"""Users and addresses remembered; the longest unseen are forgotten first."""
LONGEST_NAME = 64


@dataclass(slots=True)
class Attempts:
    """`limit` attempts for each key in a WINDOW. Times are UTC microseconds."""

    limit: int
    most_keys: int = MOST_KEYS
    _times: OrderedDict[str, list[int]] = field(default_factory=OrderedDict)

    def begin(self, keys: tuple[str, ...], now: int) -> int:
        """0 if another try may be made, which counts from now on; else the seconds to wait.

        Counting begins before the password is checked, so that a thousand tries at once are not one try.
        """
        waits = [times[0] + WINDOW - now for key in keys if len(times := self._recent(key, now)) >= self.limit]
        if waits:
            return max(1, -(-max(waits) // 1_000_000))
        for key in keys:
            self._times.setdefault(key, []).append(now)
            self._times.move_to_end(key)
        while len(self._times) > self.most_keys:
            self._times.popitem(last=False)
        return 0

    def forgive(self, keys: tuple[str, ...]) -> None:
        """The latest attempt was right: it does not count."""
        for key in keys:
            if times := self._times.get(key):
                times.pop()

    def _recent(self, key: str, now: int) -> list[int]:
        times = [time for time in self._times.get(key, []) if time > now - WINDOW]
        if key in self._times:
            self._times[key] = times
        return times


ATTEMPTS: web.AppKey[Attempts] = web.AppKey("attempts", Attempts)


def attempt_keys(request: web.Request, name: str = "") -> tuple[str, ...]:
    """By what a try is counted: the address it comes from, and the user whose name is given."""
    from_here = (f"address {client_address(request)}",)
    return (f"user {name.casefold()[:LONGEST_NAME]}", *from_here) if name else from_here
