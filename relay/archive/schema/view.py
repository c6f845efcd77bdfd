"""The tables of what people set for their grid, of saved views, and of mailings. Imported by `schema.py`."""

from __future__ import annotations

from sqlalchemy import Column, ForeignKey, Index, Integer, MetaData, Table, Text, text


def preference_table(metadata: MetaData) -> Table:
    return Table(
        "preference",
        metadata,
        Column("user", Text, primary_key=True),
        Column("key", Text, primary_key=True),
        # As JSON.
        Column("value", Text, nullable=False),
        sqlite_with_rowid=False,
    )


def saved_view_table(metadata: MetaData) -> Table:
    return Table(
        "saved_view",
        metadata,
        Column("id", Text, primary_key=True),
        Column("owner", Text, nullable=False),
        Column("name", Text, nullable=False),
        Column("is_shared", Integer, nullable=False),
        Column("query", Text, nullable=False),
        Column("sort", Text, nullable=False),
        Column("mode", Text, nullable=False),
        # As JSON; NULL: each reader's own.
        Column("columns", Text, nullable=True),
        Index("saved_view_owner", "owner"),
        Index("saved_view_shared", "id", sqlite_where=text("is_shared = 1")),
    )


def mailing_table(metadata: MetaData) -> Table:
    """One mailing of one day: filled by the indexer."""
    return Table(
        "mailing",
        metadata,
        Column("id", Integer, primary_key=True),
        Column("key", Text, nullable=False, unique=True),
        Column("application", Text, nullable=False),
        # Days since 1970, UTC.
        Column("day", Integer, nullable=False),
        Column("name", Text, nullable=False),
        # How it was known: `header`, `tag` or `subject`.
        Column("source", Text, nullable=False),
        Column("messages", Integer, nullable=False),
        Column("last_seq", Integer, nullable=False),
        Index("mailing_day", "day", "last_seq"),
    )


def mailed_table(metadata: MetaData) -> Table:
    """Of which mailing a message is, if of any, and whether a program of itself sent it."""
    return Table(
        "mailed",
        metadata,
        Column("seq", Integer, ForeignKey("message.seq"), primary_key=True, autoincrement=False),
        Column("mailing", Integer, ForeignKey("mailing.id"), nullable=True),
        Column("is_automatic", Integer, nullable=False),
        Index("mailed_mailing", "mailing", "seq"),
    )
