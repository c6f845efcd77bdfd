"""The table of idempotency keys: which message a request made. Imported by `schema.py`."""

from __future__ import annotations

from sqlalchemy import Column, Index, Integer, LargeBinary, MetaData, Table, Text


def idempotency_table(metadata: MetaData) -> Table:
    return Table(
        "idempotency",
        metadata,
        # Whose key it is: two applications may use the same.
        Column("owner", Text, primary_key=True),
        Column("key", Text, primary_key=True),
        Column("digest", LargeBinary, nullable=False),
        # No foreign key: it is claimed before the message is there.
        Column("message_id", Text, nullable=False),
        Column("created_at", Integer, nullable=False),
        Index("idempotency_created", "created_at"),
    )
