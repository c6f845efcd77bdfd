"""The one writer: a thread that owns the one writing and checkpointing connection, and commits in groups.

Group commit: take everything that waits, run it in one transaction, commit, answer, repeat. There is no timer: while
one group is being synced to disk the next one gathers. A unit of work is an item for a batch function
`work(database, items) -> results`; waiting items for the same function become one call, so that ten messages are one
`executemany` per table. A thread, not a task: the disk need not wait for the event loop's next turn between groups.

Index work has its own queue: it is taken only when nothing else waits, one item (a few messages) a transaction.
Knows nothing of tables. A caller that is cancelled changes nothing of what is written.
"""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from queue import Empty, SimpleQueue
from time import perf_counter
from typing import Any, TypeVar

from relay.archive.api import ArchiveError, ArchiveUnavailable
from relay.archive.database import BUSY_TIMEOUT, FOLLOWED_TIMEOUT, open_writer
from relay.archive.vault import Vault

Item = TypeVar("Item")
Result = TypeVar("Result")
Work = Callable[[sqlite3.Connection, list[Item]], Sequence[Result]]

QUIET = 0.2
"""Seconds without work after which the WAL is checkpointed."""
CHECKPOINT_PAGES = 4000
"""Pages committed to the WAL since the last checkpoint after which one is made under load too."""
EMPTY_EVERY = 2.0
"""Seconds between attempts to empty the WAL under load: each may wait for a reader, and writes wait with it."""
INCREMENTAL = 2
"""Of `PRAGMA auto_vacuum`."""
SPARE_PAGES = 4096
"""Free pages (16 MB) that stay in the file for what comes next; what is beyond is given back to the disk."""
SHRINK_PAGES = 512
"""Pages given back in one quiet moment: 2 MB, so that mail that comes just then waits for milliseconds."""
RESTART_FRAMES = 50_000
"""Frames in the WAL (200 MB) at which a checkpoint waits for readers, so that the file cannot grow without bound."""
FOLLOWED_UP_TO = 1024 * 1024 * 1024
"""Octets of a WAL that another program follows, at which it must be gone: Litestream empties it at half of that."""


@dataclass(slots=True)
class _Unit:
    work: Work[Any, Any]
    item: Any
    future: asyncio.Future[Any]
    after: Callable[[Any], None] | None
    result: Any = None
    error: BaseException | None = None


@dataclass(slots=True)
class Tally:
    """What the writer has done so far; read by health()."""

    commits: int = 0
    units: int = 0
    seconds: float = 0.0
    checkpoints: int = 0
    problem: str = ""
    """Why the latest group was not kept; empty after a group that was."""


