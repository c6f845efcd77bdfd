"""Sign-in: second factors, recovery codes, passkeys, other houses' identities, and more about sessions."""

from __future__ import annotations

from alembic import op

revision = "0008"
down_revision = "0007"

STATEMENTS: tuple[str, ...] = (
    "ALTER TABLE web_session ADD COLUMN seen_at INTEGER DEFAULT 0 NOT NULL",
    "ALTER TABLE web_session ADD COLUMN user_agent TEXT DEFAULT '' NOT NULL",
    "ALTER TABLE web_session ADD COLUMN method TEXT DEFAULT '' NOT NULL",
    """
    CREATE TABLE second_factor (
        "user" TEXT NOT NULL,
        secret BLOB NOT NULL,
        created_at INTEGER NOT NULL,
        last_step INTEGER NOT NULL,
        PRIMARY KEY ("user"),
        FOREIGN KEY ("user") REFERENCES "user" (name)
    )
    """,
    """
    CREATE TABLE recovery_code (
        "user" TEXT NOT NULL,
        hash BLOB NOT NULL,
        PRIMARY KEY ("user", hash),
        FOREIGN KEY ("user") REFERENCES "user" (name)
    ) WITHOUT ROWID
    """,
    """
    CREATE TABLE passkey (
        id TEXT NOT NULL,
        "user" TEXT NOT NULL,
        name TEXT NOT NULL,
        credential_id BLOB NOT NULL,
        public_key BLOB NOT NULL,
        sign_count INTEGER NOT NULL,
        created_at INTEGER NOT NULL,
        used_at INTEGER,
        PRIMARY KEY (id),
        FOREIGN KEY ("user") REFERENCES "user" (name),
        UNIQUE (credential_id)
    )
    """,
    'CREATE INDEX passkey_user ON passkey ("user")',
    """
    CREATE TABLE identity (
        issuer TEXT NOT NULL,
        subject TEXT NOT NULL,
        "user" TEXT NOT NULL,
        is_managed INTEGER NOT NULL,
        created_at INTEGER NOT NULL,
        PRIMARY KEY (issuer, subject),
        FOREIGN KEY ("user") REFERENCES "user" (name)
    ) WITHOUT ROWID
    """,
    'CREATE INDEX identity_user ON identity ("user")',
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
