"""Noting of which mailing a message is: for the indexer, in the writer. Read by `mailings.py`."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

from relay.model.mailing import is_automatic, mailing_name
from relay.model.summary import Summary

DAY = 24 * 3600 * 1_000_000


def put_mailing(database: sqlite3.Connection, seq: int, summary: Summary, tags: Sequence[str]) -> None:
    """Notes of which mailing the message is; again for the same message: replaces."""
    application, received_at = database.execute(
        "SELECT application, received_at FROM message WHERE seq = ?", (seq,)
    ).fetchone()
    old = database.execute("SELECT mailing FROM mailed WHERE seq = ?", (seq,)).fetchone()
    named, day = mailing_name(summary, tags), received_at // DAY
    mailing = None
    if named is not None:
        mailing = database.execute(
            "INSERT INTO mailing (key, application, day, name, source, messages, last_seq) VALUES (?, ?, ?, ?, ?, 0, ?)"
            " ON CONFLICT (key) DO UPDATE SET last_seq = max(last_seq, excluded.last_seq) RETURNING id",
            (f"{application}\x1f{day}\x1f{named.key}", application, day, named.name, named.source, seq),
        ).fetchone()[0]
    database.execute(
        "INSERT INTO mailed (seq, mailing, is_automatic) VALUES (?, ?, ?)"
        " ON CONFLICT (seq) DO UPDATE SET mailing = excluded.mailing, is_automatic = excluded.is_automatic",
        (seq, mailing, is_automatic(summary)),
    )
    if old is None or old[0] != mailing:
        database.execute("UPDATE mailing SET messages = messages + 1 WHERE id = ?", (mailing,))
        if old is not None and old[0] is not None:
            database.execute("UPDATE mailing SET messages = messages - 1 WHERE id = ?", (old[0],))
            database.execute("DELETE FROM mailing WHERE id = ? AND messages = 0", (old[0],))
