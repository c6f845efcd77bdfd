"""The journal of events: appended to by the writer, never changed. Triggers of the schema refuse anything else."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence

from relay.archive.insert import insert, insert_rows
from relay.archive.leaves import append_leaves
from relay.archive.rows import EVENT_COLUMNS, event_row
from relay.model.event import Event

_INSERT = insert("event", ["seq", *EVENT_COLUMNS])


def append_events(database: sqlite3.Connection, events: Sequence[Event]) -> None:
    """Adds the events that are not there yet, in the given order, without holes in the numbering.

    What an event speaks of (message, delivery, attempt as closed, payload) must have been written before: its leaf in
    the log commits to that too.
    """
    if not events:
        return
    fresh: dict[str, Event] = {}
    for event in events:
        fresh.setdefault(event.id, event)
    ids = json.dumps(list(fresh))
    for (known,) in database.execute("SELECT id FROM event WHERE id IN (SELECT value FROM json_each(?))", (ids,)):
        del fresh[known]
    if not fresh:
        return
    (last,) = database.execute("SELECT coalesce(max(seq), 0) FROM event").fetchone()
    rows = [(last + n, *event_row(event)) for n, event in enumerate(fresh.values(), 1)]
    insert_rows(database, _INSERT, rows)
    append_leaves(database, last + 1, [row[1:] for row in rows])


def add_events(database: sqlite3.Connection, batches: list[Sequence[Event]]) -> list[None]:
    """The writer's batch function of `Archive.add_events`."""
    append_events(database, [event for events in batches for event in events])
    return [None] * len(batches)
