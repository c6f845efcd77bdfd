"""The tables of what people took away or put on messages: deletions, the requests for them, tags. See `schema.py`."""

from __future__ import annotations

from sqlalchemy import Column, ForeignKey, Index, Integer, MetaData, Table, Text, text


def _text(name: str, *, null: bool = False) -> Column[str]:
    return Column(name, Text, nullable=null)


def _message_seq(*, is_key: bool) -> Column[int]:
    return Column(
        "message_seq", Integer, ForeignKey("message.seq"), primary_key=is_key, nullable=False, autoincrement=False
    )


def deletion_table(metadata: MetaData) -> Table:
    """One row: the content of this message is gone. The triggers that keep contents let go of it by this row alone."""
    return Table(
        "deletion",
        metadata,
        _message_seq(is_key=True),
        Column("deleted_at", Integer, nullable=False),
        _text("deleted_by"),
        # Who asked for it, where one person asks and another decides.
        _text("asked_by"),
        _text("reason"),
        # When the facts about it went too (`forgetting.py`); NULL: they are there.
        Column("erased_at", Integer, nullable=True),
    )


def deletion_request_table(metadata: MetaData) -> Table:
    return Table(
        "deletion_request",
        metadata,
        Column("id", Text, primary_key=True),
        _message_seq(is_key=False),
        Column("asked_at", Integer, nullable=False),
        _text("asked_by"),
        _text("reason"),
        # open, approved, refused
        _text("standing"),
        Column("decided_at", Integer, nullable=True),
        _text("decided_by", null=True),
        _text("answer"),
        Index("deletion_request_open", "message_seq", unique=True, sqlite_where=text("standing = 'open'")),
        Index("deletion_request_standing", "standing", "id"),
    )


def tag_change_table(metadata: MetaData) -> Table:
    """Tags that people put on a message, or took off: what the message itself says comes before it."""
    return Table(
        "tag_change",
        metadata,
        _message_seq(is_key=True),
        # In lower case; `tag` is as it was given.
        Column("key", Text, primary_key=True),
        _text("tag"),
        Column("is_added", Integer, nullable=False),
        sqlite_with_rowid=False,
    )
