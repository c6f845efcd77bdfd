"""SQL text of insertions, made once from the schema, for the writer's thread to run on the driver's own connection.

Through SQLAlchemy's execute a statement costs several times what SQLite needs for it; on the way to a 250 that counts.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from functools import cache
from itertools import repeat

from relay.archive import schema


def insert(table: str, columns: Sequence[str], *, conflict: str = "") -> str:
    """`INSERT INTO table (columns) VALUES (?, …)`, with the conflict clause if any. Raises KeyError for a column
    that the schema does not have."""
    known = schema.metadata.tables[table].columns
    names = ", ".join(f'"{known[name].name}"' for name in columns)
    places = ", ".join("?" * len(columns))
    return f'INSERT INTO "{table}" ({names}) VALUES ({places}) {conflict}'.rstrip()


def insert_rows(database: sqlite3.Connection, statement: str, rows: Sequence[Sequence[object]]) -> None:
    """Runs a statement made by `insert` for all rows, many at a time.

    Not executemany: that hands the interpreter lock over and waits for it again at every row, and the event loop may
    keep it for milliseconds each time.
    """
    for start in range(0, len(rows), AT_A_TIME):
        part = rows[start : start + AT_A_TIME]
        database.execute(_repeated(statement, len(part)), [value for row in part for value in row])


AT_A_TIME = 32
"""Rows of one statement; each number of rows is a statement that SQLite keeps prepared."""


@cache
def _repeated(statement: str, count: int) -> str:
    """The statement with `VALUES (?, …)` repeated: `VALUES (?, …), (?, …)`."""
    head, _, places = statement.partition(" VALUES ")
    return f"{head} VALUES {', '.join(repeat(places, count))}"


def update(table: str, columns: Sequence[str], where: str) -> str:
    """`UPDATE table SET column = ?, … WHERE …`; the condition is a constant with its own `?`."""
    known = schema.metadata.tables[table].columns
    assignments = ", ".join(f'"{known[name].name}" = ?' for name in columns)
    return f'UPDATE "{table}" SET {assignments} WHERE {where}'
