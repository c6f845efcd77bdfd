"""Search: what the index needs for millions of messages and for attachments' text."""

from __future__ import annotations

from alembic import op

revision = "0009"
down_revision = "0008"

COLUMNS = "subject, author, addressees, cc, sender, recipients, filenames, headers, body, attachments"
NEW = ", ".join(f"new.{column}" for column in COLUMNS.split(", "))
OLD = ", ".join(f"old.{column}" for column in COLUMNS.split(", "))

STATEMENTS: tuple[str, ...] = (
    "ALTER TABLE listing ADD COLUMN author TEXT DEFAULT '' NOT NULL",
    "CREATE INDEX listing_author ON listing (author)",
    # FTS5 cannot add a column: the index is made anew, which takes minutes for a million messages.
    "DROP TRIGGER document_added",
    "DROP TRIGGER document_removed",
    "DROP TRIGGER document_changed",
    "DROP TABLE full_text",
    "ALTER TABLE document ADD COLUMN attachments TEXT DEFAULT '' NOT NULL",
    f"""
    CREATE VIRTUAL TABLE full_text USING fts5({COLUMNS},
        content='document', content_rowid='seq',
        tokenize='unicode61 remove_diacritics 0')
    """,
    f"""
    CREATE TRIGGER document_added AFTER INSERT ON document
        BEGIN INSERT INTO full_text(rowid, {COLUMNS}) VALUES (new.seq, {NEW}); END
    """,
    f"""
    CREATE TRIGGER document_removed AFTER DELETE ON document
        BEGIN INSERT INTO full_text(full_text, rowid, {COLUMNS}) VALUES ('delete', old.seq, {OLD}); END
    """,
    f"""
    CREATE TRIGGER document_changed AFTER UPDATE ON document
        BEGIN INSERT INTO full_text(full_text, rowid, {COLUMNS}) VALUES ('delete', old.seq, {OLD});
        INSERT INTO full_text(rowid, {COLUMNS}) VALUES (new.seq, {NEW}); END
    """,
    "INSERT INTO full_text(full_text) VALUES ('rebuild')",
    # The words of the index, each found by a seek.
    "CREATE VIRTUAL TABLE full_text_word USING fts5vocab(full_text, instance)",
    """
    CREATE TABLE fragment (
        id INTEGER NOT NULL,
        kind TEXT NOT NULL,
        text TEXT NOT NULL,
        PRIMARY KEY (id)
    )
    """,
    "CREATE UNIQUE INDEX fragment_text ON fragment (text, kind)",
    """
    CREATE VIRTUAL TABLE full_text_fragment USING fts5(text,
        content='fragment', content_rowid='id', tokenize='trigram case_sensitive 1')
    """,
    """
    CREATE TRIGGER fragment_added AFTER INSERT ON fragment
        BEGIN INSERT INTO full_text_fragment(rowid, text) VALUES (new.id, new.text); END
    """,
    # All messages are read again, so that the old ones get what is new.
    "INSERT INTO index_queue (seq) SELECT seq FROM message WHERE true ON CONFLICT DO NOTHING",
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
