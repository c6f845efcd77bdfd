"""Facts about a message whose content is gone may go too, as far as holds and terms let them: its tombstone says so."""

from __future__ import annotations

from alembic import op

revision = "0021"
down_revision = "0020"

STATEMENTS: tuple[str, ...] = (
    "ALTER TABLE deletion ADD COLUMN erased_at INTEGER",
    # Erasures of persons, for the check of the archive.
    "CREATE INDEX event_erased ON event (seq) WHERE kind = 'erased' AND message_id IS NULL",
    "CREATE TRIGGER deletion_refuses_erasing_held BEFORE UPDATE OF erased_at ON deletion WHEN EXISTS ("
    "SELECT 1 FROM held_message JOIN legal_hold ON legal_hold.id = hold_id "
    "WHERE held_message.message_seq = new.message_seq AND ended_at IS NULL) "
    "BEGIN SELECT RAISE(ABORT, 'deletion: a legal hold keeps the facts'); END",
    "CREATE TRIGGER deletion_refuses_erasing_early BEFORE UPDATE OF erased_at ON deletion WHEN EXISTS ("
    "SELECT 1 FROM message JOIN term ON term.ended_at IS NULL OR term.ended_at > received_at "
    "WHERE message.seq = new.message_seq AND received_at + seconds * 1000000 > new.erased_at) "
    "BEGIN SELECT RAISE(ABORT, 'deletion: its term has not passed'); END",
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
