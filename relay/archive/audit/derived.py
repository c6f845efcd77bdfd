"""What grid and search show of each message, made again from its content and compared: as long as indexing it anew.

The indexer's own function writes it into an archive in memory that has nothing but the messages of a portion. What it
makes may differ for another reason than tampering: an older version, or other rules, when the message was read last.
"""

from __future__ import annotations

import json
import signal
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import replace
from functools import cache
from threading import current_thread, main_thread
from types import FrameType
from typing import Any

from relay.archive import sums
from relay.archive.api import ArchiveError
from relay.archive.api.audit import Fault, Reading
from relay.archive.content import joined
from relay.archive.index import put_summary
from relay.archive.indexer import EXTRACT_TIMEOUT
from relay.archive.migrations.run import upgrade
from relay.archive.rows import Row, summary_of
from relay.archive.vault import Connection, Vault, opened_summary, vault_of
from relay.model.deletion import remains
from relay.model.summary import Summary

MOST = 20
"""Faults of one kind that are told of a portion."""

_COPIED = {"message": "seq", "delivery": "message_seq", "tag_change": "message_seq"}
"""What the indexer looks at beside the summary."""
_MESSAGES = (
    "SELECT message.seq, message.id, summary.data,"
    " EXISTS (SELECT 1 FROM deletion WHERE deletion.message_seq = message.seq),"
    " EXISTS (SELECT 1 FROM index_queue WHERE index_queue.seq = message.seq), data_key.master, data_key.wrapped"
    " FROM message LEFT JOIN summary ON summary.seq = message.seq LEFT JOIN data_key ON data_key.owner = message.id"
    " WHERE message.seq BETWEEN ? AND ? ORDER BY message.seq"
)
_FRAMES = "SELECT frame FROM content WHERE message_seq = ? ORDER BY n"
_ROWS = {
    "listing": "SELECT * FROM listing WHERE seq BETWEEN ? AND ?",
    "document": "SELECT * FROM document WHERE seq BETWEEN ? AND ?",
    "message_tag": "SELECT seq, tag FROM message_tag WHERE seq BETWEEN ? AND ?",
    "message_reference": "SELECT seq, code FROM message_reference WHERE seq BETWEEN ? AND ?",
    "mailed": "SELECT mailed.seq, is_automatic, key, application, day, source FROM mailed"
    " LEFT JOIN mailing ON mailing.id = mailed.mailing WHERE mailed.seq BETWEEN ? AND ?",
}
"""By table, the rows of some messages."""
_NORMAL: dict[str, Callable[[Any], Any]] = {
    # The same in another order: a tag put on later, a copy sent later.
    "listing.tags": lambda text: sorted(tag.casefold() for tag in json.loads(text)),
    "document.recipients": lambda text: sorted(set(text.split())),
}


def check_derived(database: sqlite3.Connection, first: int, last: int, reading: Reading) -> Iterator[Fault]:
    """Of the messages with these sequence numbers."""
    with closing(_scratch(reading)) as scratch:
        for table, column in _COPIED.items():
            rows = database.execute(f"SELECT * FROM {table} WHERE {column} BETWEEN ? AND ?", (first, last)).fetchall()
            if rows:
                scratch.executemany(f"INSERT INTO {table} VALUES ({', '.join('?' * len(rows[0]))})", rows)
        made: list[int] = []
        faults = 0
        for seq, id_, kept, is_deleted, is_waiting, *key in database.execute(_MESSAGES, (first, last)):
            if is_waiting:
                continue
            words, summary = _summary(database, seq, id_, kept, reading, is_deleted=is_deleted, key=key)
            if words and (faults := faults + 1) <= MOST:
                yield Fault(f"message {id_}", words)
            if summary is not None:
                put_summary(scratch, id_, summary)
                made.append(seq)
        yield from _compared(database, scratch, first, last, frozenset(made))
        yield from _fragments(database, scratch)


