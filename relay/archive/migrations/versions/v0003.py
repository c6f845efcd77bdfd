"""Routes and reports: what a delivery waits for, who reported its state; what an attempt sent besides the content."""

from __future__ import annotations

from alembic import op

revision = "0003"
down_revision = "0002"

STATEMENTS = (
    "ALTER TABLE delivery ADD COLUMN priority INTEGER NOT NULL DEFAULT 0",
    "ALTER TABLE delivery ADD COLUMN lane TEXT NOT NULL DEFAULT ''",
    "ALTER TABLE delivery ADD COLUMN application TEXT NOT NULL DEFAULT ''",
    "ALTER TABLE delivery ADD COLUMN wanted_upstream TEXT",
    "ALTER TABLE delivery ADD COLUMN original TEXT",
    "ALTER TABLE delivery ADD COLUMN why TEXT",
    "ALTER TABLE delivery ADD COLUMN bounce TEXT",
    "ALTER TABLE delivery ADD COLUMN grade TEXT",
    "ALTER TABLE delivery ADD COLUMN source TEXT",
    "ALTER TABLE delivery ADD COLUMN complained_at INTEGER",
    "ALTER TABLE delivery ADD COLUMN unsubscribed_at INTEGER",
    "ALTER TABLE attempt ADD COLUMN sender TEXT",
    "ALTER TABLE attempt ADD COLUMN signatures TEXT",
    "ALTER TABLE attempt ADD COLUMN provider_id TEXT",
    # Only of what may still be due: whose turn it is matters to nothing else.
    "UPDATE delivery SET application = (SELECT application FROM message WHERE seq = message_seq) "
    "WHERE state IN ('held', 'queued', 'sending', 'deferred', 'unconfirmed')",
    "DROP INDEX delivery_due",
    "CREATE INDEX delivery_due ON delivery (lane, priority, application, due_at) "
    "WHERE due_at IS NOT NULL AND state IN ('queued', 'deferred', 'unconfirmed')",
    "CREATE TABLE repetition (delivery_id TEXT NOT NULL PRIMARY KEY, fingerprint BLOB NOT NULL, "
    "recipient TEXT NOT NULL, application TEXT NOT NULL, created_at INTEGER NOT NULL, expires_at INTEGER NOT NULL)",
    "CREATE INDEX repetition_fingerprint ON repetition (fingerprint, recipient)",
    "CREATE INDEX repetition_expires_at ON repetition (expires_at)",
    "CREATE INDEX attempt_provider_id ON attempt (provider_id) WHERE provider_id IS NOT NULL",
    "CREATE INDEX delivery_complained ON delivery (message_seq) WHERE complained_at IS NOT NULL",
    "CREATE INDEX delivery_unsubscribed ON delivery (message_seq) WHERE unsubscribed_at IS NOT NULL",
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
