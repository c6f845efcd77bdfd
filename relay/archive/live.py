"""Changes told to whoever watches: a bounded buffer for each, so that a slow one misses the oldest, blocking nobody."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from weakref import WeakSet

from relay.archive.api import Change

BUFFER = 1000
"""Changes kept for a reader that does not come to take them."""


class Changes(AsyncIterator[Change]):
    """One reader's changes. Ends when the archive is closed."""

    def __init__(self) -> None:
        self._buffer: deque[Change] = deque(maxlen=BUFFER)
        self._wake = asyncio.Event()
        self._is_closed = False

    def put(self, change: Change) -> None:
        self._buffer.append(change)
        self._wake.set()

    def close(self) -> None:
        self._is_closed = True
        self._wake.set()

    async def __anext__(self) -> Change:
        while not self._buffer:
            if self._is_closed:
                raise StopAsyncIteration
            self._wake.clear()
            await self._wake.wait()
        return self._buffer.popleft()


class Broadcast:
    """Readers are forgotten when nobody holds them any more."""

    def __init__(self) -> None:
        self._readers: WeakSet[Changes] = WeakSet()
        self._is_closed = False

    def subscribe(self) -> Changes:
        reader = Changes()
        if self._is_closed:
            reader.close()
        self._readers.add(reader)
        return reader

    def tell(self, change: Change) -> None:
        for reader in self._readers:
            reader.put(change)

    def close(self) -> None:
        self._is_closed = True
        for reader in self._readers:
            reader.close()


class Signal:
    """Wakes one waiting room when a write may have made work for it. Stays set until seen, so none is missed."""

    def __init__(self) -> None:
        self._event = asyncio.Event()

    def set(self) -> None:
        self._event.set()

    async def wait(self, timeout: float) -> None:
        """Returns when set since the last return, or after `timeout` seconds."""
        try:
            async with asyncio.timeout(timeout):
                await self._event.wait()
        except TimeoutError:
            return
        self._event.clear()
