"""The archive's methods about imported mail, in one SQLite file. See `api.importing.Imports`."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from collections.abc import Sequence
from typing import TYPE_CHECKING

from relay.archive.api import Capture
from relay.archive.spool import read_spool
from relay.archive.sqlite.ledger import SqliteLedger

if TYPE_CHECKING:
    from relay.archive.api import StoredContent
    from relay.model.delivery import Delivery
    from relay.model.event import Event
    from relay.model.message import Message

_KNOWN = "SELECT id FROM message WHERE id IN (SELECT value FROM json_each(?))"


class SqliteImports(SqliteLedger):
    if TYPE_CHECKING:

        async def add_message(
            self, message: Message, content: StoredContent, deliveries: Sequence[Delivery], events: Sequence[Event]
        ) -> None: ...

    async def known_messages(self, ids: Sequence[str]) -> list[str]:
        def known(database: sqlite3.Connection) -> list[str]:
            return [row[0] for row in database.execute(_KNOWN, (json.dumps(list(ids)),))]

        return await self._ask(known)

    async def add_imported(self, captures: Sequence[Capture]) -> int:
        known = set(await self.known_messages([one.message.id for one in captures]))
        new = {one.message.id: one for one in captures if one.message.id not in known}
        # All at once: they share one commit, or a few.
        await asyncio.gather(
            *(self.add_message(one.message, one.content, one.deliveries, one.events) for one in new.values())
        )
        return len(new)

    async def add_spooled(self, name: str) -> int:
        return await self.add_imported(await asyncio.to_thread(read_spool, self._path.parent, name))
