"""Users who may not sign in for now, and tokens for the messages of some applications."""

from __future__ import annotations

from alembic import op

revision = "0014"
down_revision = "0013"

STATEMENTS: tuple[str, ...] = (
    'ALTER TABLE "user" ADD COLUMN disabled_at INTEGER',
    "ALTER TABLE api_token ADD COLUMN applications TEXT DEFAULT '[]' NOT NULL",
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
