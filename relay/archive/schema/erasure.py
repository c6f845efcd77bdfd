"""The tables of erasures: who asked for a person to be forgotten, and the way past the triggers. See `schema.py`."""

from __future__ import annotations

from sqlalchemy import Column, Integer, MetaData, Table, Text


def erasure_table(metadata: MetaData) -> Table:
    """One request. `address` is there until it is over, so that a restart can go on; then it goes too."""
    return Table(
        "erasure",
        metadata,
        Column("id", Text, primary_key=True),
        Column("address", Text, nullable=True),
        Column("asked_at", Integer, nullable=False),
        Column("asked_by", Text, nullable=False),
        Column("reason", Text, nullable=False),
        # asked, approved, done, refused
        Column("standing", Text, nullable=False),
        Column("decided_at", Integer, nullable=True),
        Column("decided_by", Text, nullable=True),
        Column("ended_at", Integer, nullable=True),
        Column("erased", Integer, nullable=False),
        Column("kept", Integer, nullable=False),
    )


def erasing_table(metadata: MetaData) -> Table:
    """Has a row only inside a transaction that erases: then the triggers let texts be replaced. Else it is empty."""
    return Table("erasing", metadata, Column("erasure_id", Text, primary_key=True))
