"""The journal of events: appended to by the writer, never changed. Triggers of the schema refuse anything else."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence

from relay.archive.insert import insert, insert_rows
from relay.archive.leaves import append_leaves
from relay.archive.rows import EVENT_COLUMNS, event_row
from relay.archive.spelling import NONE, Brought
from relay.archive.standing import with_accounts
from relay.model.event import Event

_INSERT = insert("event", ["seq", *EVENT_COLUMNS])
_BEFORE = (
    "SELECT coalesce(max(seq), 0),"
    " (SELECT json_group_array(id) FROM event WHERE id IN (SELECT value FROM json_each(?))) FROM event"
)
"""The last number, and those of the events that are there already."""


def append_events(database: sqlite3.Connection, events: Sequence[Event], brought: Brought = NONE) -> None:
    """Adds the events that are not there yet, in the given order, without holes in the numbering.

    What an event speaks of (message, delivery, attempt as closed, payload, account) must have been written before: its
    leaf in the log commits to that too. `brought`: messages that were just now, as they were.
    """
    if not events:
        return
    fresh: dict[str, Event] = {}
    for event in events:
        fresh.setdefault(event.id, event)
    last, known = database.execute(_BEFORE, (json.dumps(list(fresh)),)).fetchone()
    for id_ in json.loads(known):
        del fresh[id_]
    if not fresh:
        return
    rows = [(last + n, *event_row(with_accounts(database, event))) for n, event in enumerate(fresh.values(), 1)]
    insert_rows(database, _INSERT, rows)
    append_leaves(database, last + 1, [row[1:] for row in rows], brought)


def add_events(database: sqlite3.Connection, batches: list[Sequence[Event]]) -> list[None]:
    """The writer's batch function of `Archive.add_events`."""
    append_events(database, [event for events in batches for event in events])
    return [None] * len(batches)
