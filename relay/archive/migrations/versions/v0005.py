"""Payloads and reports: what came back, and what it says of which delivery."""

from __future__ import annotations

from alembic import op

revision = "0005"
down_revision = "0004"

STATEMENTS: tuple[str, ...] = (
    """
    CREATE TABLE payload (
        id TEXT NOT NULL,
        received_at INTEGER NOT NULL,
        source TEXT NOT NULL,
        grade TEXT NOT NULL,
        verdict TEXT NOT NULL,
        headers TEXT NOT NULL,
        peer TEXT NOT NULL,
        return_token TEXT NOT NULL,
        nonce TEXT NOT NULL,
        digest BLOB NOT NULL,
        is_mapped INTEGER NOT NULL,
        problem TEXT NOT NULL,
        body BLOB NOT NULL,
        PRIMARY KEY (id)
    )
    """,
    "CREATE UNIQUE INDEX payload_digest ON payload (source, digest)",
    "CREATE UNIQUE INDEX payload_nonce ON payload (source, nonce) WHERE nonce <> ''",
    "CREATE INDEX payload_received ON payload (received_at)",
    "CREATE INDEX payload_unmapped ON payload (id) WHERE is_mapped = 0",
    """
    CREATE TABLE report (
        id TEXT NOT NULL,
        payload_id TEXT NOT NULL,
        source TEXT NOT NULL,
        event_key TEXT NOT NULL,
        at INTEGER NOT NULL,
        kind TEXT NOT NULL,
        recipient TEXT NOT NULL,
        named_delivery TEXT NOT NULL,
        named_message TEXT NOT NULL,
        provider_id TEXT NOT NULL,
        header_message_id TEXT NOT NULL,
        bounce TEXT,
        status TEXT NOT NULL,
        diagnostic TEXT NOT NULL,
        explanation TEXT NOT NULL,
        action TEXT NOT NULL,
        is_machine INTEGER,
        detail TEXT NOT NULL,
        message_seq INTEGER,
        delivery_id TEXT,
        address_key TEXT,
        PRIMARY KEY (id),
        FOREIGN KEY(payload_id) REFERENCES payload (id),
        FOREIGN KEY(message_seq) REFERENCES message (seq),
        FOREIGN KEY(delivery_id) REFERENCES delivery (id)
    )
    """,
    "CREATE UNIQUE INDEX report_event_key ON report (source, event_key)",
    "CREATE INDEX report_payload ON report (payload_id)",
    "CREATE INDEX report_message ON report (message_seq) WHERE message_seq IS NOT NULL",
    "CREATE INDEX report_delivery ON report (delivery_id, kind) WHERE delivery_id IS NOT NULL",
    "CREATE INDEX report_address ON report (address_key, at) WHERE address_key IS NOT NULL",
    """
    CREATE TRIGGER payload_refuses_update
        BEFORE UPDATE OF id, received_at, source, grade, verdict, headers, peer, return_token, nonce, digest, body
        ON payload
        BEGIN SELECT RAISE(ABORT, 'payload: facts are only added'); END
    """,
    """
    CREATE TRIGGER payload_refuses_unmapping BEFORE UPDATE OF is_mapped ON payload WHEN new.is_mapped < old.is_mapped
        BEGIN SELECT RAISE(ABORT, 'payload: facts are only added'); END
    """,
    """
    CREATE TRIGGER payload_refuses_delete BEFORE DELETE ON payload
        BEGIN SELECT RAISE(ABORT, 'payload: facts are only added'); END
    """,
    """
    CREATE TRIGGER report_refuses_update
        BEFORE UPDATE OF id, payload_id, source, event_key, at, kind, recipient, named_delivery, named_message,
        provider_id, header_message_id, bounce, status, diagnostic, explanation, action, is_machine, detail ON report
        BEGIN SELECT RAISE(ABORT, 'report: facts are only added'); END
    """,
    """
    CREATE TRIGGER report_refuses_rematching BEFORE UPDATE ON report WHEN old.message_seq IS NOT NULL
        BEGIN SELECT RAISE(ABORT, 'report: facts are only added'); END
    """,
    """
    CREATE TRIGGER report_refuses_delete BEFORE DELETE ON report
        BEGIN SELECT RAISE(ABORT, 'report: facts are only added'); END
    """,
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
