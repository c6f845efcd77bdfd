"""Waiting for a condition with a deadline, in place of sleeping."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable


async def until(condition: Callable[[], bool], *, seconds: float = 10.0) -> None:
    """Returns once `condition()` holds; raises TimeoutError after `seconds`."""
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.002)


def wait_until(condition: Callable[[], object], limit: float = 20.0) -> None:
    """As `until`, for tests without an event loop; after `limit` seconds AssertionError, with the last look."""
    deadline = time.monotonic() + limit
    while not (found := condition()):
        assert time.monotonic() < deadline, f"it did not happen in {limit:.0f} s: the last look gave {found!r}"
        time.sleep(0.02)
