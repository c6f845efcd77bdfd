"""The tables of what must be kept: legal holds with their messages, and the terms before which nothing goes (WORM)."""

from __future__ import annotations

from sqlalchemy import Column, ForeignKey, Index, Integer, MetaData, Table, Text, text


def legal_hold_table(metadata: MetaData) -> Table:
    return Table(
        "legal_hold",
        metadata,
        Column("id", Text, primary_key=True),
        Column("name", Text, nullable=False),
        Column("reason", Text, nullable=False),
        Column("made_at", Integer, nullable=False),
        Column("made_by", Text, nullable=False),
        Column("ended_at", Integer, nullable=True),
        Column("ended_by", Text, nullable=True),
        Index("legal_hold_open", "name", unique=True, sqlite_where=text("ended_at IS NULL")),
    )


def held_message_table(metadata: MetaData) -> Table:
    """A message is under a hold. The rows of an ended hold stay: they say what it kept."""
    return Table(
        "held_message",
        metadata,
        Column(
            "message_seq", Integer, ForeignKey("message.seq"), primary_key=True, nullable=False, autoincrement=False
        ),
        Column("hold_id", Text, ForeignKey("legal_hold.id"), primary_key=True, nullable=False),
        Index("held_message_hold", "hold_id", "message_seq"),
        sqlite_with_rowid=False,
    )


def term_table(metadata: MetaData) -> Table:
    """How long a content must be kept: each for all messages that were there until `ended_at`. Never shortened."""
    return Table(
        "term",
        metadata,
        # UTC microseconds.
        Column("began_at", Integer, primary_key=True, autoincrement=False),
        Column("seconds", Integer, nullable=False),
        Column("ended_at", Integer, nullable=True),
    )
