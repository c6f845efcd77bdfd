"""People: roles that people make, groups, scopes of users, permissions of tokens."""

from __future__ import annotations

from alembic import op

revision = "0007"
down_revision = "0006"

STATEMENTS: tuple[str, ...] = (
    'ALTER TABLE "user" ADD COLUMN scope TEXT',
    """ALTER TABLE "user" ADD COLUMN groups TEXT NOT NULL DEFAULT '[]'""",
    "ALTER TABLE api_token ADD COLUMN permissions TEXT",
    """
    CREATE TABLE role (
        name TEXT NOT NULL,
        permissions TEXT NOT NULL,
        needs_scope INTEGER NOT NULL,
        PRIMARY KEY (name)
    )
    """,
    """
    CREATE TABLE user_group (
        name TEXT NOT NULL,
        role TEXT NOT NULL,
        scope TEXT,
        PRIMARY KEY (name)
    )
    """,
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
