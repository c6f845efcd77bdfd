"""Legal holds as someone with a scope sees them: those of messages within. What concerns all messages is refused."""

from __future__ import annotations

from relay.archive.scoped_ledger import ScopedLedger
from relay.model.hold import Hold


class ScopedHolds(ScopedLedger):
    async def holds_of(self, message_id: str) -> list[Hold]:
        return await self._archive.holds_of(message_id) if await self.within([message_id]) else []

    async def term(self) -> int:
        return await self._archive.term()
