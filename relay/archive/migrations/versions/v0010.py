"""Views: what each person set for the grid, saved searches, mailings."""

from __future__ import annotations

from alembic import op

revision = "0010"
down_revision = "0009"

STATEMENTS: tuple[str, ...] = (
    """
    CREATE TABLE preference (
        user TEXT NOT NULL,
        key TEXT NOT NULL,
        value TEXT NOT NULL,
        PRIMARY KEY (user, key)
    ) WITHOUT ROWID
    """,
    """
    CREATE TABLE saved_view (
        id TEXT NOT NULL PRIMARY KEY,
        owner TEXT NOT NULL,
        name TEXT NOT NULL,
        is_shared INTEGER NOT NULL,
        "query" TEXT NOT NULL,
        sort TEXT NOT NULL,
        mode TEXT NOT NULL,
        columns TEXT
    )
    """,
    "CREATE INDEX saved_view_owner ON saved_view (owner)",
    "CREATE INDEX saved_view_shared ON saved_view (id) WHERE is_shared = 1",
    # A name that is given again later must not find what somebody else had set.
    """
    CREATE TRIGGER user_had_views AFTER DELETE ON user BEGIN
        DELETE FROM preference WHERE user = OLD.name;
        DELETE FROM saved_view WHERE owner = OLD.name AND is_shared = 0;
        UPDATE saved_view SET owner = '' WHERE owner = OLD.name;
    END
    """,
    """
    CREATE TABLE mailing (
        id INTEGER NOT NULL PRIMARY KEY,
        key TEXT NOT NULL UNIQUE,
        application TEXT NOT NULL,
        day INTEGER NOT NULL,
        name TEXT NOT NULL,
        source TEXT NOT NULL,
        messages INTEGER NOT NULL,
        last_seq INTEGER NOT NULL
    )
    """,
    "CREATE INDEX mailing_day ON mailing (day, last_seq)",
    """
    CREATE TABLE mailed (
        seq INTEGER NOT NULL PRIMARY KEY REFERENCES message (seq),
        mailing INTEGER REFERENCES mailing (id),
        is_automatic INTEGER NOT NULL
    )
    """,
    "CREATE INDEX mailed_mailing ON mailed (mailing, seq)",
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
