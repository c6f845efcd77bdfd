"""Legal holds and terms: batch functions for the writer, and the selects about them. See `api.hold.Holds`."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass

from relay.archive.api import NotFound
from relay.archive.insert import insert
from relay.archive.journal import append_events
from relay.model.delivery import MICROSECONDS
from relay.model.event import Event
from relay.model.hold import Hold

_COLUMNS = ("id", "name", "reason", "made_at", "made_by", "ended_at", "ended_by")
_MAKE = insert("legal_hold", _COLUMNS, conflict="ON CONFLICT DO NOTHING")
_PLACE = insert("held_message", ("message_seq", "hold_id"), conflict="ON CONFLICT DO NOTHING")
_SEQS = "SELECT id, seq FROM message WHERE id IN (SELECT value FROM json_each(?))"
_HOLDS = (
    f"SELECT {', '.join(_COLUMNS)}, (SELECT count(*) FROM held_message WHERE hold_id = legal_hold.id) FROM legal_hold"
)
_KEEPING = (
    "SELECT 1 FROM held_message JOIN legal_hold ON legal_hold.id = hold_id"
    " WHERE message_seq = ? AND ended_at IS NULL LIMIT 1"
)
_TERM = (
    f"SELECT max(received_at + seconds * {MICROSECONDS}) FROM message"
    " JOIN term ON term.ended_at IS NULL OR term.ended_at > received_at WHERE message.seq = ?"
)

HELD = "A legal hold keeps it: it cannot be deleted before the hold is ended."
EARLY = "It has to be kept for a time that has not passed yet: nobody can delete it before."


@dataclass(frozen=True, slots=True)
class Making:
    hold: Hold
    event: Event


@dataclass(frozen=True, slots=True)
class Placing:
    """Messages to put under a hold, or to take from under it, each with its event."""

    hold_id: str
    message_ids: Sequence[str]
    events: Sequence[Event]
    is_lifted: bool = False


@dataclass(frozen=True, slots=True)
class Ending:
    hold_id: str
    event: Event


@dataclass(frozen=True, slots=True)
class Term:
    seconds: int
    event: Event


def kept_by(database: sqlite3.Connection, seq: int, at: int) -> str:
    """Why a hold or a term keeps this message at that time, in a sentence; '' if none does."""
    if database.execute(_KEEPING, (seq,)).fetchone():
        return HELD
    (until,) = database.execute(_TERM, (seq,)).fetchone()
    return EARLY if until is not None and until > at else ""


# -- changing ----------------------------------------------------------------------------------------------------
def make_holds(database: sqlite3.Connection, makings: list[Making]) -> list[bool]:
    return [_make(database, making.hold, making.event) for making in makings]


def _make(database: sqlite3.Connection, hold: Hold, event: Event) -> bool:
    row = (hold.id, hold.name, hold.reason, hold.made_at, hold.made_by, None, None)
    if not database.execute(_MAKE, row).rowcount:
        return database.execute("SELECT 1 FROM legal_hold WHERE id = ?", (hold.id,)).fetchone() is not None
    append_events(database, [event])
    return True


def place_holds(database: sqlite3.Connection, placings: list[Placing]) -> list[list[str]]:
    return [_place(database, placing) for placing in placings]


def _place(database: sqlite3.Connection, placing: Placing) -> list[str]:
    if hold(database, placing.hold_id).ended_at is not None:
        raise NotFound(f"the hold {placing.hold_id} is ended")
    seqs = dict(database.execute(_SEQS, (json.dumps(list(placing.message_ids)),)))
    changed = []
    for message_id in placing.message_ids:
        if message_id not in seqs:
            raise NotFound(f"no message {message_id}")
        statement = "DELETE FROM held_message WHERE message_seq = ? AND hold_id = ?" if placing.is_lifted else _PLACE
        if database.execute(statement, (seqs[message_id], placing.hold_id)).rowcount:
            changed.append(message_id)
    told = set(changed)
    append_events(database, [event for event in placing.events if event.message_id in told])
    return changed


def end_holds(database: sqlite3.Connection, endings: list[Ending]) -> list[bool]:
    return [_end(database, ending.hold_id, ending.event) for ending in endings]


def _end(database: sqlite3.Connection, hold_id: str, event: Event) -> bool:
    hold(database, hold_id)
    statement = "UPDATE legal_hold SET ended_at = ?, ended_by = ? WHERE id = ? AND ended_at IS NULL"
    if not database.execute(statement, (event.at, event.actor, hold_id)).rowcount:
        return False
    append_events(database, [event])
    return True


def use_terms(database: sqlite3.Connection, terms: list[Term]) -> list[bool]:
    return [_use(database, one.seconds, one.event) for one in terms]


def _use(database: sqlite3.Connection, seconds: int, event: Event) -> bool:
    if term(database) == seconds:
        return False
    # A clock that went backwards must not give two terms one beginning.
    (last,) = database.execute(
        "SELECT coalesce(max(max(began_at), coalesce(max(ended_at), 0)), 0) FROM term"
    ).fetchone()
    at = max(event.at, last + 1)
    # Messages that came until now keep the term that was in force: it only ever grows for them.
    database.execute("UPDATE term SET ended_at = ? WHERE ended_at IS NULL", (at,))
    if seconds:
        database.execute("INSERT INTO term VALUES (?, ?, NULL)", (at, seconds))
    append_events(database, [event])
    return True


# -- reading -----------------------------------------------------------------------------------------------------
def term(database: sqlite3.Connection) -> int:
    """The term in force for what comes in now, in seconds; 0: none."""
    row = database.execute("SELECT seconds FROM term WHERE ended_at IS NULL").fetchone()
    return row[0] if row else 0


def hold(database: sqlite3.Connection, hold_id: str) -> Hold:
    """Raises NotFound."""
    row = database.execute(f"{_HOLDS} WHERE id = ?", (hold_id,)).fetchone()
    if row is None:
        raise NotFound(f"no legal hold {hold_id}")
    return Hold(*row)


def holds(database: sqlite3.Connection, only_open: bool) -> list[Hold]:
    where = " WHERE ended_at IS NULL" if only_open else ""
    return [Hold(*row) for row in database.execute(f"{_HOLDS}{where} ORDER BY made_at DESC, id DESC")]


def holds_of(database: sqlite3.Connection, message_id: str) -> list[Hold]:
    where = (
        " WHERE id IN (SELECT hold_id FROM held_message JOIN message ON message.seq = message_seq WHERE message.id = ?)"
        " AND ended_at IS NULL ORDER BY made_at, id"
    )
    return [Hold(*row) for row in database.execute(_HOLDS + where, (message_id,))]


def held_messages(database: sqlite3.Connection, hold_id: str, after: str, limit: int) -> list[str]:
    hold(database, hold_id)
    statement = (
        "SELECT message.id FROM held_message JOIN message ON message.seq = message_seq WHERE hold_id = ?"
        " AND message_seq > coalesce((SELECT seq FROM message WHERE id = ?), 0) ORDER BY message_seq LIMIT ?"
    )
    return [row[0] for row in database.execute(statement, (hold_id, after, limit))]
