"""Leaves against the facts they commit to, and the hashes above them: a portion of whole tiles at a time."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator

from relay.archive.api.audit import Fault
from relay.archive.leaves import entry_of, openings
from relay.archive.rows import EVENT_COLUMNS, event_of
from relay.ledger.hashing import leaf_hash, node_hash
from relay.ledger.leaf import commit_plain
from relay.ledger.scalars import LedgerError
from relay.ledger.tiles import TILE_HEIGHT, TILE_WIDTH

_EVENTS = (
    f"SELECT event.seq, leaf.hash, leaf.commitment, leaf.salt, {', '.join(f'event.{name}' for name in EVENT_COLUMNS)}"
    " FROM event LEFT JOIN leaf ON leaf.seq = event.seq WHERE event.seq BETWEEN ? AND ? ORDER BY event.seq"
)
_TOMBSTONES = (
    "SELECT message.id FROM deletion JOIN message ON message.seq = deletion.message_seq"
    " WHERE message.id IN (SELECT value FROM json_each(?))"
)


def check_leaves(database: sqlite3.Connection, first: int, last: int) -> Iterator[Fault]:
    """Of the events with these sequence numbers; `first` begins a tile."""
    rows = database.execute(_EVENTS, (first, last)).fetchall()
    found = {row[0] for row in rows}
    for missing in sorted(set(range(first, last + 1)) - found):
        yield Fault(f"event number {missing}", "its row is missing: numbers have no holes")
    readable, events = [], []
    for row in rows:
        try:
            events.append(event_of(row[4:]))
            readable.append(row)
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            yield Fault(f"event number {row[0]}", f"cannot be read: {error}")
    erased = [event.message_id for row, event in zip(readable, events, strict=True) if row[3] is None]
    tombstones = {row[0] for row in database.execute(_TOMBSTONES, (json.dumps(erased),))} if erased else set()
    try:
        opened = list(openings(database, events))
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        yield Fault(f"events {first} to {last}", f"what they are about cannot be read: {error}")
        return
    hashes = {}
    for (seq, hash_, commitment, salt, *_), event, opening in zip(readable, events, opened, strict=True):
        where = f"event {event.id} ({event.kind}, leaf {seq - 1})"
        if hash_ is None:
            yield Fault(where, "has no leaf in the log")
            continue
        hashes[seq] = hash_
        try:
            if leaf_hash(entry_of(event, commitment)) != hash_:
                yield Fault(where, "is not what its leaf in the log says")
            elif salt is None:
                if event.message_id not in tombstones:
                    yield Fault(where, "what opens its leaf was taken away, and nothing says that it was erased")
            elif commit_plain(salt, opening) != commitment:
                yield Fault(where, "is not what its leaf commits to, or what it is about was changed")
        except (LedgerError, ValueError, TypeError) as error:
            yield Fault(where, str(error))
    yield from _check_tiles(database, first, last, hashes)


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
        if None not in row and _fold([digest for digest in row if digest is not None]) != kept.get(number):
            yield Fault(f"hash {number} of level {TILE_HEIGHT}", "is not that of the 256 leaves below it")


def check_upper_nodes(database: sqlite3.Connection) -> Iterator[Fault]:
    """The hashes above whole tiles, level by level, and that there are as many as the log has."""
    (size,) = database.execute("SELECT coalesce(max(seq), 0) FROM event").fetchone()
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


def _fold(row: list[bytes]) -> bytes:
    while len(row) > 1:
        row = [node_hash(left, right) for left, right in zip(row[::2], row[1::2], strict=True)]
    return row[0]
