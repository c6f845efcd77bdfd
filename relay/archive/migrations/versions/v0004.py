"""The suppression list. Entries come and go; that they did is in the journal."""

from __future__ import annotations

from alembic import op

revision = "0004"
down_revision = "0003"

STATEMENTS = (
    """
    CREATE TABLE suppression (
        id TEXT NOT NULL,
        "key" TEXT NOT NULL,
        address TEXT NOT NULL,
        application TEXT NOT NULL,
        cause TEXT NOT NULL,
        reason TEXT NOT NULL,
        created_at INTEGER NOT NULL,
        created_by TEXT NOT NULL,
        expires_at INTEGER,
        message_id TEXT,
        delivery_id TEXT,
        PRIMARY KEY (id)
    )
    """,
    'CREATE UNIQUE INDEX suppression_key ON suppression ("key", application, cause)',
    "CREATE INDEX suppression_created ON suppression (created_at, id)",
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
