"""Selects that answer for the ledger: leaves, the hashes above them, checkpoints and time stamps.

Hashes between the levels of tiles are made again from those below, at most 128.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

from relay.archive.api import NotFound
from relay.archive.api.ledger import Head, Stamp, StoredCheckpoint, StoredLeaf
from relay.archive.leaves import entry_of, openings
from relay.archive.rows import EVENT_COLUMNS, Row, event_of
from relay.ledger.hashing import node_hash
from relay.ledger.tiles import TILE_HEIGHT, TILE_WIDTH, tile_of
from relay.ledger.tree import NodeReader, consistency_path, inclusion_path, root_at

_COLUMNS = ", ".join(f"event.{name}" for name in EVENT_COLUMNS)
_LEAVES = f"SELECT leaf.seq, commitment, salt, {_COLUMNS} FROM leaf JOIN event ON event.seq = leaf.seq WHERE "


def size(database: sqlite3.Connection) -> int:
    return int(database.execute("SELECT size FROM tree").fetchone()[0])


def head(database: sqlite3.Connection) -> Head:
    found = size(database)
    return Head(found, root(database, found))


def root(database: sqlite3.Connection, at: int) -> bytes:
    _must_reach(database, at)
    return root_at(at, node_reader(database))


def inclusion(database: sqlite3.Connection, indices: Sequence[int], at: int) -> list[tuple[bytes, ...]]:
    _must_reach(database, at)
    if any(index >= at for index in indices):
        raise NotFound(f"the log of {at} leaves has no leaf {max(indices)}")
    node = node_reader(database)
    return [inclusion_path(index, at, node) for index in indices]


def consistency(database: sqlite3.Connection, old: int, new: int) -> tuple[bytes, ...]:
    _must_reach(database, new)
    return consistency_path(old, new, node_reader(database))


def _must_reach(database: sqlite3.Connection, at: int) -> None:
    if at > size(database):
        raise NotFound(f"the log has no {at} leaves yet")


def node_reader(database: sqlite3.Connection) -> NodeReader:
    """Reads hashes of complete subtrees, each tile at most once."""
    tiles: dict[tuple[int, int], list[bytes]] = {}

    def node(level: int, index: int, /) -> bytes:
        place = tile_of(level, index)
        key = place.level, place.number
        if len(tiles.get(key, ())) < place.stop:
            tiles[key] = hashes(database, place.level, place.number * TILE_WIDTH, TILE_WIDTH)
        row = tiles[key][place.start : place.stop]
        if len(row) < place.stop - place.start:
            raise NotFound(f"the log does not reach the subtree {level}/{index}")
        while len(row) > 1:
            row = [node_hash(left, right) for left, right in zip(row[::2], row[1::2], strict=True)]
        return row[0]

    return node


def hashes(database: sqlite3.Connection, level: int, start: int, count: int) -> list[bytes]:
    """As many as there are of the hashes [start, start + count) of a level of tiles."""
    if level == 0:
        statement, values = "SELECT hash FROM leaf WHERE seq BETWEEN ? AND ? ORDER BY seq", (start + 1, start + count)
        return [row[0] for row in database.execute(statement, values)]
    statement = "SELECT hash FROM node WHERE level = ? AND number BETWEEN ? AND ? ORDER BY number"
    return [row[0] for row in database.execute(statement, (level * TILE_HEIGHT, start, start + count - 1))]


def tile(database: sqlite3.Connection, level: int, number: int, width: int) -> bytes:
    found = hashes(database, level, number * TILE_WIDTH, width)
    if len(found) < width:
        raise NotFound(f"the log does not reach tile {number} of level {level} with {width} hashes yet")
    return b"".join(found)


def entries(database: sqlite3.Connection, start: int, count: int) -> list[bytes]:
    rows = database.execute(_LEAVES + "leaf.seq BETWEEN ? AND ? ORDER BY leaf.seq", (start + 1, start + count))
    found = [entry_of(event_of(row[3:]), row[1]) for row in rows]
    if len(found) < count:
        raise NotFound(f"the log does not reach leaf {start + count - 1} yet")
    return found


def leaves_of(database: sqlite3.Connection, message_id: str) -> list[StoredLeaf]:
    statement = _LEAVES + "event.message_id = ? AND event.message_id IS NOT NULL ORDER BY leaf.seq"
    return _stored(database, database.execute(statement, (message_id,)).fetchall())


def leaves_at(database: sqlite3.Connection, indices: Sequence[int]) -> list[StoredLeaf]:
    rows = []
    for index in sorted(set(indices)):
        row = database.execute(_LEAVES + "leaf.seq = ?", (index + 1,)).fetchone()
        if row is None:
            raise NotFound(f"the log has no leaf {index}")
        rows.append(row)
    return _stored(database, rows)


def _stored(database: sqlite3.Connection, rows: Sequence[Row]) -> list[StoredLeaf]:
    events = [event_of(row[3:]) for row in rows]
    stored = []
    for (seq, commitment, salt, *_), event, opening in zip(rows, events, openings(database, events), strict=True):
        entry = entry_of(event, commitment)
        stored.append(StoredLeaf(seq - 1, entry, salt, None if salt is None else opening))
    return stored


def latest_checkpoint(database: sqlite3.Connection) -> StoredCheckpoint | None:
    row = database.execute("SELECT size, at, note FROM checkpoint ORDER BY size DESC LIMIT 1").fetchone()
    return None if row is None else StoredCheckpoint(*row)


def checkpoints(database: sqlite3.Connection, after: int, limit: int) -> list[StoredCheckpoint]:
    statement = "SELECT size, at, note FROM checkpoint WHERE size > ? ORDER BY size LIMIT ?"
    return [StoredCheckpoint(*row) for row in database.execute(statement, (after, limit))]


def stamps(database: sqlite3.Connection, after: int, limit: int) -> list[Stamp]:
    statement = (
        "SELECT size, authority, at, note, response, chain FROM stamp WHERE size > ? ORDER BY size, authority LIMIT ?"
    )
    return [Stamp(*row) for row in database.execute(statement, (after, limit))]


def latest_stamps(database: sqlite3.Connection) -> list[Stamp]:
    statement = (
        "SELECT size, authority, at, note, response, chain FROM stamp JOIN (SELECT authority, max(size) AS size "
        "FROM stamp GROUP BY authority) USING (authority, size) ORDER BY authority"
    )
    return [Stamp(*row) for row in database.execute(statement)]