class Writer:
    """See the module's docstring. `start` and `submit` belong to the event loop, the rest to the thread."""

    def __init__(self, path: Path, vault: Vault | None = None, *, followed_up_to: int = 0) -> None:
        """`followed_up_to`: another program copies the WAL and is the only one that checkpoints, unless the file has
        grown to so many octets; 0: nobody does. Two that checkpoint could damage the file (see `database.py`)."""
        self.tally = Tally()
        self._path = path
        self._vault = vault
        self._followed_up_to = followed_up_to
        self._database: sqlite3.Connection | None = None
        self._urgent: SimpleQueue[_Unit | None] = SimpleQueue()
        self._patient: deque[_Unit] = deque()
        self._wal_pages = 0
        self._page_count = 0
        self._is_closing = False
        self._must_empty = False
        self._emptied_at = 0.0
        self._may_shrink = True
        self._loop = asyncio.get_running_loop()
        self._thread = threading.Thread(target=self._run, name="archive-writer", daemon=True)

    def start(self, database: sqlite3.Connection) -> None:
        self._database = database
        self._thread.start()

    def submit(
        self,
        work: Work[Item, Result],
        item: Item,
        *,
        after: Callable[[Result], None] | None = None,
        is_patient: bool = False,
    ) -> asyncio.Future[Result]:
        """A future of the result, done after the commit; `after(result)` is called in the loop just before that,
        also if nobody waits any more. Raises ArchiveUnavailable once closing."""
        if self._is_closing:
            raise ArchiveUnavailable("the archive is closed")
        future: asyncio.Future[Result] = self._loop.create_future()
        unit = _Unit(work, item, future, after)
        if is_patient:
            self._patient.append(unit)
            self._urgent.put(None)
        else:
            self._urgent.put(unit)
        return future

    def empty_log(self) -> None:
        """Has the WAL emptied as soon as no reader needs it: pages from before a deletion are still in it."""
        self._must_empty = True
        self._urgent.put(None)

    async def close(self) -> None:
        """Finishes what waits, checkpoints, closes the connection, ends the thread."""
        self._is_closing = True
        self._urgent.put(None)
        await asyncio.to_thread(self._thread.join)

    # -- the thread ------------------------------------------------------------------------------------------
    def _run(self) -> None:
        while True:
            units = self._gather()
            if units:
                self._commit(units)
                self._answer(units)
                # Behind the answers: nobody waits for it.
                self._measure_wal(len(units))
                if self._must_empty and perf_counter() - self._emptied_at > EMPTY_EVERY:
                    self._empty()
                elif self._wal_pages >= CHECKPOINT_PAGES:
                    self._checkpoint()
            elif self._is_closing and self._urgent.empty():
                break
        self._shut()

    def _gather(self) -> list[_Unit]:
        """All urgent units that wait, else one patient one, else none after a quiet moment or a wake-up."""
        units: list[_Unit] = []
        if not self._patient and not self._is_closing:
            units.extend(self._wait())
        while True:
            try:
                unit = self._urgent.get_nowait()
            except Empty:
                break
            if unit is not None:
                units.append(unit)
        if not units and self._patient:
            units.append(self._patient.popleft())
        return units

    def _wait(self) -> list[_Unit]:
        while True:
            try:
                unit = self._urgent.get(
                    timeout=QUIET if self._wal_pages or self._must_empty or self._may_shrink else None
                )
            except Empty:
                if self._must_empty:
                    self._empty()
                elif self._wal_pages:
                    self._checkpoint()
                else:
                    self._shrink()
                continue
            return [unit] if unit is not None else []

    def _commit(self, units: list[_Unit]) -> None:
        """One transaction for all; if it fails, one for each, so that a bad item does not hurt the others."""
        started = perf_counter()
        error = self._transact(units)
        if error is not None and len(units) > 1 and not _is_environment(error):
            for unit in units:
                unit.error = self._transact([unit])
        elif error is not None:
            for unit in units:
                unit.error = error
        self.tally.seconds += perf_counter() - started

    def _transact(self, units: list[_Unit]) -> BaseException | None:
        """Runs the units in one transaction. None: committed. Otherwise nothing of them was kept."""
        try:
            database = self._connection()
            database.execute("BEGIN IMMEDIATE")
            for work, members in _by_work(units):
                results = work(database, [unit.item for unit in members])
                for unit, result in zip(members, results, strict=True):
                    unit.result = result
            # Crash before this line: none of the units exists and no caller was told otherwise.
            database.execute("COMMIT")
            # Crash after it: all of them exist; callers that were not told may repeat with the same ids.
        except BaseException as error:
            self._undo()
            problem = _translated(error)
            self.tally.problem = str(problem) if isinstance(problem, ArchiveUnavailable) else self.tally.problem
            return problem
        self.tally.problem = ""
        self.tally.commits += 1
        self.tally.units += len(units)
        return None

    def _measure_wal(self, units: int) -> None:
        """Adds the pages that the transaction wrote: those that are new, and an estimate of those changed."""
        if self._database is None:
            return
        try:
            (pages,) = self._database.execute("PRAGMA page_count").fetchone()
        except sqlite3.Error:
            # The units are committed; whatever is wrong with the connection shows at the next group.
            pages = self._page_count
        self._wal_pages += max(pages - self._page_count, 0) + 10 + 4 * units
        self._page_count = pages
        self._may_shrink = True

    def _connection(self) -> sqlite3.Connection:
        if self._database is None:
            patience = FOLLOWED_TIMEOUT if self._followed_up_to else BUSY_TIMEOUT
            self._database = open_writer(self._path, self._vault, patience)
        return self._database

    def _undo(self) -> None:
        """Rolls back; a connection that cannot is closed, and the next group opens a new one."""
        if self._database is None:
            return
        try:
            if self._database.in_transaction:
                self._database.execute("ROLLBACK")
        except sqlite3.Error:
            self._database.close()
            self._database = None

    def _answer(self, units: list[_Unit]) -> None:
        # A loop that is closed has nobody left who waits.
        with suppress(RuntimeError):
            self._loop.call_soon_threadsafe(_resolve, units)

    def _empty(self) -> None:
        """Checkpoints and cuts the WAL to nothing; tried again later if a reader still needs what is in it."""
        self._emptied_at = perf_counter()
        if self._is_left_to_another():
            self._must_empty, self._wal_pages = False, 0
            return
        try:
            (is_busy, _, _) = self._connection().execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        except sqlite3.Error as error:
            self.tally.problem = f"checkpoint: {error}"
            self._undo()
            return
        self._must_empty = bool(is_busy)
        self._wal_pages = self._wal_pages if is_busy else 0
        self.tally.checkpoints += 1

    def _shrink(self) -> None:
        """Gives some free pages back to the disk, where the file was made for it; again in the next quiet moment."""
        self._may_shrink = False
        try:
            database = self._connection()
            (free,) = database.execute("PRAGMA freelist_count").fetchone()
            (mode,) = database.execute("PRAGMA auto_vacuum").fetchone()
            if mode != INCREMENTAL or free <= SPARE_PAGES:
                return
            # One page a step, and `execute` takes but one.
            database.executescript(f"PRAGMA incremental_vacuum({min(SHRINK_PAGES, free - SPARE_PAGES)})")
            self._may_shrink = True
            # The file is cut off when the WAL is emptied.
            self._wal_pages += SHRINK_PAGES
            self._must_empty = free - SHRINK_PAGES <= SPARE_PAGES
        except sqlite3.Error as error:
            self.tally.problem = f"giving space back: {error}"
            self._undo()

    def _checkpoint(self, mode: str = "PASSIVE") -> None:
        """Moves committed pages from the WAL into the database. A failure is no loss: the WAL keeps them."""
        self._wal_pages = 0
        if self._is_left_to_another():
            return
        self.tally.checkpoints += 1
        try:
            database = self._connection()
            (_, frames, _) = database.execute(f"PRAGMA wal_checkpoint({mode})").fetchone()
            if mode == "PASSIVE" and frames > RESTART_FRAMES:
                # A reader kept an old snapshot each time: wait (briefly, busy_timeout) until none does.
                database.execute("PRAGMA wal_checkpoint(RESTART)").fetchone()
        except sqlite3.Error as error:
            self.tally.problem = f"checkpoint: {error}"
            self._undo()

    def _is_left_to_another(self) -> bool:
        """Whether a checkpoint is for the program that follows the WAL."""
        if not self._followed_up_to:
            return False
        with suppress(FileNotFoundError):
            return Path(f"{self._path}-wal").stat().st_size < self._followed_up_to
        return True

    def _shut(self) -> None:
        if self._database is not None:
            self._checkpoint("TRUNCATE")
            self._database.close()
            self._database = None


