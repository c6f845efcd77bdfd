"""Tracking: tokens, and the fetches of them. Facts stay; the verdict on a fetch and a flood's count may change."""

from __future__ import annotations

from alembic import op

revision = "0002"
down_revision = "0001"

STATEMENTS = (
    """
    CREATE TABLE token (
        id TEXT NOT NULL,
        delivery_id TEXT NOT NULL,
        message_seq INTEGER NOT NULL,
        kind TEXT NOT NULL,
        created_at INTEGER NOT NULL,
        part INTEGER NOT NULL,
        url TEXT NOT NULL,
        PRIMARY KEY (id),
        FOREIGN KEY(delivery_id) REFERENCES delivery (id),
        FOREIGN KEY(message_seq) REFERENCES message (seq)
    )
    """,
    "CREATE INDEX token_message ON token (message_seq)",
    "CREATE INDEX token_delivery ON token (delivery_id, kind)",
    """
    CREATE TABLE fetch (
        id TEXT NOT NULL,
        token_id TEXT NOT NULL,
        delivery_id TEXT NOT NULL,
        message_seq INTEGER NOT NULL,
        kind TEXT NOT NULL,
        at INTEGER NOT NULL,
        method TEXT NOT NULL,
        address TEXT NOT NULL,
        network TEXT NOT NULL,
        user_agent TEXT NOT NULL,
        signals TEXT NOT NULL,
        verdict TEXT NOT NULL,
        reason TEXT NOT NULL,
        rules_version INTEGER NOT NULL,
        count INTEGER NOT NULL,
        hour INTEGER,
        last_id TEXT,
        PRIMARY KEY (id),
        FOREIGN KEY(token_id) REFERENCES token (id)
    )
    """,
    "CREATE INDEX fetch_token ON fetch (token_id, verdict, hour)",
    "CREATE INDEX fetch_delivery ON fetch (delivery_id, at)",
    "CREATE INDEX fetch_kind ON fetch (kind, verdict, message_seq)",
    """
    CREATE TRIGGER token_refuses_update BEFORE UPDATE ON token
        BEGIN SELECT RAISE(ABORT, 'token: facts are only added'); END
    """,
    """
    CREATE TRIGGER token_refuses_delete BEFORE DELETE ON token
        BEGIN SELECT RAISE(ABORT, 'token: facts are only added'); END
    """,
    """
    CREATE TRIGGER fetch_refuses_update
        BEFORE UPDATE OF id, token_id, delivery_id, message_seq, kind, at, method, address, network, user_agent,
        signals, hour ON fetch
        BEGIN SELECT RAISE(ABORT, 'fetch: facts are only added'); END
    """,
    """
    CREATE TRIGGER fetch_refuses_fewer BEFORE UPDATE OF count ON fetch WHEN new.count < old.count
        BEGIN SELECT RAISE(ABORT, 'fetch: facts are only added'); END
    """,
    """
    CREATE TRIGGER fetch_refuses_delete BEFORE DELETE ON fetch
        BEGIN SELECT RAISE(ABORT, 'fetch: facts are only added'); END
    """,
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
