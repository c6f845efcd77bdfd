"""The ledger: a leaf for each event, in the order of the journal, and what is signed about them."""

from __future__ import annotations

import hashlib
import sqlite3
from typing import cast

from alembic import op

from relay.archive.leaves import append_missing
from relay.archive.rows import decompress

revision = "0016"
down_revision = "0015"

STATEMENTS: tuple[str, ...] = (
    "ALTER TABLE payload ADD COLUMN body_sha256 BLOB",
    "ALTER TABLE payload ADD COLUMN body_size INTEGER",
    """
    CREATE TABLE leaf (
        seq INTEGER NOT NULL,
        hash BLOB NOT NULL,
        commitment BLOB NOT NULL,
        salt BLOB,
        PRIMARY KEY (seq),
        FOREIGN KEY(seq) REFERENCES event (seq)
    )
    """,
    """
    CREATE TABLE node (
        level INTEGER NOT NULL,
        number INTEGER NOT NULL,
        hash BLOB NOT NULL,
        PRIMARY KEY (level, number)
    ) WITHOUT ROWID
    """,
    "CREATE TABLE tree (size INTEGER NOT NULL, peaks BLOB NOT NULL)",
    "INSERT INTO tree VALUES (0, x'')",
    """
    CREATE TABLE checkpoint (
        size INTEGER NOT NULL,
        at INTEGER NOT NULL,
        note TEXT NOT NULL,
        PRIMARY KEY (size)
    )
    """,
    """
    CREATE TABLE stamp (
        size INTEGER NOT NULL,
        authority TEXT NOT NULL,
        at INTEGER NOT NULL,
        note TEXT NOT NULL,
        response BLOB NOT NULL,
        chain BLOB NOT NULL,
        PRIMARY KEY (size, authority),
        FOREIGN KEY(size) REFERENCES checkpoint (size)
    )
    """,
    "CREATE TRIGGER leaf_refuses_update BEFORE UPDATE ON leaf WHEN new.salt IS NOT NULL "
    "OR new.seq <> old.seq OR new.hash <> old.hash OR new.commitment <> old.commitment "
    "BEGIN SELECT RAISE(ABORT, 'leaf: facts are only added'); END",
    *(
        f"CREATE TRIGGER {table}_refuses_{verb.lower()} BEFORE {verb} ON {table} "
        f"BEGIN SELECT RAISE(ABORT, '{table}: facts are only added'); END"
        for table, verb in (
            ("leaf", "DELETE"),
            ("node", "UPDATE"),
            ("node", "DELETE"),
            ("tree", "DELETE"),
            ("checkpoint", "DELETE"),
            ("stamp", "UPDATE"),
            ("stamp", "DELETE"),
        )
    ),
    "CREATE TRIGGER checkpoint_refuses_update BEFORE UPDATE OF size, at ON checkpoint "
    "BEGIN SELECT RAISE(ABORT, 'checkpoint: facts are only added'); END",
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
    database = cast(sqlite3.Connection, op.get_bind().connection.driver_connection)
    for id_, body in database.execute("SELECT id, body FROM payload WHERE length(body) > 0").fetchall():
        octets = decompress(body)
        values = (hashlib.sha256(octets).digest(), len(octets), id_)
        database.execute("UPDATE payload SET body_sha256 = ?, body_size = ? WHERE id = ?", values)
    append_missing(database)
