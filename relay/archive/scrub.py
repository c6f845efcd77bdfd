"""Words of deleted messages leave the full-text indexes too: a list of words and places is nearly the text itself.

FTS5 only marks what was deleted, until segments happen to be merged (FTS5, "Internal data structures"). So all
segments are merged after a deletion, in small steps behind everything urgent. What is due is kept in a setting: a
restart goes on with it.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Sequence

from relay.archive.matching import FRAGMENTS

PAGES = 64
"""Pages of an index that one step rewrites."""
_FORGET_FRAGMENT = "INSERT INTO full_text_fragment(full_text_fragment, rowid, text) VALUES ('delete', ?, ?)"
SETTING = "full_text_scrub"
"""The indexes that are still to be merged, and whether the first of them has been begun: `[["full_text"], false]`."""


def forget_words(database: sqlite3.Connection) -> None:
    """Notes that all segments of all indexes are to be merged. One that is being merged goes on, and once more."""
    names, is_begun = _due(database)
    rows = database.execute("SELECT name FROM sqlite_master WHERE sql LIKE 'CREATE VIRTUAL TABLE%fts5(%' ORDER BY name")
    everything = [str(row[0]) for row in rows]
    _put(database, [*names[:1], *everything] if is_begun else everything, is_begun=is_begun)


def forget_fragments(database: sqlite3.Connection, fragments: Iterable[tuple[str, str]]) -> None:
    """Takes those (kind, text) out of the dictionary of fragments that no message has any more."""
    for kind, word in fragments:
        expression = f'{{{FRAGMENTS[kind]}}} : "{word}"'
        if database.execute("SELECT 1 FROM full_text WHERE full_text MATCH ? LIMIT 1", (expression,)).fetchone():
            continue
        for (row_id,) in database.execute("SELECT id FROM fragment WHERE kind = ? AND text = ?", (kind, word)):
            database.execute(_FORGET_FRAGMENT, (row_id, word))
            database.execute("DELETE FROM fragment WHERE id = ?", (row_id,))


def is_due(database: sqlite3.Connection) -> bool:
    return bool(_due(database)[0])


def steps(database: sqlite3.Connection, items: list[None]) -> Sequence[bool]:
    """The writer's batch function: one step of the merging. True: there is more to do."""
    names, is_begun = _due(database)
    if names:
        name = names[0]
        before = database.total_changes
        # Negative: all segments are put on one level first, so that none with old words is left out.
        pages = PAGES if is_begun else -PAGES
        database.execute(f'INSERT INTO "{name}"("{name}", rank) VALUES (\'merge\', ?)', (pages,))
        # FTS5, "The 'merge' command": a difference below 2 says that there was nothing to merge.
        is_finished = database.total_changes - before < 2
        names, is_begun = (names[1:], False) if is_finished else (names, True)
        _put(database, names, is_begun=is_begun)
    return [bool(names)] * len(items)


def _due(database: sqlite3.Connection) -> tuple[list[str], bool]:
    row = database.execute("SELECT value FROM setting WHERE key = ?", (SETTING,)).fetchone()
    names, is_begun = json.loads(row[0]) if row else ([], False)
    return names, is_begun


def _put(database: sqlite3.Connection, names: list[str], *, is_begun: bool) -> None:
    if names:
        value = json.dumps([names, is_begun])
        database.execute("INSERT OR REPLACE INTO setting (key, value) VALUES (?, ?)", (SETTING, value))
    else:
        database.execute("DELETE FROM setting WHERE key = ?", (SETTING,))
