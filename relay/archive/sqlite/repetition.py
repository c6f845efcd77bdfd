"""The archive's method about duplicates, in one SQLite file. See `api.repetition.Repetitions`."""

from __future__ import annotations

from collections.abc import Sequence

from relay.archive import repetition
from relay.archive.sqlite.access import SqliteAccess
from relay.model.delivery import Delivery


class SqliteRepetitions(SqliteAccess):
    async def earlier_copies(
        self, fingerprint: bytes, application: str, deliveries: Sequence[Delivery], *, window: int, now: int
    ) -> dict[str, str]:
        asked = repetition.Asked(fingerprint, application, deliveries, window, now)
        return await self._write(repetition.earlier_copies, asked)
