"""The check of a whole archive, in portions that processes share, with progress, and going on where it was stopped.

    archive file -> [structure 1] … [sums 1] … [tables] [signed] [nodes] [contents 1..2000] … [deliveries …] …
                    [leaves 1..5120] … [words 1] [lists] [figures 1] … [derived 1..500] …    where it is asked for

Reads only, each portion in a snapshot of its own: facts are only added, so that a running server does no harm. What
it wrote after the start is not looked at, but for the hashes of the log, which are looked at as a whole.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from contextlib import closing
from itertools import chain, islice
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from relay.archive import database as opening
from relay.archive.api import ArchiveError
from relay.archive.api.audit import Extent, Fault, Portion, Progress, Reading
from relay.archive.api.encryption import Encryption
from relay.archive.audit.contents import check_contents
from relay.archive.audit.deliveries import check_deliveries
from relay.archive.audit.derived import check_derived
from relay.archive.audit.indexes import DAYS, WORDS, check_figures, check_lists, check_words
from relay.archive.audit.leaves import check_leaves, check_upper_nodes
from relay.archive.audit.signed import check_signed
from relay.archive.audit.structure import LARGE, SEARCHED, check_searched, check_structure
from relay.archive.audit.sums import ALONE, check_sums
from relay.archive.audit.tables import check_facts, check_records, check_tables
from relay.archive.cipher import Ring
from relay.archive.migrations.run import HEAD
from relay.archive.vault import Connection, Vault
from relay.ledger.note import Verifier
from relay.ledger.tiles import TILE_WIDTH

MESSAGES = 2000
"""Of one portion."""
LEAVES = 20 * TILE_WIDTH
READ_AGAIN = 500
"""Messages of one portion that are read as the indexer does."""
VERSION = 3
"""Of the list of portions: a file in which their numbers are noted is of this list alone."""
UNREADABLE = (sqlite3.Error, UnicodeDecodeError)
"""What is raised where the file is damaged; the second, where SQLite's own message quotes what it could not read."""
REMEMBERED = "ledger.checkpoint"
"""The file beside the archive with the latest checkpoint, written before it is kept."""


def check_archive(
    path: Path,
    *,
    keys: Sequence[Verifier] = (),
    known: Sequence[str] = (),
    processes: int = 2,
    state: Path | None = None,
    is_stopped: Callable[[], bool] = lambda: False,
    encryption: Encryption | None = None,
    looks_beside: bool = True,
    reading: Reading | None = None,
) -> Iterator[Progress]:
    """Checks everything; a Progress after each portion. `looks_beside`: the file with the latest checkpoint, which
    lies beside an archive in use, has to be in it. `processes`: at work at once; a small archive is checked in this one
    alone. `state`: a file in which it is noted how far the check got,
    with what it found; a check with the same file goes on from there. `keys`, `known`: see `check_signed`. `reading`:
    what is made from contents is made again, too."""
    kept = _State(state)
    remembered = _remembered(path) if looks_beside else ""
    vault = Vault.of(encryption)
    found = _extent(path, vault)
    extent = kept.extent or found
    kept.begin(extent)
    portions = portions_of(extent, reading)
    kept.done = [number for number in kept.done if number < len(portions)]
    for done, number in enumerate(kept.done, 1):
        yield Progress(done, len(portions), portions[number], tuple(kept.faults.get(str(number), ())), extent)
    rest = sorted(set(range(len(portions))) - set(kept.done))
    asked = (
        (number, (path, portions[number], extent, keys, known, remembered, vault.ring, reading)) for number in rest
    )
    is_alone = is_small(extent, is_read_again=reading is not None)
    with closing(_checked_here(asked) if is_alone else _checked_by(processes, asked)) as checked:
        for number, faults in checked:
            kept.note(number, faults)
            yield Progress(len(kept.done), len(portions), portions[number], faults, extent)
            if is_stopped():
                return
    kept.forget()


