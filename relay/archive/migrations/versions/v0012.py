"""Idempotency keys of messages sent by HTTP."""

from __future__ import annotations

from alembic import op

revision = "0012"
down_revision = "0011"

STATEMENTS: tuple[str, ...] = (
    """
    CREATE TABLE idempotency (
        owner TEXT NOT NULL,
        "key" TEXT NOT NULL,
        digest BLOB NOT NULL,
        message_id TEXT NOT NULL,
        created_at INTEGER NOT NULL,
        PRIMARY KEY (owner, "key")
    )
    """,
    "CREATE INDEX idempotency_created ON idempotency (created_at)",
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
