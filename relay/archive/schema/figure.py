"""The tables of figures, of the days to be counted again, and of who was written to. Imported by `schema.py`."""

from __future__ import annotations

from sqlalchemy import Column, ForeignKey, Integer, MetaData, Table, Text

from relay.model.figure import NAMES


def figure_table(metadata: MetaData) -> Table:
    return Table(
        "figure",
        metadata,
        Column("facet", Text, primary_key=True),
        Column("day", Integer, primary_key=True, autoincrement=False),
        Column("value", Text, primary_key=True),
        Column("application", Text, primary_key=True),
        Column("author", Text, primary_key=True),
        *(Column(name, Integer, nullable=False) for name in NAMES),
        sqlite_with_rowid=False,
    )


def figure_day_table(metadata: MetaData) -> Table:
    """Days to be counted again. Triggers on `listing` and `fetch` put them here, and who follows the journal."""
    return Table(
        "figure_day",
        metadata,
        Column("day", Integer, primary_key=True, autoincrement=False),
        # Raised by each change: what was counted before the last one does not settle the day.
        Column("mark", Integer, nullable=False),
        # When the first of the changes happened.
        Column("since", Integer, nullable=False),
    )


def figure_cursor_table(metadata: MetaData) -> Table:
    """One row: the last event that has been looked at."""
    return Table("figure_cursor", metadata, Column("event_seq", Integer, nullable=False))


def addressed_table(metadata: MetaData) -> Table:
    """Which messages went to an address, in ASCII lower case. Triggers on `document` fill it, after the 250."""
    return Table(
        "addressed",
        metadata,
        Column("address", Text, primary_key=True),
        Column("seq", Integer, ForeignKey("message.seq"), primary_key=True, autoincrement=False),
        sqlite_with_rowid=False,
    )
