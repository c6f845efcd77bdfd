"""The table of sums over rows. What they are of, and what they are for, is in `relay/archive/sums.py`."""

from __future__ import annotations

from sqlalchemy import Column, Integer, MetaData, Table, Text


def row_sum_table(metadata: MetaData) -> Table:
    return Table(
        "row_sum",
        metadata,
        Column("table_name", Text, primary_key=True),
        Column("rows", Integer, nullable=False),
        # Modulo 2^62.
        Column("sum", Integer, nullable=False),
        sqlite_with_rowid=False,
    )
