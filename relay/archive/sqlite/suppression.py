"""The archive's methods about suppression, in one SQLite file. See `api.suppression.Suppressions`."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence

from relay.archive import suppression, suppression_reading
from relay.archive.api.suppression import Selection, SuppressionPage, Unsubscribing
from relay.archive.sqlite.access import SqliteAccess
from relay.model.event import Event
from relay.model.suppression import Suppressed

PORTION = 1000
"""Entries read at a time where all are wanted."""


class SqliteSuppression(SqliteAccess):
    async def add_suppressions(self, entries: Sequence[Suppressed], at: int | None = None) -> int:
        return await self._write(suppression.add_suppressions, suppression.SuppressionAddition(entries, at))

    async def remove_suppressions(self, entry_ids: Sequence[str], events: Sequence[Event]) -> None:
        await self._write(suppression.remove_suppressions, suppression.SuppressionRemoval(entry_ids, events))

    async def suppression(self, entry_id: str) -> Suppressed:
        async with self._reader() as connection:
            return await suppression_reading.entry(connection, entry_id)

    async def suppressions(
        self, selection: Selection, *, cursor: str | None = None, limit: int = 50
    ) -> SuppressionPage:
        async with self._reader() as connection:
            return await suppression_reading.page(connection, selection, cursor, limit)

    async def count_suppressions(self, selection: Selection, *, at_most: int = 10_000) -> int:
        async with self._reader() as connection:
            return await suppression_reading.count(connection, selection, at_most)

    async def all_suppressions(self, selection: Selection) -> AsyncIterator[Suppressed]:
        cursor = None
        # A short read for each portion: a slow download must not hold a snapshot, the WAL could not be emptied.
        while True:
            page = await self.suppressions(selection, cursor=cursor, limit=PORTION)
            for entry in page.entries:
                yield entry
            if page.next is None:
                return
            cursor = page.next

    async def suppressions_of(
        self, addresses: Sequence[str], application: str, now: int
    ) -> dict[str, tuple[Suppressed, ...]]:
        async with self._reader() as connection:
            return await suppression_reading.entries_of(connection, addresses, application, now)

    async def unsubscribing(self, delivery_id: str, now: int) -> Unsubscribing:
        async with self._reader() as connection:
            return await suppression_reading.unsubscribing(connection, delivery_id, now)
