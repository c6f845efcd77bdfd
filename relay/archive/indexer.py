"""The indexer: brings captured messages into grid and search, after the 250 and behind everything urgent.

Catches up after a start, takes messages in order of capture and one content at a time. A message that `extract`
fails on is listed by its envelope, with the reason as its defect. Does not read MIME itself.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress

from relay import maillog
from relay.archive.api import Archive, ArchiveError
from relay.model.summary import Summary

BATCH = 50
"""Messages looked up at a time."""
EXTRACT_TIMEOUT = 60.0
"""Seconds for one message."""
IDLE = 30.0
"""Seconds after which the indexer looks even if nobody woke it."""
PAUSE = 1.0
"""Seconds before it tries again after the archive failed."""


class Indexer:
    """`extract` is called with the verbatim content; where it runs (a worker process) is the caller's business."""

    def __init__(
        self,
        archive: Archive,
        extract: Callable[[bytes], Awaitable[Summary]],
        *,
        timeout: float = EXTRACT_TIMEOUT,
    ) -> None:
        self._archive = archive
        self._extract = extract
        self._timeout = timeout
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        self._task = asyncio.create_task(self._run(), name="indexer")

    async def stop(self) -> None:
        """Stops between or within messages; what is not indexed is found again at the next start."""
        if self._task is None:
            return
        self._task.cancel()
        with suppress(asyncio.CancelledError):
            await self._task
        self._task = None

    async def _run(self) -> None:
        while True:
            try:
                waiting = await self._archive.unindexed(BATCH)
                for _, message_id, _ in waiting:
                    await self._index(message_id)
                if not waiting:
                    await self._archive.wait_for_unindexed(IDLE)
            except ArchiveError as error:
                maillog.room_failed("indexer", error)
                await asyncio.sleep(PAUSE)

    async def _index(self, message_id: str) -> None:
        await self._archive.add_summaries([(message_id, await self._summary(message_id))])

    async def _summary(self, message_id: str) -> Summary:
        """What extract says, or only a defect: a content nothing can read must still be listed."""
        try:
            content = await self._archive.content(message_id)
            async with asyncio.timeout(self._timeout):
                return await self._extract(content)
        except TimeoutError:
            return Summary(defects=(f"not read: took more than {self._timeout:g} seconds",))
        except Exception as error:
            maillog.room_failed("indexer", error)
            return Summary(defects=(f"not read: {type(error).__name__}: {error}"[:500],))