def is_small(extent: Extent, *, is_read_again: bool) -> bool:
    """No kind has more than one portion: to start processes, which read the program anew, would take longer."""
    return extent.messages <= (READ_AGAIN if is_read_again else MESSAGES) and extent.events <= LEAVES


Asked = tuple[int, tuple[Any, ...]]
"""The number of a portion, and the arguments of `check_portion`."""
Checked = Generator[tuple[int, tuple[Fault, ...]]]


def _checked_here(asked: Iterable[Asked]) -> Checked:
    for number, arguments in asked:
        yield number, tuple(check_portion(*arguments))


def _checked_by(processes: int, asked: Iterator[Asked]) -> Checked:
    """As they end: one that takes long, as the structure does, holds up no others."""
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
        waiting: dict[Future[list[Fault]], int] = {}
        try:
            while True:
                for number, arguments in islice(asked, 2 * processes - len(waiting)):
                    waiting[pool.submit(check_there, HEAD, *arguments)] = number
                if not waiting:
                    return
                for future in wait(waiting, return_when=FIRST_COMPLETED).done:
                    yield waiting.pop(future), tuple(future.result())
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def check_there(version: str, *arguments: Any) -> list[Fault]:
    """As `check_portion`, in a process that has read the program anew. Raises ArchiveError: it is another program by
    now, which would take for faults what it makes otherwise."""
    if version != HEAD:
        raise ArchiveError("the program was replaced while it checked the archive: begin again")
    return check_portion(*arguments)


def check_portion(
    path: Path,
    portion: Portion,
    extent: Extent,
    keys: Sequence[Verifier] = (),
    known: Sequence[str] = (),
    remembered: str = "",
    ring: Ring | None = None,
    reading: Reading | None = None,
) -> list[Fault]:
    """The faults of one portion. Whatever cannot even be read is one."""
    try:
        if portion.kind == "words":
            return list(check_words(path, WORDS[portion.first - 1]))
        with closing(open_to_check(path, Vault(ring))) as database:
            database.execute("BEGIN")
            return faults_in(database, portion, extent, keys, known, remembered, reading)
    except UNREADABLE as error:
        return [Fault("file", f"cannot be read: {error}")]


def faults_in(
    database: sqlite3.Connection,
    portion: Portion,
    extent: Extent,
    keys: Sequence[Verifier] = (),
    known: Sequence[str] = (),
    remembered: str = "",
    reading: Reading | None = None,
) -> list[Fault]:
    first, last = portion.first, portion.last
    checks: dict[str, Callable[[], Iterable[Fault]]] = {
        "structure": lambda: check_structure(database, first),
        "contents": lambda: check_contents(database, first, last),
        "deliveries": lambda: chain(check_deliveries(database, first, last), check_records(database, first, last)),
        "leaves": lambda: chain(check_leaves(database, first, last), check_facts(database, first, last)),
        "nodes": lambda: check_upper_nodes(database),
        "sums": lambda: check_sums(database, first),
        "tables": lambda: check_tables(database, extent.messages, extent.events),
        "signed": lambda: check_signed(database, keys, known, remembered),
        "derived": lambda: check_derived(database, first, last, reading) if reading else (),
        "indexes": lambda: check_searched(database, first),
        "lists": lambda: check_lists(database),
        "figures": lambda: check_figures(database, first),
    }
    faults: list[Fault] = []
    try:
        faults.extend(checks[portion.kind]())
    except UNREADABLE as error:
        faults.append(Fault("file", f"{portion.kind} {portion.first} to {portion.last} cannot be read: {error}"))
    except Exception as error:  # in a damaged file any value can be anything; what is not understood is not sound
        where = f"{portion.kind} {portion.first} to {portion.last}"
        faults.append(Fault(where, f"cannot be understood, and was not checked to its end: {error!r}"))
    return faults


def _remembered(path: Path) -> str:
    """Before the archive is looked at: what is signed later is in neither."""
    try:
        return path.with_name(REMEMBERED).read_text("utf-8")
    except FileNotFoundError:
        return ""
    except (OSError, UnicodeDecodeError):
        return "cannot be read"


