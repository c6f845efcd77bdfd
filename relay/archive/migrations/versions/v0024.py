"""Searches learn from sections of numbers which dates they have, instead of looking at every date between two."""

from __future__ import annotations

from alembic import op

revision = "0024"
down_revision = "0023"

STATEMENTS: tuple[str, ...] = (
    """
    CREATE TABLE section (
        number INTEGER NOT NULL,
        first_at INTEGER NOT NULL,
        last_at INTEGER NOT NULL,
        PRIMARY KEY (number)
    )
    """,
    "INSERT INTO section (number, first_at, last_at)"
    " SELECT seq / 512, min(received_at), max(received_at) FROM message GROUP BY seq / 512",
    "CREATE TRIGGER message_dated AFTER INSERT ON message BEGIN"
    " INSERT INTO section (number, first_at, last_at) VALUES (NEW.seq / 512, NEW.received_at, NEW.received_at)"
    " ON CONFLICT (number) DO UPDATE SET first_at = min(first_at, excluded.first_at),"
    " last_at = max(last_at, excluded.last_at); END",
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
