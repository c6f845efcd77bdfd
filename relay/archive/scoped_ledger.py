"""The ledger as someone with a scope sees it: what is nobody's. Of leaves, those of messages within (`scoped.py`).

Hashes and signatures say nothing of a person; the leaves of others say what happened to which message, and are refused.
"""

from __future__ import annotations

from collections.abc import Sequence

from relay.archive.api.ledger import Head, Stamp, StoredCheckpoint
from relay.archive.scoped_figures import ScopedFigures


class ScopedLedger(ScopedFigures):
    async def ledger_head(self) -> Head:
        return await self._archive.ledger_head()

    async def ledger_root(self, size: int) -> bytes:
        return await self._archive.ledger_root(size)

    async def inclusion(self, indices: Sequence[int], size: int) -> list[tuple[bytes, ...]]:
        return await self._archive.inclusion(indices, size)

    async def consistency(self, old: int, new: int) -> tuple[bytes, ...]:
        return await self._archive.consistency(old, new)

    async def latest_checkpoint(self) -> StoredCheckpoint | None:
        return await self._archive.latest_checkpoint()

    async def checkpoints(self, *, after: int = -1, limit: int = 1000) -> list[StoredCheckpoint]:
        return await self._archive.checkpoints(after=after, limit=limit)

    async def stamps(self, *, after: int = -1, limit: int = 1000) -> list[Stamp]:
        return await self._archive.stamps(after=after, limit=limit)

    async def latest_stamps(self) -> list[Stamp]:
        return await self._archive.latest_stamps()
