"""Counts what changed, behind the commits: follows the journal, and counts each day again on which something did.

The figures of the reports may lag; nothing else waits for them. A long day is counted less often: counting takes a
tenth of the time at most.
"""

from __future__ import annotations

import asyncio

from relay import maillog
from relay.archive.api import Archive
from relay.lasting import Lasting

LOOK = 2.0
"""Seconds between two looks at the journal."""
PORTION = 5000
"""Events looked at at a time."""
BREATH = 0.02
"""Seconds at least between two days."""
SHARE = 10
"""After counting it rests for so many times as long as that took."""
RETRY = 5.0
"""Seconds after which an archive that failed is asked again."""


class Counting:
    """Keeps the archive's figures."""

    def __init__(self, archive: Archive, *, look: float = LOOK) -> None:
        self._archive = archive
        self._look = look
        self._task = Lasting("figures")

    async def start(self) -> None:
        self._task.start(self._run())

    async def stop(self) -> None:
        """Stops at once; what was not counted is found again at the next start."""
        await self._task.stop()

    async def _run(self) -> None:
        while True:
            try:
                await self.catch_up()
                await asyncio.sleep(self._look)
            except Exception as error:
                # The top of the room: reports that lag must not end it.
                maillog.room_failed("figures", error)
                await asyncio.sleep(RETRY)

    async def catch_up(self) -> None:
        """Counts every day of which something has changed, once."""
        has_more = True
        while has_more:
            has_more = await self._archive.look_for_changes(PORTION)
        loop = asyncio.get_running_loop()
        for day in await self._archive.days_to_count():
            began = loop.time()
            await self._archive.count_day(day)
            await asyncio.sleep(max(BREATH, SHARE * (loop.time() - began)))
