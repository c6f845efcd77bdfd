"""The journal of events: appended to by the writer, never changed. Triggers of the schema refuse anything else."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence

from relay.archive.insert import insert, insert_rows
from relay.archive.rows import EVENT_COLUMNS, event_row
from relay.model.event import Event

_INSERT = insert("event", ["seq", *EVENT_COLUMNS])


def append_events(database: sqlite3.Connection, events: Sequence[Event]) -> None:
    """Adds the events that are not there yet, in the given order, without holes in the numbering."""
    if not events:
        return
    fresh: dict[str, Event] = {}
    for event in events:
        fresh.setdefault(event.id, event)
    ids = json.dumps(list(fresh))
    for (known,) in database.execute("SELECT id FROM event WHERE id IN (SELECT value FROM json_each(?))", (ids,)):
        del fresh[known]
    (last,) = database.execute("SELECT coalesce(max(seq), 0) FROM event").fetchone()
    rows = [(last + n, *event_row(event)) for n, event in enumerate(fresh.values(), 1)]
    insert_rows(database, _INSERT, rows)


def add_events(database: sqlite3.Connection, batches: list[Sequence[Event]]) -> list[None]:
    """The writer's batch function of `Archive.add_events`."""
    append_events(database, [event for events in batches for event in events])
    return [None] * len(batches)
