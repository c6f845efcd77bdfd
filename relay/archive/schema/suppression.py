"""The table of the suppression list. Imported by `schema.py`."""

from __future__ import annotations

from sqlalchemy import Column, Index, Integer, MetaData, Table, Text


def suppression_table(metadata: MetaData) -> Table:
    return Table(
        "suppression",
        metadata,
        Column("id", Text, primary_key=True),
        # Of the address (`suppression_key`); the address is as it was given.
        Column("key", Text, nullable=False),
        Column("address", Text, nullable=False),
        Column("application", Text, nullable=False),
        Column("cause", Text, nullable=False),
        Column("reason", Text, nullable=False),
        Column("created_at", Integer, nullable=False),
        Column("created_by", Text, nullable=False),
        Column("expires_at", Integer, nullable=True),
        # No foreign keys: an entry outlives what it was made by.
        Column("message_id", Text, nullable=True),
        Column("delivery_id", Text, nullable=True),
        Index("suppression_key", "key", "application", "cause", unique=True),
        Index("suppression_created", "created_at", "id"),
    )
