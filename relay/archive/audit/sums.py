"""Tables of which the log says nothing, or not all: their rows against the sums that were kept when they were written.

A sum tells that something differs. Where one bit of one value did, it is found by trying: which bit, turned back, would
make the sum right? Then the row is named too.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator

from relay.archive.api.audit import Fault
from relay.archive.audit.kinds import SUMS
from relay.archive.sums import MASK, Summed, counted, row_hash, selected, summed

ALONE = ("delivery", "token", "fetch", "report", "payload")
"""Tables that are each looked through on their own: they can be long."""
TRIED = 50_000_000
"""Octets hashed at most in search of the bit that flipped: about a second. Each bit of a row takes the whole row."""


class _Text(bytes):
    """The octets of a text, whether they are UTF-8 or not."""


def check_sums(database: sqlite3.Connection, part: int = 0) -> Iterator[Fault]:
    """`part`: of ALONE, from 1 on; 0: all other tables."""
    tables = summed(database)
    kept = {table: (rows, total) for table, rows, total in database.execute(f"SELECT * FROM {SUMS}")}
    if not part:
        for table in sorted(kept.keys() - {one.table for one in tables}):
            yield Fault(f"sum of {table}", "there is none in this version")
    for one in tables:
        if (one.table == ALONE[part - 1]) if part else (one.table not in ALONE):
            yield from _check(database, one, kept.get(one.table))


def _check(database: sqlite3.Connection, one: Summed, kept: tuple[object, object] | None) -> Iterator[Fault]:
    where = f"table {one.table}"
    if kept is None:
        yield Fault(where, "the sum of its rows is missing")
        return
    try:
        found = counted(database, one)
    except sqlite3.OperationalError:
        found = None  # a text that is none: it is looked for below
    if found == kept:
        return
    if found is not None and found[0] != kept[0]:
        yield Fault(where, f"has {found[0]} rows, and {kept[0]} were written")
        return
    named = next(_flipped(database, one, kept[1]), None) if isinstance(kept[1], int) else None
    if named is None:
        yield Fault(where, "its rows do not have the values that were written")
        return
    key, column = named
    yield Fault(f"{one.table} {key}", f"one bit of its {column} is not as it was written")


def _flipped(database: sqlite3.Connection, one: Summed, total: int) -> Iterator[tuple[str, str]]:
    """The key of a row, and the column in which one bit turned back makes the sum right."""
    keys = [row[1] for row in database.execute(f'PRAGMA table_info("{one.table}")') if row[5]]
    database.text_factory = _Text
    try:
        rows, cost = [], 0
        for row in database.execute(selected(one)):
            rows.append(row)
            cost += 8 * len(ascii(row)) ** 2
            if cost > TRIED:
                return
    finally:
        database.text_factory = str
    hashes = [_hash(row) for row in rows]
    unread = [row for row, hash_ in zip(rows, hashes, strict=True) if hash_ is None]
    others = sum(hash_ for hash_ in hashes if hash_ is not None)
    for row, hash_ in [(row, 0) for row in unread] or zip(rows, hashes, strict=True):
        wanted = (total - others + (hash_ or 0)) & MASK
        for column in _turned_back(row, wanted):
            named = [_shown(value) for name, value in zip(one.columns, row, strict=True) if name in keys]
            yield ", ".join(named), one.columns[column]


def _turned_back(row: tuple[object, ...], wanted: int) -> Iterator[int]:
    """Numbers of columns of which one bit, turned back, gives the row this hash."""
    for n, value in enumerate(row):
        before, after = row[:n], row[n + 1 :]
        if any(_hash((*before, instead, *after)) == wanted for instead in _others(value)):
            yield n


def _others(value: object) -> Iterator[object]:
    """What a value was, if one bit of it flipped."""
    if isinstance(value, int):
        yield from (value ^ (1 << bit) for bit in range(63))
        yield value ^ -(1 << 63)
    elif isinstance(value, bytes):
        for place, octet in enumerate(value):
            for bit in range(8):
                yield type(value)(value[:place] + bytes([octet ^ 1 << bit]) + value[place + 1 :])


def _hash(row: tuple[object, ...]) -> int | None:
    """None: a text in it is none."""
    try:
        return row_hash(*(value.decode() if isinstance(value, _Text) else value for value in row))
    except UnicodeDecodeError:
        return None


def _shown(value: object) -> str:
    if isinstance(value, _Text):
        return value.decode(errors="backslashreplace")
    return value.hex() if isinstance(value, bytes) else str(value)
