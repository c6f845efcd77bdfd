"""Legal holds as someone with a scope sees them: those of messages within. What concerns all messages is refused."""

from __future__ import annotations

from relay.archive.scoped_ledger import ScopedLedger


class ScopedHolds(ScopedLedger):
    async def term(self) -> int:
        return await self._archive.term()
