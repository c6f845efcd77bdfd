"""The archive's methods about the ledger, in one SQLite file. See `api.ledger.Ledger`."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from typing import TypeVar

from relay.archive import checkpoints, ledger_reading
from relay.archive.api.ledger import Head, Stamp, StoredCheckpoint, StoredLeaf
from relay.archive.readers import reader_of
from relay.archive.sqlite.access import SqliteAccess
from relay.model.event import Event

Answer = TypeVar("Answer")


class SqliteLedger(SqliteAccess):
    async def ledger_head(self) -> Head:
        return await self._ask(ledger_reading.head)

    async def ledger_root(self, size: int) -> bytes:
        return await self._ask(lambda database: ledger_reading.root(database, size))

    async def inclusion(self, indices: Sequence[int], size: int) -> list[tuple[bytes, ...]]:
        return await self._ask(lambda database: ledger_reading.inclusion(database, indices, size))

    async def consistency(self, old: int, new: int) -> tuple[bytes, ...]:
        return await self._ask(lambda database: ledger_reading.consistency(database, old, new))

    async def leaves_of(self, message_id: str) -> list[StoredLeaf]:
        return await self._ask(lambda database: ledger_reading.leaves_of(database, message_id))

    async def leaves_at(self, indices: Sequence[int]) -> list[StoredLeaf]:
        return await self._ask(lambda database: ledger_reading.leaves_at(database, indices))

    async def tile(self, level: int, number: int, width: int) -> bytes:
        return await self._ask(lambda database: ledger_reading.tile(database, level, number, width))

    async def ledger_entries(self, start: int, count: int) -> list[bytes]:
        return await self._ask(lambda database: ledger_reading.entries(database, start, count))

    async def add_checkpoint(self, checkpoint: StoredCheckpoint, event: Event | None = None) -> None:
        await self._write(checkpoints.add_checkpoints, checkpoints.Kept(checkpoint, event))

    async def latest_checkpoint(self) -> StoredCheckpoint | None:
        return await self._ask(ledger_reading.latest_checkpoint)

    async def checkpoints(self, *, after: int = -1, limit: int = 1000) -> list[StoredCheckpoint]:
        return await self._ask(lambda database: ledger_reading.checkpoints(database, after, limit))

    async def add_stamp(self, stamp: Stamp, event: Event | None = None) -> None:
        await self._write(checkpoints.add_stamps, checkpoints.Kept(stamp, event))

    async def stamps(self, *, after: int = -1, limit: int = 1000) -> list[Stamp]:
        return await self._ask(lambda database: ledger_reading.stamps(database, after, limit))

    async def latest_stamps(self) -> list[Stamp]:
        return await self._ask(ledger_reading.latest_stamps)

    async def _ask(self, question: Callable[[sqlite3.Connection], Answer]) -> Answer:
        """The answer from one snapshot. In the reader's own thread: a path through the tree asks many times."""
        async with self._reader() as connection:
            return await (await reader_of(connection)).ask(question)
