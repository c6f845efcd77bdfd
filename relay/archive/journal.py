"""The journal of events: appended to by the writer, never changed. Triggers of the schema refuse anything else."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

from relay.archive.insert import insert
from relay.archive.rows import EVENT_COLUMNS, event_row
from relay.model.event import Event

_INSERT = insert("event", ["seq", *EVENT_COLUMNS], conflict="ON CONFLICT (id) DO NOTHING")


def append_events(database: sqlite3.Connection, events: Sequence[Event]) -> None:
    """Adds the events that are not there yet, in the given order, without holes in the numbering."""
    if not events:
        return
    (last,) = database.execute("SELECT coalesce(max(seq), 0) FROM event").fetchone()
    for event in events:
        last += database.execute(_INSERT, (last + 1, *event_row(event))).rowcount


def add_events(database: sqlite3.Connection, batches: list[Sequence[Event]]) -> list[None]:
    """The writer's batch function of `Archive.add_events`."""
    append_events(database, [event for events in batches for event in events])
    return [None] * len(batches)
