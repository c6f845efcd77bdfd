"""The one way past "facts are only added": inside a transaction with a row in `erasing` the triggers let texts go.

For `erasure.py`, which takes a person out of everything, and `forgetting.py`, which takes everything out of a message.
A leaf whose fact changed loses its salt: what it commits to stays in the log and can be opened no more. The event that
tells of a step names these leaves, so that the check of the archive tells an erasure from tampering.
"""

from __future__ import annotations

import sqlite3
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from relay.archive.journal import append_events
from relay.archive.vault import payload_owner
from relay.model.event import Event


@dataclass(slots=True)
class Rewriting(ABC):
    """One step: what is put in the place of a value, and which leaves and payloads that closed."""

    leaves: set[int] = field(default_factory=set, init=False)
    """Sequence numbers of their events."""
    payloads: set[str] = field(default_factory=set, init=False)

    @abstractmethod
    def replaced(self, table: str, column: str, value: Any) -> Any:
        """What is kept from now on where this value was; the same again for what it gave."""


def replace_row(
    database: sqlite3.Connection, table: str, row_id: int, columns: Sequence[str], rewriting: Rewriting
) -> bool:
    """Whether something in the row had to change. Which leaves that concerns is for the caller to say."""
    named = ", ".join(f'"{column}"' for column in columns)
    row = database.execute(f'SELECT {named} FROM "{table}" WHERE rowid = ?', (row_id,)).fetchone()
    if row is None:
        return False
    changed: dict[str, object] = {}
    for column, value in zip(columns, row, strict=True):
        after = rewriting.replaced(table, column, value)
        if after != value:
            changed[column] = after
    if table == "payload":
        # What a provider or a server sent cannot be taken apart: it goes as a whole, with how it came.
        changed |= {"body": b"", "headers": "{}", "peer": ""}
        (id_,) = database.execute("SELECT id FROM payload WHERE rowid = ?", (row_id,)).fetchone()
        database.execute("DELETE FROM data_key WHERE owner = ?", (payload_owner(id_),))
        rewriting.payloads.add(id_)
    if changed:
        assignments = ", ".join(f'"{column}" = ?' for column in changed)
        database.execute(f'UPDATE OR REPLACE "{table}" SET {assignments} WHERE rowid = ?', (*changed.values(), row_id))
    return bool(changed)


@contextmanager
def gate(database: sqlite3.Connection, name: str) -> Iterator[None]:
    """Inside, the triggers let texts be replaced. After an exception the transaction is given up, and this with it."""
    database.execute("INSERT INTO erasing VALUES (?)", (name,))
    yield
    database.execute("DELETE FROM erasing")


def close(database: sqlite3.Connection, rewriting: Rewriting, event: Event, data: Mapping[str, object]) -> None:
    """Takes the salts of the step's leaves away for good, and adds the event that names them, with `data` besides."""
    close_leaves(database, rewriting.leaves)
    closed = {"leaves": sorted(seq - 1 for seq in rewriting.leaves), "payloads": sorted(rewriting.payloads)}
    append_events(database, [replace(event, data={**event.data, **data, **closed})])


def close_leaves(database: sqlite3.Connection, seqs: Iterable[int]) -> None:
    """Takes the salts of these leaves away for good."""
    database.executemany("UPDATE leaf SET salt = NULL WHERE seq = ? AND salt IS NOT NULL", [(seq,) for seq in seqs])
