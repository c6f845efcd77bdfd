"""The first schema."""

from __future__ import annotations

from alembic import op

from relay.archive.schema import APPEND_ONLY, FULL_TEXT, metadata

revision = "0001"
down_revision = None


def upgrade() -> None:
    metadata.create_all(op.get_bind())
    for statement in (*FULL_TEXT, *APPEND_ONLY):
        op.execute(statement)
