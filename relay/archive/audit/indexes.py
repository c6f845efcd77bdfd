"""What is counted and looked up over all messages: full-text indexes, who was written to, mailings, figures.

Only with `derived.py`: nothing here is evidence, and a recount takes longer than reading all contents.
"""

from __future__ import annotations

import os
import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from relay.archive import database as opening
from relay.archive.api.audit import Fault
from relay.archive.figure_counting import BY_AUTHOR, KEYS, WHOLE, counting
from relay.archive.figure_reading import CHANGED
from relay.archive.sections import SIZE
from relay.model.figure import DAY, NAMES, Facet, subject_pattern

MOST = 20
"""Faults of one kind that are told."""
WORDS = ("full_text", "full_text_fragment")
"""The full-text indexes, and from which table each takes its words."""
DAYS = 16
"""Portions in which figures are counted again."""

_PAIRS = (
    (
        "address",
        "nobody of this address was written to in a message for which it is noted",
        "SELECT address || ' in message number ' || seq FROM addressed WHERE NOT EXISTS (SELECT 1 FROM delivery"
        " WHERE message_seq = addressed.seq AND (lower(recipient) = address OR lower(original) = address))",
    ),
    (
        "delivery",
        "a search for its recipient does not find it",
        "SELECT id FROM delivery WHERE EXISTS (SELECT 1 FROM document WHERE document.seq = message_seq) AND ("
        "NOT EXISTS (SELECT 1 FROM addressed WHERE address = lower(recipient) AND seq = message_seq) OR ("
        "original IS NOT NULL AND NOT EXISTS (SELECT 1 FROM addressed WHERE address = lower(original)"
        " AND seq = message_seq)))",
    ),
    (
        "section",
        "does not have the first and the last date of its messages",
        "SELECT number FROM section WHERE (first_at, last_at) IS NOT (SELECT min(received_at), max(received_at)"
        f" FROM message WHERE seq BETWEEN number * {SIZE} AND number * {SIZE} + {SIZE - 1})",
    ),
    (
        "message number",
        "no section has its date",
        f"SELECT max(seq) FROM message GROUP BY seq / {SIZE} HAVING seq / {SIZE} NOT IN (SELECT number FROM section)",
    ),
    (
        "mailing",
        "does not count the messages that are noted as its own",
        "SELECT mailing.id FROM mailing LEFT JOIN (SELECT mailing, count(*) AS messages, max(seq) AS last FROM mailed"
        " WHERE mailing IS NOT NULL GROUP BY mailing) AS of_it ON of_it.mailing = mailing.id"
        " WHERE mailing.messages IS NOT of_it.messages OR last_seq < last"
        " OR last_seq > (SELECT max(seq) FROM message)",
    ),
    (
        "mailing",
        "its name is not what it is known by",
        "SELECT id FROM mailing WHERE key NOT LIKE application || char(31) || day || char(31) || source || char(31)"
        " || '%'",
    ),
)


def check_lists(database: sqlite3.Connection) -> Iterator[Fault]:
    for where, words, statement in _PAIRS:
        for (id_,) in database.execute(f"{statement} LIMIT {MOST}"):
            yield Fault(f"{where} {id_}", words)


def check_words(path: Path, name: str) -> Iterator[Fault]:
    """One full-text index against its words. FTS5's own check writes nothing, but wants a file that could be written:
    it is run over a copy of the index in a temporary file, which needs as much room (beside the archive, if it can)."""
    if os.access(path.parent, os.W_OK):
        os.environ.setdefault("SQLITE_TMPDIR", str(path.parent.resolve()))
    with closing(sqlite3.connect(opening.address(path, "ro"), uri=True, isolation_level=None)) as database:
        database.execute("PRAGMA temp_store = FILE")
        (sql,) = database.execute("SELECT sql FROM main.sqlite_master WHERE name = ?", (name,)).fetchone()
        source = re.search(r"content='(\w+)'", sql)
        if source is None:
            yield Fault(name, "is not as this version makes it")
            return
        database.execute("BEGIN")
        database.execute(re.sub(r"VIRTUAL TABLE \W*", "VIRTUAL TABLE temp.", sql, count=1))
        database.execute(f"CREATE TEMP VIEW {source[1]} AS SELECT * FROM main.{source[1]}")
        configs = [database.execute(f"SELECT * FROM {where}.{name}_config").fetchall() for where in ("temp", "main")]
        # Of each segment the pages, and the words they begin with: its own check looks only at those that are there.
        segments = [
            database.execute(f"SELECT DISTINCT {what} AS n FROM main.{name}_{part} WHERE n > 0 ORDER BY n").fetchall()
            for what, part in (("id >> 37", "data"), ("segid", "idx"))
        ]
        if configs[0] != configs[1] or segments[0] != segments[1]:
            yield Fault(f"index {name}", "is not as FTS5 makes it")
            return
        for part in ("data", "idx", "docsize"):
            database.execute(f"DELETE FROM temp.{name}_{part}")
            database.execute(f"INSERT INTO temp.{name}_{part} SELECT * FROM main.{name}_{part}")
        try:
            # 1: with the words that are in the table now (FTS5, "The 'integrity-check' command").
            database.execute(f"INSERT INTO temp.{name}({name}, rank) VALUES ('integrity-check', 1)")
        except sqlite3.DatabaseError as error:
            yield Fault(f"index {name}", f"does not have the words of the table {source[1]}: {error}")


# -- figures -------------------------------------------------------------------------------------------------------
_FACETS = (*(str(facet) for facet in BY_AUTHOR), *(WHOLE + facet for facet in Facet))
_DAY = counting("message.received_at >= ? AND message.received_at < ?", whole=Facet)
_KEPT = (
    f"SELECT {', '.join((*KEYS, *NAMES))} FROM figure WHERE day = ? AND facet IN"
    f" ({', '.join(repr(facet) for facet in _FACETS)})"
)


def check_figures(database: sqlite3.Connection, number: int) -> Iterator[Fault]:
    """The days whose number leaves `number` - 1 when divided by DAYS, but for those that are to be counted again."""
    database.create_function("subject_pattern", 1, subject_pattern, deterministic=True)
    (cursor,) = database.execute("SELECT event_seq FROM figure_cursor").fetchone() or (0,)
    (last,) = database.execute("SELECT coalesce(max(seq), 0) FROM event").fetchone()
    stale = {row[0] for row in database.execute("SELECT day FROM figure_day")}
    stale |= {row[0] for row in database.execute(CHANGED, (cursor, last))}
    strange = f"SELECT DISTINCT facet FROM figure WHERE facet NOT IN ({', '.join(repr(facet) for facet in _FACETS)})"
    for (facet,) in database.execute(strange):
        yield Fault(f"figures by {facet!r}", "nothing is counted by that")
    days = {row[0] for row in database.execute(f"SELECT DISTINCT received_at / {DAY} FROM message")}
    days |= {row[0] for row in database.execute("SELECT DISTINCT day FROM figure")}
    for day in sorted(days - stale):
        if day % DAYS != number - 1:
            continue
        kept = {tuple(row) for row in database.execute(_KEPT, (day,))}
        counted = {
            tuple(value or 0 if n >= len(KEYS) else value for n, value in enumerate(row))
            for row in database.execute(_DAY, (day * DAY, (day + 1) * DAY))
        }
        if kept != counted:
            words = f"{len(kept - counted)} rows do not say what is counted again"
            yield Fault(f"figures of day {day}", f"{words}, and {len(counted - kept)} are missing")
