"""Idempotency keys: batch functions for the writer. What they promise is in `api/idempotency.py`."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass

from relay.archive.api.idempotency import Claim
from relay.archive.insert import insert

_COLUMNS = ["owner", "key", "digest", "message_id", "created_at"]
_INSERT = insert("idempotency", _COLUMNS, conflict="ON CONFLICT (owner, key) DO NOTHING")


@dataclass(frozen=True, slots=True)
class Claiming:
    """The arguments of one `claim_key`."""

    claim: Claim
    forget_before: int


def claim(database: sqlite3.Connection, claimings: list[Claiming]) -> list[Claim]:
    return [_claim(database, claiming) for claiming in claimings]


def _claim(database: sqlite3.Connection, claiming: Claiming) -> Claim:
    wanted = claiming.claim
    database.execute("DELETE FROM idempotency WHERE created_at < ?", (claiming.forget_before,))
    values = (wanted.owner, wanted.key, wanted.digest, wanted.message_id, wanted.created_at)
    database.execute(_INSERT, values)
    digest, message_id, created_at = database.execute(
        "SELECT digest, message_id, created_at FROM idempotency WHERE owner = ? AND key = ?", (wanted.owner, wanted.key)
    ).fetchone()
    return Claim(wanted.owner, wanted.key, digest, message_id, created_at)


def give_up(database: sqlite3.Connection, claims: list[Claim]) -> list[None]:
    database.executemany(
        "DELETE FROM idempotency WHERE owner = ? AND key = ? AND message_id = ?",
        [(claim.owner, claim.key, claim.message_id) for claim in claims],
    )
    return [None] * len(claims)
