"""Reading all messages again: how far it has come. What is promised is in `api/reindexing.py`.

Kept as one small setting: a queue of all messages would be as long as the archive, and new ones would wait behind it.
"""

from __future__ import annotations

import sqlite3

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from relay.archive import reading, schema
from relay.archive.accounts import put_settings, stored_setting
from relay.archive.api.reindexing import Rereading

KEY = "rereading"


def begin(database: sqlite3.Connection, wishes: list[bool]) -> list[int]:
    """Notes what is to be read again; for each, how many messages are left."""
    for anew in wishes:
        if anew or stored_setting(database, KEY) is None:
            (last,) = database.execute("SELECT coalesce(max(seq), 0) FROM message").fetchone()
            _keep(database, Rereading(1, last))
    kept = _of(stored_setting(database, KEY))
    return [kept.left if kept else 0] * len(wishes)


def advance(database: sqlite3.Connection, seqs: list[int]) -> list[None]:
    """Crash before the commit: the messages behind the last one that was noted are read again once more."""
    for seq in seqs:
        now = _of(stored_setting(database, KEY))
        if now is not None:
            _keep(database, Rereading(max(now.next, seq + 1), now.until))
    return [None] * len(seqs)


def _keep(database: sqlite3.Connection, now: Rereading) -> None:
    if now.left > 0:
        put_settings(database, [(KEY, [now.next, now.until])])
    else:
        database.execute("DELETE FROM setting WHERE key = ?", (KEY,))


def _of(value: list[int] | None) -> Rereading | None:
    return None if value is None else Rereading(*value)


async def progress(connection: AsyncConnection) -> Rereading | None:
    return _of(await reading.setting(connection, KEY))


async def following(connection: AsyncConnection, now: Rereading, limit: int) -> list[tuple[int, str, int]]:
    message, deleted = schema.message.c, schema.deletion.c.message_seq
    statement = select(message.seq, message.id, message.size).where(
        message.seq >= now.next, message.seq <= now.until, message.seq.not_in(select(deleted))
    )
    rows = await connection.execute(statement.order_by(message.seq).limit(limit))
    return [(row[0], row[1], row[2]) for row in rows]
