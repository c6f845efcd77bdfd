"""Notifications: what endpoints are to be told, and have been."""

from __future__ import annotations

from alembic import op

revision = "0006"
down_revision = "0005"

STATEMENTS: tuple[str, ...] = (
    """
    CREATE TABLE endpoint (
        name TEXT NOT NULL,
        url TEXT NOT NULL,
        event_seq INTEGER NOT NULL,
        gone_at INTEGER,
        is_failing INTEGER NOT NULL,
        delivered_at INTEGER,
        error TEXT NOT NULL,
        error_at INTEGER,
        PRIMARY KEY (name)
    )
    """,
    """
    CREATE TABLE notification (
        id TEXT NOT NULL,
        endpoint TEXT NOT NULL,
        event_seq INTEGER NOT NULL,
        created_at INTEGER NOT NULL,
        begun_at INTEGER NOT NULL,
        standing TEXT NOT NULL,
        attempts INTEGER NOT NULL,
        due_at INTEGER,
        tried_at INTEGER,
        status INTEGER,
        error TEXT NOT NULL,
        PRIMARY KEY (id)
    )
    """,
    "CREATE UNIQUE INDEX notification_event ON notification (endpoint, event_seq) WHERE event_seq > 0",
    "CREATE INDEX notification_due ON notification (endpoint, due_at) WHERE due_at IS NOT NULL",
    "CREATE INDEX notification_standing ON notification (endpoint, standing, created_at)",
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
