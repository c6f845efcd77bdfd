"""The table of fragments: parts of addresses, codes and file names that a search may know the middle of.

Imported by `schema.py`. Its trigram index `full_text_fragment` (FTS5) is in the migration alone.
"""

from __future__ import annotations

from sqlalchemy import Column, Index, Integer, MetaData, Table, Text


def fragment_table(metadata: MetaData) -> Table:
    return Table(
        "fragment",
        metadata,
        Column("id", Integer, primary_key=True),
        # `address`, `code` or `file`.
        Column("kind", Text, nullable=False),
        # One token, normalised.
        Column("text", Text, nullable=False),
        Index("fragment_text", "text", "kind", unique=True),
    )


def section_table(metadata: MetaData) -> Table:
    """The dates of each so many messages (`relay/archive/sections.py`). A trigger on `message` keeps it."""
    return Table(
        "section",
        metadata,
        # Of numbers: `seq / 512`.
        Column("number", Integer, primary_key=True, autoincrement=False),
        Column("first_at", Integer, nullable=False),
        Column("last_at", Integer, nullable=False),
    )
