"""A lasting task: what a room does from its start until it is stopped, whatever that is.

Knows nothing of rooms. What goes wrong within is the room's business: what it runs does not return and does not raise.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine


class Lasting:
    """One task, of that name in the event loop's lists; none before `start` and after `stop`."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._task: asyncio.Task[None] | None = None

    def start(self, run: Coroutine[None, None, None]) -> None:
        self._task = asyncio.create_task(run, name=self._name)

    async def stop(self) -> None:
        """Returns when it has ended, wherever it was; at once where there is none."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
