"""Idempotency of messages sent by HTTP; rules that notify."""

from __future__ import annotations

from alembic import op

revision = "0012"
down_revision = "0011"

STATEMENTS: tuple[str, ...] = ()


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
