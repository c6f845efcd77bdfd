"""Leaves against the facts they commit to, and the hashes above them: a portion of whole tiles at a time."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from hashlib import sha256

from relay.archive.api.audit import Fault
from relay.archive.leaves import entry_of, opening_octets
from relay.archive.leaves import openings as openings_of
from relay.archive.rows import EVENT_COLUMNS, Row, event_of
from relay.archive.spelling import spelt_openings
from relay.ledger.hashing import HASH_SIZE, leaf_hash
from relay.ledger.leaf import COMMITMENT_PREFIX, SALT_SIZE, commit_plain, entry
from relay.ledger.scalars import LedgerError
from relay.ledger.tiles import TILE_HEIGHT, TILE_WIDTH
from relay.model.event import Kind

AT_A_TIME = 1024
"""Events in memory at once."""
_KINDS = frozenset(map(str, Kind))

_EVENTS = (
    f"SELECT event.seq, leaf.hash, leaf.commitment, leaf.salt, {', '.join(f'event.{name}' for name in EVENT_COLUMNS)}"
    " FROM event LEFT JOIN leaf ON leaf.seq = event.seq WHERE event.seq BETWEEN ? AND ? ORDER BY event.seq"
)
_ERASED_WITH_MESSAGE = (
    "SELECT json_each.value FROM event, json_each(event.data, '$.leaves') WHERE kind = 'erased'"
    " AND event.message_id IN (SELECT value FROM json_each(?)) AND event.message_id IS NOT NULL"
)
_ERASED_WITH_PERSON = (
    "SELECT json_each.value FROM event, json_each(event.data, '$.leaves') WHERE kind = 'erased'"
    " AND event.message_id IS NULL AND json_each.value IN (SELECT value FROM json_each(?))"
)
"""Leaves of which an event says that they were closed: it has a leaf itself, which is checked."""


def check_leaves(database: sqlite3.Connection, first: int, last: int) -> Iterator[Fault]:
    """Of the events with these sequence numbers; `first` begins a tile."""
    hashes: dict[int, bytes] = {}
    for start in range(first, last + 1, AT_A_TIME):
        stop = min(start + AT_A_TIME - 1, last)
        rows = database.execute(_EVENTS, (start, stop)).fetchall()
        hashes.update((row[0], row[1]) for row in rows)
        if len(rows) != stop - start + 1:
            for missing in sorted(set(range(start, stop + 1)) - {row[0] for row in rows}):
                yield Fault(f"event number {missing}", "its row is missing: numbers have no holes")
        if doubtful := _doubtful(database, rows):
            yield from _faults(database, doubtful)
    yield from _check_tiles(database, first, last, hashes)


def _doubtful(database: sqlite3.Connection, rows: Sequence[Row]) -> list[Row]:
    """Those that are not, octet for octet, what their leaf says and commits to: what is the matter is asked then."""
    events = [row[4:] for row in rows]
    try:
        openings: Sequence[bytes | None] = opening_octets(database, events)
    except (LedgerError, ValueError, TypeError, KeyError, AttributeError):
        # One of them cannot be read: the others are not looked at one by one for that.
        openings = spelt_openings(database, events)
    doubtful = []
    for row, opening in zip(rows, openings, strict=True):
        _, digest, commitment, salt, id_, at, kind, _, message_id, delivery_id, *_ = row
        if opening is None or type(salt) is not bytes or type(at) is not int or kind not in _KINDS:
            doubtful.append(row)
            continue
        found = sha256(COMMITMENT_PREFIX + salt + opening).digest()
        if (
            found != commitment
            or sha256(b"\0" + entry(id_, at, kind, found, message_id, delivery_id)).digest() != digest
            or len(salt) != SALT_SIZE
        ):
            doubtful.append(row)
    return doubtful


def _faults(database: sqlite3.Connection, rows: Sequence[Row]) -> Iterator[Fault]:
    """The long way, by values: what cannot be read or is not what the log says, in words."""
    readable, events = [], []
    for row in rows:
        try:
            events.append(event_of(row[4:]))
            readable.append(row)
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            yield Fault(f"event number {row[0]}", f"cannot be read: {error}")
    erased = _erased(database, {row[0] - 1: row[8] for row in readable if row[3] is None})
    for row, event in zip(readable, events, strict=True):
        seq, digest, commitment, salt, *_ = row
        where = f"event {event.id} ({event.kind}, leaf {seq - 1})"
        if digest is None:
            yield Fault(where, "has no leaf in the log")
            continue
        try:
            if leaf_hash(entry_of(event, commitment)) != digest:
                yield Fault(where, "is not what its leaf in the log says")
            elif salt is None:
                if seq - 1 not in erased:
                    yield Fault(where, "what opens its leaf was taken away, and nothing says that it was erased")
            elif commit_plain(salt, next(openings_of(database, [event]))) != commitment:
                yield Fault(where, "is not what its leaf commits to, or what it is about was changed")
        except (LedgerError, ValueError, TypeError, KeyError, AttributeError) as error:
            yield Fault(where, f"what it is about cannot be read: {error}")


def _erased(database: sqlite3.Connection, closed: Mapping[int, str | None]) -> set[int]:
    """Those of the leaves, each with the message it is about, that an event names as closed."""
    if not closed:
        return set()
    messages = json.dumps(sorted({message for message in closed.values() if message is not None}))
    told = {row[0] for row in database.execute(_ERASED_WITH_MESSAGE, (messages,))}
    # Erasures of persons are few, and name leaves of all messages: only asked where the message itself says nothing.
    if rest := closed.keys() - told:
        told.update(row[0] for row in database.execute(_ERASED_WITH_PERSON, (json.dumps(sorted(rest)),)))
    return told


def _check_tiles(database: sqlite3.Connection, first: int, last: int, hashes: dict[int, bytes]) -> Iterator[Fault]:
    """Whole tiles of leaves against the hashes kept above them."""
    start, stop = (first - 1) // TILE_WIDTH, last // TILE_WIDTH
    kept = dict(
        database.execute(
            "SELECT number, hash FROM node WHERE level = ? AND number >= ? AND number < ?", (TILE_HEIGHT, start, stop)
        )
    )
    for number in range(start, stop):
        row = [hashes.get(seq) for seq in range(number * TILE_WIDTH + 1, (number + 1) * TILE_WIDTH + 1)]
        # One that is missing, or is no hash, was told.
        whole = [digest for digest in row if type(digest) is bytes]
        if len(whole) == TILE_WIDTH and _fold(whole) != kept.get(number):
            yield Fault(f"hash {number} of level {TILE_HEIGHT}", "is not that of the 256 leaves below it")


def check_upper_nodes(database: sqlite3.Connection) -> Iterator[Fault]:
    """The hashes above whole tiles, level by level, and that there are as many as the log has."""
    (size,) = database.execute("SELECT coalesce(max(seq), 0) FROM event").fetchone()
    for (strange,) in database.execute(
        "SELECT DISTINCT level FROM node WHERE level <= 0 OR level % ? OR typeof(level) != 'integer'", (TILE_HEIGHT,)
    ):
        yield Fault(f"hashes of level {strange}", "no tile has such")
    level = TILE_HEIGHT
    count = size >> level
    (highest,) = database.execute("SELECT coalesce(max(level), 0) FROM node").fetchone()
    while count or level <= highest:
        row = _row(database, level)
        if len(row) != count:
            yield Fault(f"hashes of level {level}", f"{len(row)} are kept, a log of {size} leaves has {count}")
            return
        above = level + TILE_HEIGHT
        kept = _row(database, above)
        for number in range(count // TILE_WIDTH):
            made = _fold(row[number * TILE_WIDTH : (number + 1) * TILE_WIDTH])
            if number >= len(kept) or made != kept[number]:
                yield Fault(f"hash {number} of level {above}", "is not that of the 256 hashes below it")
        level, count = above, count >> TILE_HEIGHT


def _row(database: sqlite3.Connection, level: int) -> list[bytes]:
    return [row[0] for row in database.execute("SELECT hash FROM node WHERE level = ? ORDER BY number", (level,))]


def _fold(row: Sequence[bytes]) -> bytes:
    """The hash above a power of two of hashes, level by level in one piece of memory."""
    level = b"".join(row)
    while len(level) > HASH_SIZE:
        level = b"".join(
            [sha256(b"\x01" + level[at : at + 2 * HASH_SIZE]).digest() for at in range(0, len(level), 2 * HASH_SIZE)]
        )
    return level
