"""The archive's methods about reading all messages again, in one SQLite file. See `api.reindexing.Reindexing`."""

from __future__ import annotations

from relay.archive import reading, reindexing
from relay.archive.api.reindexing import Progress, Rereading
from relay.archive.sqlite.access import SqliteAccess


class SqliteReindexing(SqliteAccess):
    async def progress(self) -> Progress:
        async with self._reader() as connection:
            return await reading.progress(connection)

    async def reindex(self, anew: bool) -> int:
        return await self._write(reindexing.begin, anew, lambda _left: self._captured.set())

    async def rereading(self) -> Rereading | None:
        async with self._reader() as connection:
            return await reindexing.progress(connection)

    async def to_reread(self, limit: int) -> list[tuple[int, str, int]]:
        async with self._reader() as connection:
            now = await reindexing.progress(connection)
            found = await reindexing.following(connection, now, limit) if now is not None else []
        if now is not None and not found:
            # Only deleted ones were left.
            await self.reread(now.until)
        return found

    async def reread(self, seq: int) -> None:
        await self._write(reindexing.advance, seq, is_patient=True)
