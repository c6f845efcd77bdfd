"""The audit history has that encryption was turned on or off, though the server itself records it at its start."""

from __future__ import annotations

from alembic import op

revision = "0022"
down_revision = "0021"

DEED = (
    "CASE WHEN actor GLOB 'user:*' OR actor GLOB 'command:*' OR kind GLOB 'sign-in-*' OR kind GLOB 'alert-*'"
    " OR kind = 'setting-changed' OR kind = 'encryption-changed' THEN 1 ELSE 0 END = 1"
)

STATEMENTS: tuple[str, ...] = (
    "DROP INDEX event_deed",
    "DROP INDEX event_deed_actor",
    "DROP INDEX event_deed_kind",
    f"CREATE INDEX event_deed ON event (at, seq) WHERE {DEED}",
    f"CREATE INDEX event_deed_actor ON event (actor, at, seq) WHERE {DEED}",
    f"CREATE INDEX event_deed_kind ON event (kind, at, seq) WHERE {DEED}",
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