def portions_of(extent: Extent, reading: Reading | None = None) -> list[Portion]:
    return [
        # What cannot be cut into portions comes first, so that all processes have something to do until the end.
        *(Portion("structure", part, part) for part in range(1, len(LARGE) + 1)),
        *(Portion("sums", part, part) for part in range(1, len(ALONE) + 1)),
        *map(Portion, ("tables", "structure", "sums", "nodes", "signed")),
        *_pieces("contents", extent.messages, MESSAGES),
        *_pieces("deliveries", extent.messages, MESSAGES),
        *_pieces("leaves", extent.events, LEAVES),
        # At the end: the numbers of the others, which are noted, stay what they are.
        *(_derived(extent) if reading else ()),
    ]


def _derived(extent: Extent) -> Iterator[Portion]:
    yield from (Portion("words", part, part) for part in range(1, len(WORDS) + 1))
    yield from (Portion("indexes", part, part) for part in range(1, len(SEARCHED) + 1))
    yield Portion("lists")
    yield from (Portion("figures", part, part) for part in range(1, DAYS + 1))
    yield from _pieces("derived", extent.messages, READ_AGAIN)


def _pieces(kind: str, count: int, size: int) -> Iterator[Portion]:
    for first in range(1, count + 1, size):
        yield Portion(kind, first, min(first + size - 1, count))


def _extent(path: Path, vault: Vault) -> Extent:
    """Raises ArchiveError: it is no archive, or a master key is missing, without which nothing can be said."""
    try:
        with closing(open_to_check(path, vault)) as database:
            if database.execute("SELECT 1 FROM sqlite_master WHERE name = 'data_key'").fetchone():
                vault.check(database)
            (messages,) = database.execute("SELECT coalesce(max(seq), 0) FROM message").fetchone()
            (events,) = database.execute("SELECT coalesce(max(seq), 0) FROM event").fetchone()
    except UNREADABLE as error:
        raise ArchiveError(f"{path} cannot be read as an archive: {error}") from error
    return Extent(messages, events)


def open_to_check(path: Path, vault: Vault) -> Connection:
    database = sqlite3.connect(opening.address(path, "ro"), uri=True, isolation_level=None, factory=Connection)
    database.vault = vault
    for pragma in opening.READER_PRAGMAS:
        database.execute(pragma)
    return database


class _State:
    """How far a check got, in a small JSON file that is replaced after each portion; nothing if there is no file."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self.extent: Extent | None = None
        self.done: list[int] = []
        """Numbers of portions, as they ended."""
        self.faults: dict[str, list[Fault]] = {}
        if path is None or not path.exists():
            return
        try:
            value = json.loads(path.read_text())
            if value["v"] != VERSION:
                raise ValueError("another version wrote it")
            self.extent, self.done = Extent(**value["extent"]), [int(number) for number in value["done"]]
            self.faults = {number: [Fault(*pair) for pair in pairs] for number, pairs in value["faults"].items()}
        except (OSError, ValueError, LookupError, TypeError, AttributeError) as error:
            raise ArchiveError(f"{path} does not say how far a check got: {error}") from error

    def begin(self, extent: Extent) -> None:
        self.extent = extent

    def forget(self) -> None:
        """All was checked: the next check with the same file begins anew."""
        if self._path is not None:
            self._path.unlink(missing_ok=True)

    def note(self, number: int, faults: Sequence[Fault]) -> None:
        self.done.append(number)
        if faults:
            self.faults[str(number)] = list(faults)
        if self._path is None or self.extent is None:
            return
        value = {
            "v": VERSION,
            "extent": {"messages": self.extent.messages, "events": self.extent.events},
            "done": self.done,
            "faults": {name: [[one.where, one.words] for one in found] for name, found in self.faults.items()},
        }
        fresh = self._path.with_name(self._path.name + ".new")
        fresh.write_text(json.dumps(value))
        fresh.replace(self._path)
