"""What every page reads and almost nobody changes: sessions, accounts, roles, preferences, views, switches, settings.

Kept in memory until anything is written that is not plainly about mail alone. That is exact, not "for a few seconds":
one process alone writes to an archive, its writes tell of themselves before whoever asked for them is answered, and an
answer that was read while something changed is given but not kept.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Hashable
from typing import TypeVar, cast

Value = TypeVar("Value")

KEPT = 4096
"""Answers that are kept; then it begins anew."""


class Seldom:
    """By a key that names what is asked and about whom."""

    def __init__(self) -> None:
        self._kept: dict[Hashable, object] = {}
        self._changes = 0

    async def get(self, key: Hashable, read: Callable[[], Awaitable[Value]]) -> Value:
        """The kept answer, else what `read` gives. None is not kept: anyone may ask for what is not there."""
        if key in self._kept:
            return cast(Value, self._kept[key])
        changes = self._changes
        value = await read()
        if value is not None and changes == self._changes:
            if len(self._kept) >= KEPT:
                self._kept.clear()
            self._kept[key] = value
        return value

    def changed(self) -> None:
        """Something was written that may be among them."""
        self._changes += 1
        self._kept.clear()
