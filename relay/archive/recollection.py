"""What was found out about searches and is told again for a while: a page and the next one ask for the same.

Only what decides which way is taken, or is told as "about": never what is found.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable
from time import monotonic
from typing import Generic, TypeVar
from weakref import WeakKeyDictionary

from sqlalchemy import Engine
from sqlalchemy.ext.asyncio import AsyncConnection

KEPT_FOR = 30.0
"""Seconds."""
MOST_KEPT = 500

Value = TypeVar("Value")


class Recollection(Generic[Value]):
    """By archive and by what was asked."""

    def __init__(self) -> None:
        self._kept: WeakKeyDictionary[Engine, OrderedDict[Hashable, tuple[float, Value]]] = WeakKeyDictionary()

    def get(self, connection: AsyncConnection, key: Hashable) -> Value | None:
        """None if it is not known, or not any more."""
        kept = self._kept.get(connection.engine.sync_engine)
        if kept is None or key not in kept:
            return None
        at, value = kept[key]
        return value if monotonic() - at < KEPT_FOR else None

    def put(self, connection: AsyncConnection, key: Hashable, value: Value) -> None:
        kept = self._kept.setdefault(connection.engine.sync_engine, OrderedDict())
        kept[key] = (monotonic(), value)
        kept.move_to_end(key)
        if len(kept) > MOST_KEPT:
            kept.popitem(last=False)