def _summary(
    database: sqlite3.Connection, seq: int, id_: str, kept: bytes | None, reading: Reading, *, is_deleted: int, key: Row
) -> tuple[str, Summary | None]:
    """What is wrong with the kept summary, and what should be shown; None if that cannot be said."""
    if kept is None:
        return "is not listed, and does not wait for it", None
    try:
        stored = summary_of(opened_summary(database, id_, kept))
    except Exception as error:  # of the decompressor, or a value of another type
        return f"what grid and page show of it cannot be read: {error}", None
    if is_deleted:
        words = "" if stored == remains(stored) else "its content was deleted, and more than may be is still shown"
        return words, stored
    try:
        frames = [row[0] for row in database.execute(_FRAMES, (seq,))]
        content = joined(vault_of(database).open_frames(id_, None if key[0] is None else (key[0], key[1]), frames))
    except (ArchiveError, TypeError, AttributeError):
        return "", None  # told where contents are checked
    try:
        with _limit(EXTRACT_TIMEOUT):
            made = reading.read(content)
    except Exception:  # whatever a parser comes to: it is listed by its envelope
        return "", stored
    if replace(made, attachment_text="") == stored:
        return "", made
    if _is_unread(stored):
        return "", stored
    return "what grid and page show of it is not what its content says", made


def _is_unread(summary: Summary) -> bool:
    """It was listed by its envelope, as reading it failed then."""
    return replace(summary, defects=()) == Summary() and any(
        defect.startswith(("not read:", "not stored:")) for defect in summary.defects
    )


def _compared(
    database: sqlite3.Connection, scratch: sqlite3.Connection, first: int, last: int, made: frozenset[int]
) -> Iterator[Fault]:
    ids = dict(database.execute("SELECT seq, id FROM message WHERE seq BETWEEN ? AND ?", (first, last)))
    for table, statement in _ROWS.items():
        columns = [column[0] for column in scratch.execute(f"{statement} LIMIT 0", (first, last)).description]
        found, expected = (
            _by_message(one.execute(statement, (first, last)), table, columns) for one in (database, scratch)
        )
        wrong = [seq for seq in sorted(made) if found.get(seq) != expected.get(seq)]
        for seq in wrong[:MOST]:
            pairs = zip(found.get(seq, ()), expected.get(seq, ()), strict=False)
            names = sorted({name for a, b in pairs for name, x, y in zip(columns, a, b, strict=True) if x != y})
            what = f": {', '.join(names)}" if names else ""
            yield Fault(f"message {ids[seq]}", f"what is in the table {table} is not made of its content{what}")


def _by_message(rows: Iterator[Row] | sqlite3.Cursor, table: str, columns: Sequence[str]) -> dict[int, list[Row]]:
    normal = [_NORMAL.get(f"{table}.{column}") for column in columns]
    found: dict[int, list[Row]] = {}
    for row in rows:
        found.setdefault(row[0], []).append([_plain(change, value) for change, value in zip(normal, row, strict=True)])
    return {seq: sorted(some, key=repr) for seq, some in found.items()}


def _plain(change: Callable[[Any], Any] | None, value: object) -> object:
    if change is None:
        return value
    try:
        return change(value)
    except (TypeError, ValueError, AttributeError):
        return value


def _fragments(database: sqlite3.Connection, scratch: sqlite3.Connection) -> Iterator[Fault]:
    missing = (
        (kind, text)
        for kind, text in scratch.execute("SELECT kind, text FROM fragment ORDER BY id")
        if database.execute("SELECT 1 FROM fragment WHERE text = ? AND kind = ?", (text, kind)).fetchone() is None
    )
    for (kind, text), _ in zip(missing, range(MOST), strict=False):
        yield Fault(f"fragment {text!r} ({kind})", "is missing: a search for its middle does not find its messages")


# -- an archive in memory ------------------------------------------------------------------------------------------
def _scratch(reading: Reading) -> Connection:
    """An empty one, whose parts are let in without what they name."""
    database = sqlite3.connect(":memory:", isolation_level=None, factory=Connection)
    database.vault = Vault(index_bodies=reading.index_bodies)
    _template().backup(database)
    database.execute("BEGIN")
    return database


@cache
def _template() -> sqlite3.Connection:
    database = sqlite3.connect(":memory:", isolation_level=None)
    upgrade(database)
    sums.cease(database)
    return database


@contextmanager
def _limit(seconds: float) -> Iterator[None]:
    """A content over which a parser hangs holds the check up no longer than that. Only a main thread gets signals."""
    if current_thread() is not main_thread():
        yield
        return

    def refuse(_signal: int, _frame: FrameType | None) -> None:
        raise TimeoutError

    before = signal.signal(signal.SIGALRM, refuse)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
