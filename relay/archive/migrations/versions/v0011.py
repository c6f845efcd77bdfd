"""Deletion: requests, approvals, tombstones; tags given by people; the journal of what people did, by index.

The triggers that keep contents, edit lists and payloads for ever let go of those of a message with a row in
`deletion`, and of no others.
"""

from __future__ import annotations

from alembic import op

revision = "0011"
down_revision = "0010"

DEED = (
    "CASE WHEN actor GLOB 'user:*' OR actor GLOB 'command:*' OR kind GLOB 'sign-in-*' OR kind GLOB 'alert-*'"
    " OR kind = 'setting-changed' THEN 1 ELSE 0 END = 1"
)

STATEMENTS: tuple[str, ...] = (
    """
    CREATE TABLE deletion (
        message_seq INTEGER NOT NULL,
        deleted_at INTEGER NOT NULL,
        deleted_by TEXT NOT NULL,
        asked_by TEXT NOT NULL,
        reason TEXT NOT NULL,
        PRIMARY KEY (message_seq),
        FOREIGN KEY(message_seq) REFERENCES message (seq)
    )
    """,
    """
    CREATE TABLE deletion_request (
        id TEXT NOT NULL,
        message_seq INTEGER NOT NULL,
        asked_at INTEGER NOT NULL,
        asked_by TEXT NOT NULL,
        reason TEXT NOT NULL,
        standing TEXT NOT NULL,
        decided_at INTEGER,
        decided_by TEXT,
        answer TEXT NOT NULL,
        PRIMARY KEY (id),
        FOREIGN KEY(message_seq) REFERENCES message (seq)
    )
    """,
    "CREATE UNIQUE INDEX deletion_request_open ON deletion_request (message_seq) WHERE standing = 'open'",
    "CREATE INDEX deletion_request_standing ON deletion_request (standing, id)",
    """
    CREATE TABLE tag_change (
        message_seq INTEGER NOT NULL,
        key TEXT NOT NULL,
        tag TEXT NOT NULL,
        is_added INTEGER NOT NULL,
        PRIMARY KEY (message_seq, key),
        FOREIGN KEY(message_seq) REFERENCES message (seq)
    ) WITHOUT ROWID
    """,
    f"CREATE INDEX event_deed ON event (at, seq) WHERE {DEED}",
    f"CREATE INDEX event_deed_actor ON event (actor, at, seq) WHERE {DEED}",
    f"CREATE INDEX event_deed_kind ON event (kind, at, seq) WHERE {DEED}",
    # Whose the list is, so that nobody has to look through all attempts for others that share it.
    "ALTER TABLE edit_list ADD COLUMN message_seq INTEGER",
    "ALTER TABLE edit_list ADD COLUMN is_shared INTEGER DEFAULT 0 NOT NULL",
    "DROP TRIGGER edit_list_refuses_update",
    """
    CREATE TEMP TABLE edit_list_use AS
        SELECT edits AS hash, min(message_seq) AS first, max(message_seq) AS last
        FROM attempt WHERE edits IS NOT NULL GROUP BY edits
    """,
    """
    UPDATE edit_list SET message_seq = used.first, is_shared = (used.first <> used.last)
        FROM temp.edit_list_use AS used WHERE used.hash = edit_list.hash
    """,
    "DROP TABLE temp.edit_list_use",
    """
    CREATE TRIGGER edit_list_refuses_update BEFORE UPDATE OF hash, data, message_seq ON edit_list
        WHEN new.hash <> old.hash OR new.message_seq IS NOT old.message_seq
            OR (new.data <> old.data AND length(old.data) > 0 AND (length(new.data) > 0
            OR NOT EXISTS (SELECT 1 FROM deletion WHERE deletion.message_seq = old.message_seq)))
        BEGIN SELECT RAISE(ABORT, 'edit_list: facts are only added'); END
    """,
    "DROP TRIGGER content_refuses_delete",
    """
    CREATE TRIGGER content_refuses_delete BEFORE DELETE ON content
        WHEN NOT EXISTS (SELECT 1 FROM deletion WHERE deletion.message_seq = old.message_seq)
        BEGIN SELECT RAISE(ABORT, 'content: facts are only added'); END
    """,
    "DROP TRIGGER payload_refuses_update",
    """
    CREATE TRIGGER payload_refuses_update
        BEFORE UPDATE OF id, received_at, source, grade, verdict, headers, peer, return_token, nonce, digest, body
        ON payload
        WHEN length(new.body) > 0 OR NOT EXISTS (
            SELECT 1 FROM report JOIN deletion ON deletion.message_seq = report.message_seq
            WHERE report.payload_id = old.id)
        BEGIN SELECT RAISE(ABORT, 'payload: facts are only added'); END
    """,
    """
    CREATE TRIGGER deletion_refuses_update BEFORE UPDATE ON deletion
        BEGIN SELECT RAISE(ABORT, 'deletion: facts are only added'); END
    """,
    """
    CREATE TRIGGER deletion_refuses_delete BEFORE DELETE ON deletion
        BEGIN SELECT RAISE(ABORT, 'deletion: facts are only added'); END
    """,
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
