"""Copies of messages that an archive has, row by row in SQL, so that a million take minutes: for measuring only.

Each copy has ids, dates and codes of its own; words, people and fates are those of the first. Counts that triggers keep
for reports are left out. `seal` gives the log its leaves.
"""

from __future__ import annotations

import hashlib
import re
import sqlite3

from relay.archive.leaves import append_missing
from relay.archive.rows import decompress

IDS = frozenset(
    {
        *("id", "parent_id", "message_id", "delivery_id", "token_id", "payload_id", "event_key", "provider_id"),
        "named_delivery",
    }
)
ID = re.compile(r'"([0-9A-HJKMNP-TV-Z]{10})0([0-9A-HJKMNP-TV-Z]{15})"')
TIMES = frozenset(
    {"at", "received_at", "created_at", "began_at", "finished_at", "due_at", "hour", "complained_at", "unsubscribed_at"}
)
TABLES = {
    "message": "seq",
    "content": "message_seq",
    "delivery": "message_seq",
    "attempt": "message_seq",
    "token": "message_seq",
    "fetch": "message_seq",
    "listing": "seq",
    "summary": "seq",
    "message_tag": "seq",
    "message_reference": "seq",
    "mailed": "seq",
    "document": "seq",
}
"""And the column that says of which message a row is."""
CODES = frozenset({"subject", "body", "headers", "filenames", "reference_codes", "code", "snippet", "subject_key"})
STEP = 10_000
DIGITS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Of a ULID: the most copies."""


def multiply(connection: sqlite3.Connection, copy: int, count: int, later: int) -> None:
    """Adds a copy of messages 1 to `count`, numbered from `copy * count` on and `later` microseconds later."""
    triggers = connection.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger' AND name GLOB 'figure*'")
    kept = triggers.fetchall()
    for name, _ in kept:
        connection.execute(f"DROP TRIGGER {name}")
    for start in range(0, count, STEP):
        connection.execute("BEGIN IMMEDIATE")
        for table, key in TABLES.items():
            statement = _statement(connection, table, key, copy, count, later)
            connection.execute(statement, (start, min(start + STEP, count)))
        _payloads(connection, copy, count, later, start)
        connection.execute(
            _statement(connection, "report", "message_seq", copy, count, later), (start, min(start + STEP, count))
        )
        _events(connection, copy, count, later, start)
        connection.execute("COMMIT")
    for _, statement in kept:
        connection.execute(statement)


def seal(connection: sqlite3.Connection) -> None:
    """Adds the leaves of all events that were copied, and to mailings the messages that were."""
    connection.execute("BEGIN IMMEDIATE")
    connection.execute(
        "UPDATE mailing SET (messages, last_seq) = (SELECT count(*), coalesce(max(seq), last_seq) FROM mailed"
        " WHERE mailed.mailing = mailing.id)"
    )
    append_missing(connection)
    connection.execute("COMMIT")


def _payloads(connection: sqlite3.Connection, copy: int, count: int, later: int, start: int) -> None:
    """Told apart by what stands for a return address."""

    def digest(body: bytes) -> bytes:
        return hashlib.sha256(DIGITS[copy].encode() + b"\0" + decompress(body)).digest()

    connection.create_function("digest_of_copy", 1, digest)
    columns = [str(row[1]) for row in connection.execute("PRAGMA table_info(payload)")]
    special = {"digest": "digest_of_copy(body)", "return_token": f"'{DIGITS[copy]}'", "body": "body"}
    values = [special.get(column) or _value(column, "", copy, count, later) for column in columns]
    connection.execute(
        f"INSERT INTO payload ({', '.join(columns)}) SELECT {', '.join(values)} FROM payload"
        " WHERE id IN (SELECT payload_id FROM report WHERE message_seq > ? AND message_seq <= ?)",
        (start, min(start + STEP, count)),
    )


def _statement(connection: sqlite3.Connection, table: str, key: str, copy: int, count: int, later: int) -> str:
    columns = [str(row[1]) for row in connection.execute(f"PRAGMA table_info({table})")]
    shown = ", ".join(f'"{column}"' for column in columns)
    values = ", ".join(_value(column, key, copy, count, later) for column in columns)
    return f"INSERT INTO {table} ({shown}) SELECT {values} FROM {table} WHERE {key} > ? AND {key} <= ?"


def _value(column: str, key: str, copy: int, count: int, later: int) -> str:
    if column == key:
        return f"{column} + {copy * count}"
    if column in IDS:
        # The first character after a ULID's time.
        return f'substr("{column}", 1, length("{column}") - 16) || \'{DIGITS[copy]}\' || substr("{column}", -15)'
    if column in TIMES:
        return f'"{column}" + {later}'
    if column in CODES:
        # Letter n, which is message n + 1, has the code 100000 + n.
        return f'replace("{column}", {key} + 99999, {key} + {99_999 + copy * count})'
    return f'"{column}"'


def _events(connection: sqlite3.Connection, copy: int, count: int, later: int, start: int) -> None:
    columns = [str(row[1]) for row in connection.execute("PRAGMA table_info(event)")]
    (last,) = connection.execute("SELECT max(seq) FROM event").fetchone()
    values = [_value(column, "", copy, count, later) for column in columns]
    connection.create_function("of_copy", 1, lambda data: ID.sub(rf'"\g<1>{DIGITS[copy]}\g<2>"', data))
    values[columns.index("data")] = "of_copy(data)"
    values[columns.index("seq")] = f"{last} + row_number() OVER (ORDER BY event.seq)"
    connection.execute(
        f"INSERT INTO event ({', '.join(columns)}) SELECT {', '.join(values)} FROM event"
        # Not those whose id is a hash: it tells them apart from nothing. What a copy would suppress is suppressed.
        " WHERE substr(id, -16, 1) = '0' AND kind <> 'suppression-added'"
        " AND message_id IN (SELECT id FROM message WHERE seq > ? AND seq <= ?)",
        (start, min(start + STEP, count)),
    )
