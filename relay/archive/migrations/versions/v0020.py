"""Erasures: requests for them, and the one way past "facts are only added": a row in `erasing` within a transaction."""

from __future__ import annotations

import re

from alembic import op

revision = "0020"
down_revision = "0019"

STATEMENTS: tuple[str, ...] = (
    """
    CREATE TABLE erasure (
        id TEXT NOT NULL,
        address TEXT,
        asked_at INTEGER NOT NULL,
        asked_by TEXT NOT NULL,
        reason TEXT NOT NULL,
        standing TEXT NOT NULL,
        decided_at INTEGER,
        decided_by TEXT,
        ended_at INTEGER,
        erased INTEGER NOT NULL,
        kept INTEGER NOT NULL,
        PRIMARY KEY (id)
    )
    """,
    "CREATE TABLE erasing (erasure_id TEXT NOT NULL, PRIMARY KEY (erasure_id))",
)
GATED = (
    *("message_refuses_update", "event_refuses_update", "attempt_refuses_update", "payload_refuses_update"),
    *("report_refuses_update", "report_refuses_rematching", "fetch_refuses_update", "token_refuses_update"),
    *("edit_list_refuses_update", "deletion_refuses_update", "legal_hold_refuses_update"),
)
_TRIGGER = re.compile(r"(CREATE TRIGGER .*? ON \w+)(?:\s+WHEN\s+(.*?))?\s+(BEGIN\s+SELECT RAISE.*)", re.DOTALL)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
    database = op.get_bind()
    for name in GATED:
        found = database.exec_driver_sql("SELECT sql FROM sqlite_master WHERE name = ?", (name,)).scalar_one()
        parts = _TRIGGER.fullmatch(found)
        if parts is None:
            raise AssertionError(f"the trigger {name} is not as it was made")
        before, when, after = parts.groups()
        gate = "NOT EXISTS (SELECT 1 FROM erasing)"
        database.exec_driver_sql(f"DROP TRIGGER {name}")
        database.exec_driver_sql(f"{before} WHEN {gate}{f' AND ({when})' if when else ''} {after}")
