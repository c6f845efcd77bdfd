"""Search: words that begin with three given letters, and the messages of an application, are found at once."""

from __future__ import annotations

from alembic import op

revision = "0015"
down_revision = "0014"

_ADDRESS = (
    "INSERT INTO addressed (address, seq) SELECT lower(recipient), message_seq FROM delivery "
    "WHERE message_seq = NEW.seq UNION SELECT lower(original), message_seq FROM delivery "
    "WHERE message_seq = NEW.seq AND original IS NOT NULL ON CONFLICT DO NOTHING"
)
COLUMNS = "subject, author, addressees, cc, sender, recipients, filenames, headers, body, attachments"

STATEMENTS: tuple[str, ...] = (
    "DROP INDEX message_application",
    "CREATE INDEX message_application ON message (application, received_at)",
    # Whom a redirected copy was meant for is asked for as its recipient, too.
    "DROP TRIGGER document_addressed",
    "DROP TRIGGER document_readdressed",
    f"CREATE TRIGGER document_addressed AFTER INSERT ON document BEGIN {_ADDRESS}; END",
    f"CREATE TRIGGER document_readdressed AFTER UPDATE OF recipients ON document BEGIN {_ADDRESS}; END",
    "INSERT INTO addressed SELECT lower(original), message_seq FROM delivery WHERE original IS NOT NULL "
    "ON CONFLICT DO NOTHING",
    # FTS5 cannot change an index: it is made anew, which takes minutes for a million messages. The triggers stay.
    "DROP TABLE full_text",
    f"""
    CREATE VIRTUAL TABLE full_text USING fts5({COLUMNS},
        content='document', content_rowid='seq',
        tokenize='unicode61 remove_diacritics 0', prefix='3')
    """,
    "INSERT INTO full_text(full_text) VALUES ('rebuild')",
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