def _by_work(units: list[_Unit]) -> list[tuple[Work[Any, Any], list[_Unit]]]:
    """Units by function, in the order in which the functions first came."""
    groups: dict[Work[Any, Any], list[_Unit]] = {}
    for unit in units:
        groups.setdefault(unit.work, []).append(unit)
    return list(groups.items())


def _resolve(units: list[_Unit]) -> None:
    for unit in units:
        if unit.error is None and unit.after is not None:
            unit.after(unit.result)
        if unit.future.done():
            continue
        if unit.error is None:
            unit.future.set_result(unit.result)
        else:
            unit.future.set_exception(unit.error)


def _is_environment(error: BaseException) -> bool:
    """True if the other units of the group would fail alike. A full disk may still take a smaller unit."""
    return isinstance(error, ArchiveUnavailable) and not error.is_full


def _translated(error: BaseException) -> BaseException:
    if isinstance(error, sqlite3.IntegrityError):
        return ArchiveError(f"refused by the database: {error}")
    if isinstance(error, (UnicodeError, OverflowError)):
        return ArchiveError(f"a value cannot be stored: {error}")
    if isinstance(error, sqlite3.Error):
        is_full = getattr(error, "sqlite_errorcode", 0) & 0xFF == sqlite3.SQLITE_FULL
        return ArchiveUnavailable(f"not kept: {error}", is_full=is_full)
    return error
