"""Encryption: data keys, each wrapped by a master key; facts may change from plain to encrypted, and no other way."""

from __future__ import annotations

from alembic import op

revision = "0019"
down_revision = "0018"

# The start of nothing is NULL.
_BECOMES_SEALED = (
    "(ifnull(substr(new.{0}, 1, 4), '') = x'4D574501' AND ifnull(substr(old.{0}, 1, 4), '') <> x'4D574501'"
    " AND length(old.{0}) > 0)"
)

STATEMENTS: tuple[str, ...] = (
    """
    CREATE TABLE data_key (
        owner TEXT NOT NULL,
        master TEXT NOT NULL,
        wrapped BLOB NOT NULL,
        PRIMARY KEY (owner)
    ) WITHOUT ROWID
    """,
    "CREATE INDEX data_key_master ON data_key (master)",
    # Without its key a content is gone.
    """
    CREATE TRIGGER data_key_refuses_delete BEFORE DELETE ON data_key
        WHEN EXISTS (SELECT 1 FROM message WHERE id = old.owner AND NOT EXISTS (
            SELECT 1 FROM deletion WHERE deletion.message_seq = message.seq))
        BEGIN SELECT RAISE(ABORT, 'data_key: a content that is kept needs it'); END
    """,
    "DROP TRIGGER content_refuses_update",
    f"""
    CREATE TRIGGER content_refuses_update BEFORE UPDATE ON content
        WHEN new.message_seq <> old.message_seq OR new.n <> old.n OR NOT {_BECOMES_SEALED.format("frame")}
        BEGIN SELECT RAISE(ABORT, 'content: facts are only added'); END
    """,
    "DROP TRIGGER edit_list_refuses_update",
    f"""
    CREATE TRIGGER edit_list_refuses_update BEFORE UPDATE OF hash, data, message_seq ON edit_list
        WHEN new.hash <> old.hash OR new.message_seq IS NOT old.message_seq
            OR (new.data <> old.data AND length(old.data) > 0 AND NOT {_BECOMES_SEALED.format("data")}
            AND (length(new.data) > 0
            OR NOT EXISTS (SELECT 1 FROM deletion WHERE deletion.message_seq = old.message_seq)))
        BEGIN SELECT RAISE(ABORT, 'edit_list: facts are only added'); END
    """,
    "DROP TRIGGER payload_refuses_update",
    """
    CREATE TRIGGER payload_refuses_update
        BEFORE UPDATE OF id, received_at, source, grade, verdict, headers, peer, return_token, nonce, digest ON payload
        WHEN NOT EXISTS (
            SELECT 1 FROM report JOIN deletion ON deletion.message_seq = report.message_seq
            WHERE report.payload_id = old.id)
        BEGIN SELECT RAISE(ABORT, 'payload: facts are only added'); END
    """,
    f"""
    CREATE TRIGGER payload_refuses_rewriting BEFORE UPDATE OF body ON payload
        WHEN NOT {_BECOMES_SEALED.format("body")} AND (length(new.body) > 0 OR NOT EXISTS (
            SELECT 1 FROM report JOIN deletion ON deletion.message_seq = report.message_seq
            WHERE report.payload_id = old.id))
        BEGIN SELECT RAISE(ABORT, 'payload: facts are only added'); END
    """,
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
