"""SQL text of insertions, made once from the schema, for the writer's thread to run on the driver's own connection.

Through SQLAlchemy's execute a statement costs several times what SQLite needs for it; on the way to a 250 that counts.
"""

from __future__ import annotations

from collections.abc import Sequence

from relay.archive import schema


def insert(table: str, columns: Sequence[str], *, conflict: str = "") -> str:
    """`INSERT INTO table (columns) VALUES (?, …)`, with the conflict clause if any. Raises KeyError for a column
    that the schema does not have."""
    known = schema.metadata.tables[table].columns
    names = ", ".join(f'"{known[name].name}"' for name in columns)
    places = ", ".join("?" * len(columns))
    return f'INSERT INTO "{table}" ({names}) VALUES ({places}) {conflict}'.rstrip()


def update(table: str, columns: Sequence[str], where: str) -> str:
    """`UPDATE table SET column = ?, … WHERE …`; the condition is a constant with its own `?`."""
    known = schema.metadata.tables[table].columns
    assignments = ", ".join(f'"{known[name].name}" = ?' for name in columns)
    return f'UPDATE "{table}" SET {assignments} WHERE {where}'
