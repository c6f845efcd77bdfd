"""A sum over the rows of each table of which no signed evidence tells all: for what happened by accident.

    row_sum: table_name | rows | sum        sum = of all rows, row_hash(table, values) added up, modulo 2^62

Triggers keep it, whatever writes: a value that nobody wrote, as where a bit flipped on the disk, makes rows and sum
differ (`audit/sums.py` compares). Whoever writes the table can write the sum as well: it proves nothing about people.
The triggers follow from `audit/kinds.py` and the tables as they are; after every migration those that differ are made
anew.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from hashlib import blake2b

from relay.archive.audit.kinds import SUMMED_WHOLE, UNWITNESSED

MASK = (1 << 62) - 1
"""Two such numbers are added in SQLite's 64 bits without overflow."""
FUNCTION = "row_hash"
_TRIGGERS = "SELECT name, sql FROM sqlite_master WHERE type = 'trigger' AND name GLOB 'row_sum_*'"


@dataclass(frozen=True, slots=True)
class Summed:
    """`columns`: those that are in the sum, the table's key among them."""

    table: str
    columns: Sequence[str]


def row_hash(*values: object) -> int:
    """Of one row: 62 bits of a BLAKE2b of its values, NULL, integers, text and blobs told apart.

    `row_hash('01J…', None, b'\\x00')` is of the octets `('01J\\u2026', None, b'\\x00')`: ASCII in every Python.
    """
    return int.from_bytes(blake2b(ascii(values).encode("ascii"), digest_size=8).digest()) & MASK


def prepare(database: sqlite3.Connection) -> None:
    """The connection can write: the triggers find the function. To others SQLite says `no such function: row_hash`."""
    database.create_function(FUNCTION, -1, row_hash, deterministic=True)


def summed(database: sqlite3.Connection) -> list[Summed]:
    """The tables with a sum, by name; those that the schema of an older version does not have are left out."""
    partly = {name.partition(".")[0] for name in UNWITNESSED}
    return [
        Summed(table, columns)
        for table in sorted(partly | SUMMED_WHOLE)
        if (columns := tuple(_columns(database, table)))
    ]


def _columns(database: sqlite3.Connection, table: str) -> Iterator[str]:
    for _, name, _, _, _, key in database.execute(f'PRAGMA table_info("{table}")'):
        if key or table in SUMMED_WHOLE or f"{table}.{name}" in UNWITNESSED:
            yield name


def selected(one: Summed) -> str:
    """The statement that reads what is in the sum."""
    return f'SELECT {", ".join(map(_quoted, one.columns))} FROM "{one.table}"'


def counted(database: sqlite3.Connection, one: Summed) -> tuple[int, int]:
    """How many rows the table has now, and their sum. Raises sqlite3.Error: a value cannot be read."""
    rows = total = 0
    for row in database.execute(selected(one)):
        rows += 1
        total += row_hash(*row)
    return rows, total & MASK


def arrange(database: sqlite3.Connection) -> None:
    """After a migration, in its transaction: the triggers are those of this version, and where that was not so, what is
    in the table now is what is compared from now on."""
    if not list(database.execute("PRAGMA table_info(row_sum)")):
        return
    found = dict(database.execute(_TRIGGERS).fetchall())
    kept = {row[0] for row in database.execute("SELECT table_name FROM row_sum")}
    wanted = {one: _triggers(one) for one in summed(database)}
    for name in found.keys() - {name for triggers in wanted.values() for name in triggers}:
        database.execute(f'DROP TRIGGER "{name}"')
    for table in kept - {one.table for one in wanted}:
        database.execute("DELETE FROM row_sum WHERE table_name = ?", (table,))
    for one, triggers in wanted.items():
        if one.table in kept and all(found.get(name) == sql for name, sql in triggers.items()):
            continue
        for name, sql in triggers.items():
            if name in found:
                database.execute(f'DROP TRIGGER "{name}"')
            database.execute(sql)
        database.execute("INSERT OR REPLACE INTO row_sum VALUES (?, ?, ?)", (one.table, *counted(database, one)))


def cease(database: sqlite3.Connection) -> None:
    """Of an archive that is thrown away, no sums are kept."""
    for name, _ in database.execute(_TRIGGERS).fetchall():
        database.execute(f'DROP TRIGGER "{name}"')


def _triggers(one: Summed) -> dict[str, str]:
    """By name, the statements that make them."""
    new, old = (f"{FUNCTION}({', '.join(f'{row}.{_quoted(name)}' for name in one.columns)})" for row in ("new", "old"))
    columns = ", ".join(map(_quoted, one.columns))
    changes = {
        "added": ("INSERT", "rows = rows + 1, ", f"sum + {new}"),
        "changed": (f"UPDATE OF {columns}", "", f"sum - {old} + {new}"),
        "removed": ("DELETE", "rows = rows - 1, ", f"sum - {old}"),
    }
    return {
        (name := f"row_sum_{one.table}_{how}"): f'CREATE TRIGGER {name} AFTER {event} ON "{one.table}" BEGIN'
        f" UPDATE row_sum SET {rows}sum = ({total}) & {MASK} WHERE table_name = '{one.table}'; END"
        for how, (event, rows, total) in changes.items()
    }


def _quoted(name: str) -> str:
    return f'"{name}"'
