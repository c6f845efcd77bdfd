"""The file itself: SQLite's own checks, and that tables, indexes and triggers are those that this version makes."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator
from functools import cache

from relay.archive.api.audit import Fault
from relay.archive.migrations.run import upgrade

_OBJECTS = "SELECT type, name, sql FROM sqlite_master WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite_stat%'"
MOST = 100
"""Faults of one of SQLite's own checks that are told."""


def check_structure(database: sqlite3.Connection) -> Iterator[Fault]:
    for (words,) in database.execute(f"PRAGMA integrity_check({MOST})"):
        if words != "ok":
            yield Fault("file", f"SQLite's check: {words}")
    for table, rowid, parent, _ in database.execute("PRAGMA foreign_key_check").fetchmany(MOST):
        yield Fault(f"table {table}", f"row {rowid} names a row of {parent} that is not there")
    expected, found = _expected(), _objects(database)
    for name in sorted(expected.keys() - found.keys()):
        yield Fault(name, "is missing")
    for name in sorted(found.keys() - expected.keys()):
        yield Fault(name, "was not made by this version")
    for name in sorted(found.keys() & expected.keys()):
        if found[name] != expected[name]:
            yield Fault(name, "is not as this version makes it")


@cache
def _expected() -> dict[str, str]:
    empty = sqlite3.connect(":memory:", isolation_level=None)
    try:
        upgrade(empty)
        return _objects(empty)
    finally:
        empty.close()


def _objects(database: sqlite3.Connection) -> dict[str, str]:
    """`trigger event_refuses_update` -> its SQL with one space for any white space."""
    return {f"{kind} {name}": re.sub(r"\s+", " ", sql) for kind, name, sql in database.execute(_OBJECTS)}
