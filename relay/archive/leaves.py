"""The log grows with the journal: a leaf for each event, in the writer's transaction. See `api.ledger.Ledger`.

Leaf `n` is of the event with seq `n + 1`. What its commitment opens to is made from what the tables say in that
transaction of the event, its message, attempt, payload and recipient (`openings`); nothing of it changes later, so it
can be made again, and compared, for ever. The entry itself is not kept: it is made from the event and the commitment.
"""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from hashlib import sha256
from typing import Any

from relay.archive.insert import insert, insert_rows
from relay.archive.rows import ATTEMPT_COLUMNS, EVENT_COLUMNS, MESSAGE_COLUMNS, Row, attempt_of, event_of, message_of
from relay.archive.spelling import BROUGHT_IN, NONE, Brought, spelt_openings
from relay.ledger.canonical import canonical_of_plain
from relay.ledger.hashing import HASH_SIZE, leaf_hash
from relay.ledger.leaf import COMMITMENT_PREFIX, SALT_SIZE, Leaf, checked_entry
from relay.ledger.opening import opening_of, payload_facts
from relay.ledger.tiles import TILE_HEIGHT
from relay.ledger.tree import Frontier, grow
from relay.model.delivery import Attempt
from relay.model.event import Event, Grade
from relay.model.message import Message
from relay.model.report import Payload

_INSERT_LEAF = insert("leaf", ["seq", "hash", "commitment", "salt"])
_INSERT_NODE = insert("node", ["level", "number", "hash"])
_MESSAGES = f"SELECT {', '.join(MESSAGE_COLUMNS)} FROM message WHERE id IN (SELECT value FROM json_each(?))"
_ATTEMPTS = (
    f"SELECT message.id, {', '.join(f'attempt.{name}' for name in ATTEMPT_COLUMNS)} FROM attempt "
    "JOIN message ON message.seq = message_seq WHERE attempt.id IN (SELECT value FROM json_each(?))"
)
_PAYLOADS = (
    "SELECT id, received_at, source, grade, verdict, headers, peer, body_sha256, body_size FROM payload "
    "WHERE id IN (SELECT value FROM json_each(?))"
)
_RECIPIENTS = "SELECT id, recipient FROM delivery WHERE id IN (SELECT value FROM json_each(?))"
AT_A_TIME = 1000
"""Events of one step where many are made up for."""


def append_leaves(database: sqlite3.Connection, first: int, rows: Sequence[Row], brought: Brought = NONE) -> None:
    """Adds the leaves of events that were just written, as rows of EVENT_COLUMNS; the first of them has seq `first`.

    The fewer statements, the better: at each the writer's thread hands the interpreter lock over.
    """
    salts = os.urandom(SALT_SIZE * len(rows))
    leaves, hashes = [], []
    written = zip(rows, opening_octets(database, rows, brought), strict=True)
    for n, ((id_, at, kind, _, message_id, delivery_id, *_), opening) in enumerate(written):
        salt = salts[n * SALT_SIZE : (n + 1) * SALT_SIZE]
        commitment = sha256(COMMITMENT_PREFIX + salt + opening).digest()
        digest = leaf_hash(checked_entry(id_, at, kind, commitment, message_id, delivery_id))
        hashes.append(digest)
        leaves.append((first + n, digest, commitment, salt))
    size, peaks = database.execute("SELECT size, peaks FROM tree").fetchone()
    if size != first - 1:
        raise AssertionError(f"the log has {size} leaves, and the journal {first - 1} events")
    grown, tops = grow(Frontier(size, _split(peaks)), hashes, TILE_HEIGHT)
    insert_rows(database, _INSERT_LEAF, leaves)
    insert_rows(database, _INSERT_NODE, [(node.level, node.index, node.hash) for node in tops])
    database.execute("UPDATE tree SET size = ?, peaks = ?", (grown.size, b"".join(grown.peaks)))


def opening_octets(database: sqlite3.Connection, rows: Sequence[Row], brought: Brought = NONE) -> list[bytes]:
    """What the commitment of each event is of, in canonical JSON, from rows of EVENT_COLUMNS."""
    spelt = spelt_openings(database, rows, brought)
    unusual = [event_of(row) for row, opening in zip(rows, spelt, strict=True) if opening is None]
    rest = map(canonical_of_plain, openings(database, unusual))
    return [next(rest) if opening is None else opening for opening in spelt]


def append_missing(database: sqlite3.Connection) -> None:
    """Adds the leaves of all events that have none yet: of an archive from before there was a log."""
    columns = ", ".join(EVENT_COLUMNS)
    while True:
        rows = database.execute(
            f"SELECT seq, {columns} FROM event WHERE seq > (SELECT size FROM tree) ORDER BY seq LIMIT ?", (AT_A_TIME,)
        ).fetchall()
        if not rows:
            return
        append_leaves(database, rows[0][0], [row[1:] for row in rows])


def entry_of(event: Event, commitment: bytes) -> bytes:
    """The octets of an event's leaf in the log."""
    return Leaf(event.id, event.at, event.kind.value, commitment, event.message_id, event.delivery_id).encode()


def openings(database: sqlite3.Connection, events: Sequence[Event]) -> Iterator[dict[str, Any]]:
    """What the commitment of each event is of, in their order. What an event is about is the rule of this function."""
    messages = _messages(database, [event.message_id for event in events if event.kind in BROUGHT_IN])
    attempts = _attempts(database, _named(events, "attempt"))
    payloads = _payloads(database, _named(events, "payload"))
    recipients = dict(_found(database, _RECIPIENTS, {event.delivery_id for event in events} - {None}))
    for event in events:
        opening = opening_of(
            event,
            message=messages.get(event.message_id) if event.kind in BROUGHT_IN else None,
            attempt=attempts.get(_name(event, "attempt")),
            recipient=recipients.get(event.delivery_id),
        )
        payload = payloads.get(_name(event, "payload"))
        yield opening if payload is None else {**opening, "payload": payload}


def _named(events: Iterable[Event], key: str) -> set[str]:
    return {_name(event, key) for event in events} - {""}


def _name(event: Event, key: str) -> str:
    value = event.data.get(key)
    return value if isinstance(value, str) else ""


def _found(database: sqlite3.Connection, statement: str, ids: Iterable[str | None]) -> list[Any]:
    wanted = list(ids)
    return database.execute(statement, (json.dumps(wanted),)).fetchall() if wanted else []


def _messages(database: sqlite3.Connection, ids: Iterable[str | None]) -> dict[str | None, Message]:
    return {row[0]: message_of(row) for row in _found(database, _MESSAGES, ids)}


def _attempts(database: sqlite3.Connection, ids: Iterable[str]) -> dict[str, Attempt]:
    return {row[1]: attempt_of(row[1:], row[0], ()) for row in _found(database, _ATTEMPTS, ids)}


def _payloads(database: sqlite3.Connection, ids: Iterable[str]) -> dict[str, dict[str, Any]]:
    found = {}
    for id_, at, source, grade, verdict, headers, peer, digest, size in _found(database, _PAYLOADS, ids):
        payload = Payload(id_, at, source, Grade(grade), verdict, json.loads(headers), b"", peer)
        found[id_] = payload_facts(payload, digest, size)
    return found


def _split(peaks: bytes) -> tuple[bytes, ...]:
    return tuple(peaks[at : at + HASH_SIZE] for at in range(0, len(peaks), HASH_SIZE))
