"""The archive's methods about legal holds and terms, in one SQLite file. See `api.hold.Holds`."""

from __future__ import annotations

from collections.abc import Sequence

from relay.archive import holds
from relay.archive.sqlite.ledger import SqliteLedger
from relay.model.event import Event
from relay.model.hold import Hold


class SqliteHolds(SqliteLedger):
    async def make_hold(self, hold: Hold, event: Event) -> bool:
        return await self._write(holds.make_holds, holds.Making(hold, event))

    async def place_hold(self, hold_id: str, message_ids: Sequence[str], events: Sequence[Event]) -> list[str]:
        return await self._write(holds.place_holds, holds.Placing(hold_id, message_ids, events))

    async def lift_hold(self, hold_id: str, message_ids: Sequence[str], events: Sequence[Event]) -> list[str]:
        return await self._write(holds.place_holds, holds.Placing(hold_id, message_ids, events, is_lifted=True))

    async def end_hold(self, hold_id: str, event: Event) -> bool:
        return await self._write(holds.end_holds, holds.Ending(hold_id, event))

    async def hold(self, hold_id: str) -> Hold:
        return await self._ask(lambda database: holds.hold(database, hold_id))

    async def holds(self, *, only_open: bool) -> list[Hold]:
        return await self._ask(lambda database: holds.holds(database, only_open))

    async def holds_of(self, message_id: str) -> list[Hold]:
        return await self._ask(lambda database: holds.holds_of(database, message_id))

    async def held_messages(self, hold_id: str, *, after: str = "", limit: int = 1000) -> list[str]:
        return await self._ask(lambda database: holds.held_messages(database, hold_id, after, limit))

    async def use_term(self, seconds: int, event: Event) -> bool:
        return await self._write(holds.use_terms, holds.Term(seconds, event))

    async def term(self) -> int:
        return await self._ask(holds.term)
