"""The indexer: brings captured messages into grid and search, after the 250 and behind everything urgent.

Catches up after a start, takes messages in order of capture and one content at a time. A message that `extract`
fails on is listed by its envelope, with the reason as its defect. Does not read MIME itself.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from relay import maillog
from relay.archive.api import Archive, ArchiveError, ArchiveUnavailable
from relay.lasting import Lasting
from relay.model.summary import Summary

LOOK_AHEAD = 50
"""Messages looked up at a time."""
BATCH = 8
"""Messages written in one transaction: it may stand before a 250 for that long."""
BATCH_TEXT = 256 * 1024
"""Characters after which a batch is written though it is not full."""
EXTRACT_TIMEOUT = 60.0
"""Seconds for one message."""
IDLE = 30.0
"""Seconds after which the indexer looks even if nobody woke it."""
PAUSE = 1.0
"""Seconds before it tries again after the archive failed."""

Extract = Callable[[bytes], Awaitable[Summary]]


class Indexer:
    """`extract` is called with the verbatim content; where it runs (a worker process) is the caller's business."""

    def __init__(self, archive: Archive, extract: Extract, *, timeout: float = EXTRACT_TIMEOUT) -> None:
        self._archive = archive
        self._extract = extract
        self._timeout = timeout
        self._task = Lasting("indexer")

    async def start(self) -> None:
        self._task.start(self._run())

    async def stop(self) -> None:
        """Stops between or within messages; what is not indexed is found again at the next start."""
        await self._task.stop()

    async def _run(self) -> None:
        while True:
            try:
                if not await self._index_waiting():
                    await self._archive.wait_for_unindexed(IDLE)
            except Exception as error:
                # The top of the room: whatever went wrong, messages must go on being listed.
                maillog.room_failed("indexer", error)
                await asyncio.sleep(PAUSE)

    async def _index_waiting(self) -> int:
        """Indexes the next messages and returns how many there were."""
        waiting = await self._archive.unindexed(LOOK_AHEAD)
        batch: list[tuple[str, Summary]] = []
        text = 0
        for _, message_id, _ in waiting:
            summary = await self._summary(message_id)
            batch.append((message_id, summary))
            text += len(summary.body_text) + len(summary.header_text)
            if len(batch) == BATCH or text >= BATCH_TEXT:
                await self._write(batch)
                batch, text = [], 0
        if batch:
            await self._write(batch)
        return len(waiting)

    async def _write(self, batch: list[tuple[str, Summary]]) -> None:
        """One transaction; if a summary of it cannot be stored, that message gets one that can."""
        try:
            await self._archive.add_summaries(batch)
        except ArchiveUnavailable:
            raise
        except ArchiveError as error:
            if len(batch) > 1:
                for item in batch:
                    await self._write([item])
                return
            maillog.room_failed("indexer", error)
            await self._archive.add_summaries([(batch[0][0], _unread(f"not stored: {error}"))])

    async def _summary(self, message_id: str) -> Summary:
        """What extract says, or only a defect: a content nothing can read must still be listed."""
        try:
            content = await self._archive.content(message_id)
            async with asyncio.timeout(self._timeout):
                return await self._extract(content)
        except ArchiveUnavailable:
            raise
        except TimeoutError:
            return _unread(f"not read: took more than {self._timeout:g} seconds")
        except Exception as error:
            maillog.room_failed("indexer", error)
            return _unread(f"not read: {type(error).__name__}: {error}")


def _unread(reason: str) -> Summary:
    return Summary(defects=(reason[:500].encode("utf-8", "replace").decode(),))
