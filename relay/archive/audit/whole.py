"""The check of a whole archive, in portions that processes share, with progress, and going on where it was stopped.

    archive file -> [structure] -> [contents 1..2000] [contents 2001..4000] … -> [leaves 1..5120] … -> [tables] [signed]

Reads only, each portion in a snapshot of its own: facts are only added, so that a running server does no harm. What
it wrote after the start is not looked at.
"""

from __future__ import annotations

import json
import sqlite3
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

from relay.archive import database as opening
from relay.archive.audit.contents import check_contents
from relay.archive.audit.fault import Fault
from relay.archive.audit.leaves import check_leaves, check_upper_nodes
from relay.archive.audit.signed import check_signed
from relay.archive.audit.structure import check_structure
from relay.archive.audit.tables import check_tables
from relay.ledger.note import Verifier
from relay.ledger.tiles import TILE_WIDTH

MESSAGES = 2000
"""Of one portion."""
LEAVES = 20 * TILE_WIDTH


@dataclass(frozen=True, slots=True)
class Portion:
    """One piece of work. `kind`: structure, contents, leaves, tables, signed."""

    kind: str
    first: int = 0
    last: int = 0


@dataclass(frozen=True, slots=True)
class Progress:
    """After each portion: so much is done, and what was wrong in it."""

    done: int
    total: int
    portion: Portion
    faults: tuple[Fault, ...]


@dataclass(frozen=True, slots=True)
class Extent:
    """How much there was when the check began."""

    messages: int
    events: int


def check_archive(
    path: Path,
    *,
    keys: Sequence[Verifier] = (),
    known: Sequence[str] = (),
    processes: int = 2,
    state: Path | None = None,
    is_stopped: Callable[[], bool] = lambda: False,
) -> Iterator[Progress]:
    """Checks everything; a Progress after each portion. `state`: a file in which it is noted how far the check got,
    with what it found; a check with the same file goes on from there. `keys`, `known`: see `check_signed`."""
    kept = _State(state)
    extent = kept.extent or _extent(path)
    kept.begin(extent)
    portions = _portions(extent)
    done = 0
    for portion in portions[: kept.done]:
        done += 1
        yield Progress(done, len(portions), portion, tuple(kept.faults.get(str(done), ())))
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
        waiting: deque[tuple[Portion, Future[list[Fault]]]] = deque()
        rest = iter(portions[kept.done :])
        try:
            while True:
                while len(waiting) < 2 * processes and (piece := next(rest, None)) is not None:
                    waiting.append((piece, pool.submit(check_portion, path, piece, extent, keys, known)))
                if not waiting or is_stopped():
                    return
                portion, future = waiting.popleft()
                faults = tuple(future.result())
                done += 1
                kept.note(done, faults)
                yield Progress(done, len(portions), portion, faults)
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def check_portion(
    path: Path, portion: Portion, extent: Extent, keys: Sequence[Verifier], known: Sequence[str]
) -> list[Fault]:
    """The faults of one portion. Whatever cannot even be read is one."""
    checks: dict[str, Callable[[sqlite3.Connection], Iterator[Fault]]] = {
        "structure": check_structure,
        "contents": lambda database: check_contents(database, portion.first, portion.last),
        "leaves": lambda database: check_leaves(database, portion.first, portion.last),
        "nodes": lambda database: check_upper_nodes(database, extent.events),
        "tables": lambda database: check_tables(database, extent.messages, extent.events),
        "signed": lambda database: check_signed(database, extent.events, keys, known),
    }
    faults: list[Fault] = []
    try:
        with closing(_open(path)) as database:
            database.execute("BEGIN")
            faults.extend(checks[portion.kind](database))
    except sqlite3.Error as error:
        faults.append(Fault("file", f"{portion.kind} {portion.first} to {portion.last} cannot be read: {error}"))
    return faults


def _portions(extent: Extent) -> list[Portion]:
    return [
        Portion("structure"),
        *_pieces("contents", extent.messages, MESSAGES),
        *_pieces("leaves", extent.events, LEAVES),
        Portion("nodes"),
        Portion("tables"),
        Portion("signed"),
    ]


def _pieces(kind: str, count: int, size: int) -> Iterator[Portion]:
    for first in range(1, count + 1, size):
        yield Portion(kind, first, min(first + size - 1, count))


def _extent(path: Path) -> Extent:
    with closing(_open(path)) as database:
        (messages,) = database.execute("SELECT coalesce(max(seq), 0) FROM message").fetchone()
        (events,) = database.execute("SELECT coalesce(max(seq), 0) FROM event").fetchone()
    return Extent(messages, events)


def _open(path: Path) -> sqlite3.Connection:
    database = sqlite3.connect(opening.address(path, "ro"), uri=True, isolation_level=None)
    for pragma in opening.READER_PRAGMAS:
        database.execute(pragma)
    return database


class _State:
    """How far a check got, in a small JSON file that is replaced after each portion; nothing if there is no file."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self.extent: Extent | None = None
        self.done = 0
        self.faults: dict[str, list[Fault]] = {}
        if path is not None and path.exists():
            value = json.loads(path.read_text())
            self.extent, self.done = Extent(**value["extent"]), value["done"]
            self.faults = {number: [Fault(*pair) for pair in pairs] for number, pairs in value["faults"].items()}

    def begin(self, extent: Extent) -> None:
        self.extent = extent

    def note(self, done: int, faults: Sequence[Fault]) -> None:
        self.done = done
        if faults:
            self.faults[str(done)] = list(faults)
        if self._path is None or self.extent is None:
            return
        value = {
            "extent": {"messages": self.extent.messages, "events": self.extent.events},
            "done": done,
            "faults": {number: [[one.where, one.words] for one in found] for number, found in self.faults.items()},
        }
        fresh = self._path.with_name(self._path.name + ".new")
        fresh.write_text(json.dumps(value))
        fresh.replace(self._path)
