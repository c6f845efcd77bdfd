"""Search: what the index needs for millions of messages and for attachments' text."""

from __future__ import annotations

from alembic import op

revision = "0009"
down_revision = "0008"

STATEMENTS: tuple[str, ...] = (
    "ALTER TABLE listing ADD COLUMN author TEXT DEFAULT '' NOT NULL",
    "CREATE INDEX listing_author ON listing (author)",
    # All messages are read again, so that the old ones get what is new.
    "INSERT INTO index_queue (seq) SELECT seq FROM message WHERE true ON CONFLICT DO NOTHING",
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
