"""Keeping figures: batch functions for the writer. What is promised is in `api/figure.py`."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from relay.archive.figure_counting import KEYS
from relay.archive.insert import insert
from relay.archive.rows import Row
from relay.model.figure import NAMES

_DELETE = f"DELETE FROM figure WHERE {' AND '.join(f'{name} = ?' for name in KEYS)}"
_INSERT = insert("figure", [*KEYS, *NAMES])
_NOTE = (
    "INSERT INTO figure_day (day, mark, since) VALUES (?, 1, ?) "
    "ON CONFLICT (day) DO UPDATE SET mark = mark + 1, since = min(since, excluded.since)"
)


@dataclass(frozen=True, slots=True)
class Changes:
    """Days to be counted again, each with when that began, and the last event that was looked at."""

    days: Mapping[int, int]
    event_seq: int


@dataclass(frozen=True, slots=True)
class Counted:
    """What is new of a day, counted when it had this mark. `gone`: keys of rows that are there no more, or changed."""

    day: int
    mark: int
    gone: Sequence[Row]
    rows: Sequence[Row]


def note_changes(database: sqlite3.Connection, batches: list[Changes]) -> list[None]:
    """Crash before the commit: the same events are looked at again."""
    for changes in batches:
        database.executemany(_NOTE, changes.days.items())
        database.execute("UPDATE figure_cursor SET event_seq = max(event_seq, ?)", (changes.event_seq,))
    return [None] * len(batches)


def keep_days(database: sqlite3.Connection, batches: list[Counted]) -> list[None]:
    """Crash before the commit: the day is counted again."""
    for counted in batches:
        database.executemany(_DELETE, counted.gone)
        database.executemany(_INSERT, counted.rows)
        database.execute("DELETE FROM figure_day WHERE day = ? AND mark = ?", (counted.day, counted.mark))
    return [None] * len(batches)
