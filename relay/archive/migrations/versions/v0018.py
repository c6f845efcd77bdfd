"""Each checkpoint names the one before it, so that none can be taken away unseen."""

from __future__ import annotations

from alembic import op

revision = "0018"
down_revision = "0017"

STATEMENTS: tuple[str, ...] = (
    "ALTER TABLE checkpoint ADD COLUMN previous INTEGER",
    "UPDATE checkpoint SET previous = (SELECT max(before.size) FROM checkpoint AS before"
    " WHERE before.size < checkpoint.size)",
    "DROP TRIGGER checkpoint_refuses_update",
    "CREATE TRIGGER checkpoint_refuses_update BEFORE UPDATE OF size, at, previous ON checkpoint "
    "BEGIN SELECT RAISE(ABORT, 'checkpoint: facts are only added'); END",
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
