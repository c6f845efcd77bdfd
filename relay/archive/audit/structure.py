"""The file itself: SQLite's own checks, and that tables, indexes and triggers are those that this version makes."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator
from functools import cache

from relay.archive.api.audit import Fault
from relay.archive.audit.kinds import DERIVED
from relay.archive.migrations.run import HEAD, upgrade

_OBJECTS = "SELECT type, name, tbl_name, sql FROM sqlite_master WHERE name NOT LIKE 'sqlite_stat%'"
_Object = tuple[str, str | None]
"""Of which table it is, and its SQL; an index that SQLite makes by itself has none."""
FOLLOWER = {
    "table _litestream_seq": "CREATE TABLE _litestream_seq (id INTEGER PRIMARY KEY, seq INTEGER)",
    "table _litestream_lock": "CREATE TABLE _litestream_lock (id INTEGER)",
}
"""What Litestream makes for itself in a file that it copies: it counts its checkpoints there, and locks."""
MOST = 100
"""Faults of one of SQLite's own checks that are told."""


LARGE = (
    *("full_text_data", "document", "event", "content", "leaf", "message", "delivery", "attempt", "summary", "listing"),
    *("addressed", "message_tag", "message_reference", "mailed", "token", "fetch", "report", "payload", "fragment"),
    *("figure", "mailing"),
)
"""Tables that are looked through each on its own, with their indexes; the largest first."""
SEARCHED = tuple(name for name in LARGE if name in DERIVED or name.startswith("full_text"))
"""Those of LARGE whose indexes are compared, row by row, only with what else is made from contents."""


def check_structure(database: sqlite3.Connection, part: int = 0) -> Iterator[Fault]:
    """`part`: of LARGE, from 1 on; 0: all other tables, the list of free pages, and what there should be."""
    if part:
        yield from _check_table(database, LARGE[part - 1], is_quick=LARGE[part - 1] in SEARCHED)
        return
    for name in ("sqlite_master", *_tables(database)):
        if name not in LARGE:
            yield from _check_table(database, name)
    yield from _check_pages(database)
    kept = database.execute("SELECT version_num FROM alembic_version").fetchall()
    if kept != [(HEAD,)]:
        yield Fault("table alembic_version", f"says {kept}, and this version makes {HEAD}")
    expected, found = _expected(), _objects(database)
    for name in sorted(expected.keys() - found.keys()):
        yield Fault(name, "is missing")
    for name in sorted(found.keys() - expected.keys()):
        if found[name][1] == FOLLOWER.get(name):
            continue
        yield Fault(name, "was not made by this version")
    for name in sorted(found.keys() & expected.keys()):
        if found[name] != expected[name]:
            yield Fault(name, "is not as this version makes it")


_SHARED = "SELECT min(name), max(name) FROM sqlite_master WHERE rootpage > 0 GROUP BY rootpage HAVING count(*) > 1"
_ZERO = ("user_version", "application_id")
"""Numbers in the file's header that we leave alone."""


def _check_pages(database: sqlite3.Connection) -> Iterator[Fault]:
    """What the check of one table after the other leaves out: that no page is of two of them, or free as well.

    A file that was made to give space back has a map, from each page to the one that names it, and each check compares
    it: a page that two name is wrong for one of them. An older file has none, and is looked through as a whole.
    """
    for one, other in database.execute(_SHARED):
        yield Fault(f"{one} and {other}", "are in the same page of the file")
    for name in _ZERO:
        if (value := database.execute(f"PRAGMA {name}").fetchone()[0]) != 0:
            yield Fault("file", f"its {name} is {value}, and this version leaves it 0")
    if database.execute("PRAGMA auto_vacuum").fetchone() == (0,):
        for (words,) in database.execute(f"PRAGMA quick_check({MOST})"):
            if words != "ok":
                yield Fault("file", f"SQLite's check of all of it: {words}")


def check_searched(database: sqlite3.Connection, part: int) -> Iterator[Fault]:
    """The rest about a table of SEARCHED, by its number from 1 on: its indexes, and that its rows name messages."""
    return _check_table(database, SEARCHED[part - 1])


def _check_table(database: sqlite3.Connection, name: str, *, is_quick: bool = False) -> Iterator[Fault]:
    """Quick: every page, but not whether each row is in each index."""
    for (words,) in database.execute(f'PRAGMA {"quick" if is_quick else "integrity"}_check("{name}")').fetchmany(MOST):
        if words != "ok":
            yield Fault("file", f"SQLite's check of {name}: {words}")
    if name == "sqlite_master" or is_quick:
        return
    yield from _check_types(database, name)
    for table, rowid, parent, _ in database.execute(f'PRAGMA foreign_key_check("{name}")').fetchmany(MOST):
        yield Fault(f"table {table}", f"row {rowid} names a row of {parent} that is not there")


_WRONG = {
    "TEXT": "{} >= x''",
    "VARCHAR(32)": "{} >= x''",
    "INTEGER": "{} >= ''",
    "BLOB": "typeof({}) NOT IN ('blob', 'null')",
}
"""By the type that a column was declared with, what is so of a value of another: to SQLite, numbers come before texts,
and these before blobs. Its own check sees numbers among texts, and NULL."""


def _check_types(database: sqlite3.Connection, name: str) -> Iterator[Fault]:
    """SQLite takes a blob for a text, and a text for a blob: one bit tells them apart, and both read the same."""
    columns = database.execute(f'PRAGMA table_info("{name}")').fetchall()
    wrong = {column: _WRONG[type_].format(f'"{column}"') for _, column, type_, *_ in columns if type_ in _WRONG}
    key = ", ".join(f'"{column[1]}"' for column in columns if column[5]) or "rowid"
    if not wrong or not database.execute(f'SELECT 1 FROM "{name}" WHERE {" OR ".join(wrong.values())}').fetchone():
        return
    for column, condition in wrong.items():
        for row in database.execute(f'SELECT {key} FROM "{name}" WHERE {condition} LIMIT {MOST}'):
            yield Fault(f"{name} {', '.join(map(str, row))}", f"its {column} is of another type than was written")


def _tables(database: sqlite3.Connection) -> list[str]:
    statement = "SELECT name FROM sqlite_master WHERE type = 'table' AND sql NOT LIKE 'CREATE VIRTUAL%' ORDER BY name"
    return [row[0] for row in database.execute(statement)]


@cache
def _expected() -> dict[str, _Object]:
    empty = sqlite3.connect(":memory:", isolation_level=None)
    try:
        upgrade(empty)
        return _objects(empty)
    finally:
        empty.close()


def _objects(database: sqlite3.Connection) -> dict[str, _Object]:
    """`trigger event_refuses_update` -> its SQL with one space for any white space."""
    return {
        f"{kind} {name}": (table, re.sub(r"\s+", " ", sql) if sql else None)
        for kind, name, table, sql in database.execute(_OBJECTS)
    }
