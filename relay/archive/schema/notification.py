"""The tables of endpoints and of what they are told. Imported by `schema.py`."""

from __future__ import annotations

from sqlalchemy import Column, Index, Integer, MetaData, Table, Text, text


def endpoint_table(metadata: MetaData) -> Table:
    return Table(
        "endpoint",
        metadata,
        Column("name", Text, primary_key=True),
        Column("url", Text, nullable=False),
        # The last event that it has been considered for.
        Column("event_seq", Integer, nullable=False),
        Column("gone_at", Integer, nullable=True),
        # Whether an event says that it fails; until it takes something again.
        Column("is_failing", Integer, nullable=False),
        Column("delivered_at", Integer, nullable=True),
        Column("error", Text, nullable=False),
        Column("error_at", Integer, nullable=True),
    )


def notification_table(metadata: MetaData) -> Table:
    return Table(
        "notification",
        metadata,
        Column("id", Text, primary_key=True),
        # No foreign keys: what was sent stays known when the endpoint is not.
        Column("endpoint", Text, nullable=False),
        Column("event_seq", Integer, nullable=False),
        Column("created_at", Integer, nullable=False),
        Column("begun_at", Integer, nullable=False),
        Column("standing", Text, nullable=False),
        Column("attempts", Integer, nullable=False),
        Column("due_at", Integer, nullable=True),
        Column("tried_at", Integer, nullable=True),
        Column("status", Integer, nullable=True),
        Column("error", Text, nullable=False),
        Index("notification_event", "endpoint", "event_seq", unique=True, sqlite_where=text("event_seq > 0")),
        Index("notification_due", "endpoint", "due_at", sqlite_where=text("due_at IS NOT NULL")),
        Index("notification_standing", "endpoint", "standing", "created_at"),
    )
