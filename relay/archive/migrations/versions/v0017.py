"""Legal holds, and the term before which nothing is deleted: the file itself refuses what they keep."""

from __future__ import annotations

from alembic import op

revision = "0017"
down_revision = "0016"

STATEMENTS: tuple[str, ...] = (
    """
    CREATE TABLE legal_hold (
        id TEXT NOT NULL,
        name TEXT NOT NULL,
        reason TEXT NOT NULL,
        made_at INTEGER NOT NULL,
        made_by TEXT NOT NULL,
        ended_at INTEGER,
        ended_by TEXT,
        PRIMARY KEY (id)
    )
    """,
    "CREATE UNIQUE INDEX legal_hold_open ON legal_hold (name) WHERE ended_at IS NULL",
    """
    CREATE TABLE held_message (
        message_seq INTEGER NOT NULL,
        hold_id TEXT NOT NULL,
        PRIMARY KEY (message_seq, hold_id),
        FOREIGN KEY(message_seq) REFERENCES message (seq),
        FOREIGN KEY(hold_id) REFERENCES legal_hold (id)
    ) WITHOUT ROWID
    """,
    "CREATE INDEX held_message_hold ON held_message (hold_id, message_seq)",
    """
    CREATE TABLE term (
        began_at INTEGER NOT NULL,
        seconds INTEGER NOT NULL,
        ended_at INTEGER,
        PRIMARY KEY (began_at)
    )
    """,
    "CREATE TRIGGER legal_hold_refuses_update BEFORE UPDATE ON legal_hold WHEN old.ended_at IS NOT NULL "
    "OR new.id <> old.id OR new.name <> old.name OR new.made_at <> old.made_at OR new.made_by <> old.made_by "
    "BEGIN SELECT RAISE(ABORT, 'legal_hold: facts are only added'); END",
    "CREATE TRIGGER legal_hold_refuses_delete BEFORE DELETE ON legal_hold "
    "BEGIN SELECT RAISE(ABORT, 'legal_hold: facts are only added'); END",
    "CREATE TRIGGER term_refuses_update BEFORE UPDATE ON term WHEN old.ended_at IS NOT NULL "
    "OR new.began_at <> old.began_at OR new.seconds <> old.seconds "
    "BEGIN SELECT RAISE(ABORT, 'term: facts are only added'); END",
    "CREATE TRIGGER term_refuses_delete BEFORE DELETE ON term "
    "BEGIN SELECT RAISE(ABORT, 'term: facts are only added'); END",
    "CREATE TRIGGER deletion_refuses_held BEFORE INSERT ON deletion WHEN EXISTS ("
    "SELECT 1 FROM held_message JOIN legal_hold ON legal_hold.id = hold_id "
    "WHERE held_message.message_seq = new.message_seq AND ended_at IS NULL) "
    "BEGIN SELECT RAISE(ABORT, 'deletion: a legal hold keeps it'); END",
    "CREATE TRIGGER deletion_refuses_early BEFORE INSERT ON deletion WHEN EXISTS ("
    "SELECT 1 FROM message JOIN term ON term.ended_at IS NULL OR term.ended_at > received_at "
    "WHERE message.seq = new.message_seq AND received_at + seconds * 1000000 > new.deleted_at) "
    "BEGIN SELECT RAISE(ABORT, 'deletion: its term has not passed'); END",
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
