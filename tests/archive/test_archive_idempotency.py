"""Which message a key stands for."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

from relay.archive.api.idempotency import Claim
from tests.support.fresh import open_archive

FIRST = Claim("application:shop", "order-1", b"a" * 32, "01J00000000000000000000001", 1000)


async def test_the_first_claim_of_a_key_stays_until_it_is_forgotten_or_given_up(tmp_path: Path) -> None:
    archive = await open_archive(f"sqlite:///{tmp_path / 'archive.db'}")
    try:
        second = replace(FIRST, digest=b"b" * 32, message_id="01J00000000000000000000002", created_at=2000)
        assert await archive.claim_key(FIRST, forget_before=0) == FIRST
        assert await archive.claim_key(second, forget_before=0) == FIRST
        other = replace(second, owner="user:ann")
        assert await archive.claim_key(other, forget_before=0) == other
        await archive.give_up_key(second)
        assert await archive.claim_key(second, forget_before=0) == FIRST
        await archive.give_up_key(FIRST)
        assert await archive.claim_key(second, forget_before=0) == second
        assert await archive.claim_key(FIRST, forget_before=2001) == FIRST
    finally:
        await archive.close()


async def test_of_many_claims_at_once_one_is_first(tmp_path: Path) -> None:
    archive = await open_archive(f"sqlite:///{tmp_path / 'archive.db'}")
    try:
        claims = [replace(FIRST, message_id=f"01J{number:023}") for number in range(50)]
        found = await asyncio.gather(*(archive.claim_key(claim, forget_before=0) for claim in claims))
        assert len({claim.message_id for claim in found}) == 1
    finally:
        await archive.close()
