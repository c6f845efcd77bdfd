"""The table of what was sent of late, for the guard against duplicates. Imported by `schema.py`."""

from __future__ import annotations

from sqlalchemy import Column, Index, Integer, LargeBinary, MetaData, Table, Text


def repetition_table(metadata: MetaData) -> Table:
    return Table(
        "repetition",
        metadata,
        Column("delivery_id", Text, primary_key=True),
        Column("fingerprint", LargeBinary, nullable=False),
        # With whom it stands for, if it is redirected.
        Column("recipient", Text, nullable=False),
        Column("application", Text, nullable=False),
        Column("created_at", Integer, nullable=False),
        Column("expires_at", Integer, nullable=False),
        Index("repetition_fingerprint", "fingerprint", "recipient"),
        Index("repetition_expires_at", "expires_at"),
    )
