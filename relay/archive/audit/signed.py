"""The log against what was signed of it: every checkpoint ever kept, the tree row, and one from elsewhere in hand."""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Iterator, Sequence

from relay.archive.api import ArchiveError
from relay.archive.api.audit import Fault
from relay.archive.ledger_reading import node_reader
from relay.ledger.checkpoint import Checkpoint
from relay.ledger.note import Verifier, open_note, split_note
from relay.ledger.scalars import LedgerError
from relay.ledger.stamp import StampError, StampUnknownError, check_stamp
from relay.ledger.tree import frontier_at, root_at


def check_signed(
    database: sqlite3.Connection, keys: Sequence[Verifier], known: Sequence[str] = (), remembered: str = ""
) -> Iterator[Fault]:
    """`keys`: of the log, today's and earlier ones; none: signatures are not checked. `known`: checkpoints kept
    elsewhere, as signed notes: a log that was put back to an older copy does not have what they say. `remembered`:
    the note in the file beside the archive, '' if there is none."""
    (size,) = database.execute("SELECT coalesce(max(seq), 0) FROM event").fetchone()
    yield from _check_tree(database, size)
    sizes: set[int] = set()
    for number, at, note, previous in database.execute("SELECT size, at, note, previous FROM checkpoint ORDER BY size"):
        where = f"checkpoint of {number} leaves"
        if type(at) is not int or at < 0:
            yield Fault(where, "its time is none")
        if previous != max(sizes, default=None):
            yield Fault(where, _gap(previous, sizes))
        sizes.add(number)
        yield from _check_note(database, size, where, note, keys, number)
    for note in known:
        yield from _check_note(database, size, "the checkpoint in hand", note, keys, None)
    if remembered:
        where = "the checkpoint in the file beside the archive"
        yield from _check_note(database, size, where, remembered, keys, None)
        yield from _check_latest(where, remembered, sizes)
    for number, authority, note, response, chain in database.execute(
        "SELECT size, authority, note, response, chain FROM stamp ORDER BY size"
    ):
        yield from _check_stamp(f"time stamp of {authority} for {number} leaves", note, response, chain, number)


def _gap(previous: int | None, sizes: set[int]) -> str:
    if previous is None or previous in sizes:
        return "does not name the one before it"
    return f"the one before it, of {previous} leaves, was taken away"


def _check_latest(where: str, note: str, sizes: set[int]) -> Iterator[Fault]:
    try:
        size = Checkpoint.parse(split_note(note)[0]).size
    except LedgerError:  # told already
        return
    if size not in sizes:
        words = f"of {size} leaves, is not in the archive: it was taken away there, or the server was killed just then"
        yield Fault(where, f"{words}, and its next start puts it back")


def _check_tree(database: sqlite3.Connection, size: int) -> Iterator[Fault]:
    row = database.execute("SELECT size, peaks FROM tree").fetchall()
    if len(row) != 1:
        yield Fault("table tree", f"{len(row)} rows, where one says how far the log is")
        return
    ((kept, peaks),) = row
    if kept != size:
        yield Fault("table tree", f"says that the log has {kept} leaves, the journal has {size} events")
        return
    try:
        if b"".join(frontier_at(size, node_reader(database)).peaks) != peaks:
            yield Fault("table tree", "the hashes it grows on are not those of the log")
    except (ArchiveError, LedgerError, ValueError, TypeError) as error:
        yield Fault("table tree", f"the log does not lead to its hashes: {error}")


def _check_note(
    database: sqlite3.Connection, size: int, where: str, note: str, keys: Sequence[Verifier], number: int | None
) -> Iterator[Fault]:
    try:
        text = open_note(note, keys).text if keys else split_note(note)[0]
        checkpoint = Checkpoint.parse(text)
    except (LedgerError, TypeError, AttributeError) as error:
        yield Fault(where, str(error))
        return
    if number is not None and checkpoint.size != number:
        yield Fault(where, f"was signed for {checkpoint.size} leaves")
    if checkpoint.size > size:
        yield Fault(where, f"the log has only {size} leaves: it was cut off, or put back to an older copy")
        return
    try:
        found = root_at(checkpoint.size, node_reader(database))
    except (ArchiveError, LedgerError, ValueError, TypeError) as error:
        yield Fault(where, f"the log does not lead to it: {error}")
        return
    if found != checkpoint.root:
        yield Fault(where, "the log has another root at this size: what was signed is not what is here")


def _check_stamp(where: str, note: str, response: bytes, chain: bytes, number: int) -> Iterator[Fault]:
    try:
        if Checkpoint.parse(split_note(note)[0]).size != number:
            yield Fault(where, "is for another checkpoint")
        check_stamp(response, hashlib.sha256(note.encode()).digest(), chain)
    except StampUnknownError:
        return
    except (StampError, LedgerError, TypeError, AttributeError, ValueError) as error:
        yield Fault(where, str(error))
