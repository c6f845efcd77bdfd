"""The archive's methods about idempotency keys, in one SQLite file. See `api.idempotency.Idempotency`."""

from __future__ import annotations

from relay.archive import idempotency
from relay.archive.api.idempotency import Claim
from relay.archive.sqlite.access import SqliteAccess


class SqliteIdempotency(SqliteAccess):
    async def claim_key(self, claim: Claim, *, forget_before: int) -> Claim:
        return await self._write(idempotency.claim, idempotency.Claiming(claim, forget_before))

    async def give_up_key(self, claim: Claim) -> None:
        await self._write(idempotency.give_up, claim)
