"""The guard against duplicates: a batch function for the writer. What it promises is in `api/repetition.py`."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass

from relay.archive.insert import insert
from relay.model.delivery import Delivery

KEPT = 24 * 3600 * 1_000_000
"""Microseconds for which a row outlives its window: deliveries may wait for their turn."""

_COLUMNS = ["delivery_id", "fingerprint", "recipient", "application", "created_at", "expires_at"]
_INSERT = insert("repetition", _COLUMNS, conflict="ON CONFLICT (delivery_id) DO NOTHING")
_EARLIER = (
    "SELECT repetition.delivery_id FROM repetition JOIN delivery ON delivery.id = repetition.delivery_id "
    "WHERE fingerprint = ? AND repetition.recipient = ? AND repetition.application = ? AND delivery_id <> ? "
    "AND abs(repetition.created_at - ?) < ? AND delivery.state NOT IN ('failed', 'cancelled', 'suppressed') "
    "ORDER BY repetition.created_at, delivery_id LIMIT 1"
)


@dataclass(frozen=True, slots=True)
class Asked:
    """The arguments of one `earlier_copies`."""

    fingerprint: bytes
    application: str
    deliveries: Sequence[Delivery]
    window: int
    now: int


def earlier_copies(database: sqlite3.Connection, batches: list[Asked]) -> list[dict[str, str]]:
    """The duplicates of each batch, and with them what they repeat; the others are remembered."""
    return [_earlier(database, asked) for asked in batches]


def _earlier(database: sqlite3.Connection, asked: Asked) -> dict[str, str]:
    database.execute("DELETE FROM repetition WHERE expires_at <= ?", (asked.now,))
    found: dict[str, str] = {}
    for delivery in asked.deliveries:
        key = (
            asked.fingerprint,
            f"{delivery.recipient.address.casefold()}>{delivery.original or ''}",
            asked.application,
        )
        row = database.execute(_EARLIER, (*key, delivery.id, delivery.created_at, asked.window)).fetchone()
        if row is not None:
            found[delivery.id] = row[0]
            continue
        expires_at = max(asked.now, delivery.created_at) + asked.window + KEPT
        database.execute(_INSERT, (delivery.id, *key, delivery.created_at, expires_at))
    return found
