"""The archive's methods about what waits, in one SQLite file. See `api.waiting.WaitingQueue`."""

from __future__ import annotations

from collections.abc import Sequence

from relay.archive import waiting
from relay.archive.api.waiting import EVERYTHING, WaitingFilter, WaitingGroup, WaitingPage, WaitingRow
from relay.archive.query import Query
from relay.archive.sqlite.access import SqliteAccess


class SqliteWaiting(SqliteAccess):
    async def waiting(self, wanted: WaitingFilter, *, cursor: str | None = None, limit: int = 50) -> WaitingPage:
        async with self._reader() as connection:
            return await waiting.page(connection, wanted, cursor, limit)

    async def waiting_count(self, wanted: WaitingFilter, *, at_most: int = 10_000) -> int:
        async with self._reader() as connection:
            return await waiting.count(connection, wanted, at_most)

    async def waiting_groups(self, query: Query = EVERYTHING) -> list[WaitingGroup]:
        async with self._reader() as connection:
            return await waiting.groups(connection, query)

    async def waiting_of(self, delivery_ids: Sequence[str]) -> list[WaitingRow]:
        async with self._reader() as connection:
            return await waiting.of(connection, delivery_ids)
