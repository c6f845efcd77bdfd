"""The archive's methods about what alerts watch for, in one SQLite file. See `api.alert.Watching`."""

from __future__ import annotations

from relay.archive import watching
from relay.archive.sqlite.access import SqliteAccess
from relay.model.alert import Rates


class SqliteWatching(SqliteAccess):
    async def rates(self, application: str, since: int) -> Rates:
        async with self._reader() as connection:
            return await watching.rates(connection, application, since)

    async def latest_capture(self, application: str) -> int | None:
        async with self._reader() as connection:
            return await watching.latest_capture(connection, application)
