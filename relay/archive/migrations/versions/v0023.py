"""Of tables for which no signed evidence speaks, sums over their rows are kept.

`relay/archive/sums.py` makes the triggers, after the last migration, and adds up once what is there.
"""

from __future__ import annotations

from alembic import op

revision = "0023"
down_revision = "0022"

STATEMENTS: tuple[str, ...] = (
    "CREATE TABLE row_sum (table_name TEXT NOT NULL, rows INTEGER NOT NULL, sum INTEGER NOT NULL,"
    " PRIMARY KEY (table_name)) WITHOUT ROWID",
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
