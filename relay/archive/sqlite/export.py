"""The archive's methods about handing messages over, in one SQLite file. See `api.export.Exports`."""

from __future__ import annotations

from collections.abc import Sequence

from relay.archive import search, whole
from relay.archive.api import StoredMessage
from relay.archive.api.export import Whole
from relay.archive.query import Query
from relay.archive.sqlite.ledger import SqliteLedger

LIMIT = 120.0
"""Seconds for finding the next messages: nobody waits, and giving up would mean no export at all."""


class SqliteExports(SqliteLedger):
    async def message(self, message_id: str) -> StoredMessage:
        return await self._ask(lambda database: whole.stored_message(database, self._vault, message_id))

    async def captured(self, query: Query, *, after: int, until: int, limit: int) -> list[tuple[int, str]]:
        async with self._reader(LIMIT) as connection:
            return await search.captured(connection, query, after, until, limit)

    async def whole(self, message_ids: Sequence[str], most: int) -> list[Whole]:
        return await self._ask(lambda database: whole.whole(database, self._vault, message_ids, most))
