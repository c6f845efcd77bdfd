"""The suppression list in the writer's transactions: looked into by a claim, added to by whatever reports a reason.

What is promised is in `api/suppression.py`; reading is in `suppression_reading.py`. `reasons` and `add` are for other
batch functions to call within their own transaction.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from relay.archive.api import NotFound
from relay.archive.insert import insert
from relay.archive.journal import append_events
from relay.archive.rows import Row
from relay.model.event import Event
from relay.model.suppression import (
    Cause,
    Suppressed,
    added_event,
    erased_key,
    suppression_key,
    why_suppressed,
)

SUPPRESSION_COLUMNS = [
    "id",
    "address",
    "application",
    "cause",
    "reason",
    "created_at",
    "created_by",
    "expires_at",
    "message_id",
    "delivery_id",
]
ERASED_SETTING = "erased_addresses"
"""The setting with the secret of `erased_key`."""
_ANY = "SELECT (SELECT value FROM setting WHERE key = ?) FROM suppression LIMIT 1"
_INSERT = insert("suppression", ["key", *SUPPRESSION_COLUMNS])
_FIELDS = ", ".join(SUPPRESSION_COLUMNS)


def reasons(database: sqlite3.Connection, now: int, asked: Iterable[tuple[str, str, str]]) -> dict[str, str]:
    """By delivery id: why its recipient must not be sent to; the others are left out.

    `asked`: (delivery id, application, recipient's address). One look if the list is empty, one query if it is not.
    """
    row = database.execute(_ANY, (ERASED_SETTING,)).fetchone()
    if row is None:
        return {}
    keyed = [(delivery_id, application, suppression_key(address)) for delivery_id, application, address in asked]
    kept = _erased_keys(row[0], {key for _, _, key in keyed})
    found: dict[tuple[str, str], str] = {}
    # The latest is written last and stays.
    for key, application, cause, reason in database.execute(
        "SELECT key, application, cause, reason FROM suppression WHERE key IN (SELECT value FROM json_each(?)) "
        "AND (expires_at IS NULL OR expires_at > ?) ORDER BY created_at, id",
        (json.dumps([*{key for _, _, key in keyed}, *kept]), now),
    ):
        found[kept.get(key, key), application] = why_suppressed(Cause(cause), reason)
    if not found:
        return {}
    answers = {}
    for delivery_id, application, key in keyed:
        why = found.get((key, application)) or found.get((key, ""))
        if why is not None:
            answers[delivery_id] = why
    return answers


def _erased_keys(secret: str | None, keys: Iterable[str]) -> dict[str, str]:
    """Under what each key stands if its person was erased, and the key itself; empty as long as nobody was."""
    return {} if secret is None else {erased_key(bytes.fromhex(json.loads(secret)), key): key for key in keys}


def add(database: sqlite3.Connection, entries: Sequence[Suppressed], at: int | None = None) -> list[Event]:
    """Keeps the entries and an event of each that says something new, at `at` if given; returns those events."""
    events: list[Event] = []
    for entry in entries:
        there = database.execute(
            f"SELECT {_FIELDS} FROM suppression WHERE key = ? AND application = ? AND cause = ?",
            entry.about,
        ).fetchone()
        if there is not None and not entry.replaces(suppressed_of(there)):
            continue
        # Taken off since it was added: a repetition must not bring it back.
        if database.execute("SELECT 1 FROM event WHERE id = ?", (entry.id,)).fetchone() is not None:
            continue
        if there is not None:
            database.execute("DELETE FROM suppression WHERE id = ?", (there[0],))
        database.execute(_INSERT, (entry.about[0], *_row(entry)))
        events.append(added_event(entry, at))
    append_events(database, events)
    return events


@dataclass(frozen=True, slots=True)
class SuppressionAddition:
    """The arguments of one `add_suppressions`."""

    entries: Sequence[Suppressed]
    at: int | None


def add_suppressions(database: sqlite3.Connection, additions: list[SuppressionAddition]) -> list[int]:
    """The writer's batch function of `add_suppressions`."""
    return [len(add(database, addition.entries, addition.at)) for addition in additions]


@dataclass(frozen=True, slots=True)
class SuppressionRemoval:
    """The arguments of one `remove_suppressions`."""

    entry_ids: Sequence[str]
    events: Sequence[Event]


def remove_suppressions(database: sqlite3.Connection, removals: list[SuppressionRemoval]) -> list[None]:
    for removal in removals:
        events = [event.id for event in removal.events]
        known = database.execute(
            "SELECT count(*) FROM event WHERE id IN (SELECT value FROM json_each(?))", (json.dumps(events),)
        ).fetchone()
        if events and known == (len(set(events)),):
            continue  # a repetition
        for entry_id in removal.entry_ids:
            if not database.execute("DELETE FROM suppression WHERE id = ?", (entry_id,)).rowcount:
                raise NotFound(f"no entry {entry_id} on the suppression list")
        append_events(database, removal.events)
    return [None] * len(removals)


def _row(entry: Suppressed) -> Row:
    return (
        entry.id,
        entry.address,
        entry.application,
        entry.cause.value,
        entry.reason,
        entry.created_at,
        entry.created_by,
        entry.expires_at,
        entry.message_id,
        entry.delivery_id,
    )


def suppressed_of(row: Row) -> Suppressed:
    return Suppressed(row[0], row[1], row[2], Cause(row[3]), *row[4:10])
