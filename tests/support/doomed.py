"""Work in a process of its own that can be killed at any write of its archive, or whenever the test likes.

Where it stands is learnt without sleeping and without touching our code: SQLite tells each statement of the writing
connection before it runs, and there the process can be made to stop until it is killed.
"""

from __future__ import annotations

import asyncio
import itertools
import multiprocessing
import signal
import sqlite3
import threading
from collections.abc import Callable, Coroutine
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

from relay.archive import open_archive
from tests.support import dispatch
from tests.support.dispatch import RunningClock, courier_of, upstream_of

WRITES = ("INSERT", "UPDATE", "DELETE", "COMMIT")
CLAIM = "UPDATE delivery SET state = 'sending'"
_connect = sqlite3.connect
Work = Callable[..., Coroutine[Any, Any, None]]
"""Found by its name in the other process: a function of a module."""
_context = multiprocessing.get_context("forkserver")
_read_already = [__name__, "relay.archive.sqlite.opening", "pytest"]
"""What opens an archive is read only when one is opened: by each process for itself, if not before."""


def read_for_processes(module: str) -> None:
    """The module, and what it needs, is read once for all processes; to be called before the first of them starts."""
    _read_already.append(module)
    _context.set_forkserver_preload(_read_already)


def process_of(target: Callable[..., None], *arguments: Any) -> tuple[BaseProcess, Connection]:
    """A process that runs `target(*arguments, telling)` when it is started, and where it is heard what it tells."""
    told, telling = _context.Pipe(duplex=False)
    return _context.Process(target=target, args=(*arguments, telling)), told


def is_killed(target: Callable[..., None], *arguments: Any) -> bool:
    """Whether the process that runs `target(*arguments)` was killed before it had finished."""
    process = _context.Process(target=target, args=arguments)
    process.start()
    process.join(120)
    assert process.exitcode in (0, -signal.SIGKILL)
    return process.exitcode != 0


async def killed_before(stop_at: int | None, first: str, work: Work, *arguments: Any) -> list[str]:
    """The writes that ran, from the one that begins with `first` on, before `work(*arguments)` was killed.

    `stop_at`: the number, from 1, of the write before which it is killed. Without it, or where there are not so many,
    the work is done.
    """
    process, told = process_of(_work, stop_at, first, work, arguments)
    process.start()
    assert await asyncio.to_thread(told.poll, 60.0)
    writes: list[str] = told.recv()
    process.kill()
    await asyncio.to_thread(process.join)
    return writes


class Doomed:
    """A courier runs in the process from `start` on. `stop_at`: the number, from 1, of the write before which it stops.

    Writes are counted from the claim on. Without `stop_at` it runs until all is at rest, and tells the writes.
    """

    def __init__(self, archive: Path, port: int, *, stop_at: int | None = None, **upstream: Any) -> None:
        self._process, self._told = process_of(_work, stop_at, CLAIM, _deliver, (str(archive), port, upstream))

    def start(self) -> None:
        self._process.start()

    async def told(self, within: float = 30.0) -> list[str]:
        """The writes that ran, once it stopped before the next one or came to rest. Raises TimeoutError."""
        if not await asyncio.to_thread(self._told.poll, within):
            raise TimeoutError("the courier neither stopped nor finished")
        writes: list[str] = self._told.recv()
        return writes

    async def kill(self) -> None:
        """SIGKILL, whatever it was doing."""
        self._process.kill()
        await asyncio.to_thread(self._process.join)


class Watch:
    """Sees every statement of the writing connection, in the writer's thread, just before it runs.

    Writes are counted from the one that starts with `begin` on.
    """

    def __init__(self, stop_at: int | None, telling: Connection, begin: str) -> None:
        self._stop_at, self._telling, self._begin = stop_at, telling, begin
        self.writes: list[str] = []

    def connect(self, database: str, *arguments: Any, **keywords: Any) -> sqlite3.Connection:
        """As sqlite3.connect."""
        connection: sqlite3.Connection = _connect(database, *arguments, **keywords)
        if "mode=rw" in database:
            connection.set_trace_callback(self._seen)
        return connection

    def _seen(self, statement: str) -> None:
        if not statement.startswith(WRITES) or not (self.writes or statement.startswith(self._begin)):
            return
        if len(self.writes) + 1 == self._stop_at:
            self._telling.send(self.writes)
            threading.Event().wait()
        self.writes.append(statement)


def _work(stop_at: int | None, first: str, work: Work, arguments: tuple[Any, ...], telling: Connection) -> None:
    watch = Watch(stop_at, telling, first)
    setattr(sqlite3, "connect", watch.connect)
    asyncio.run(work(*arguments))
    telling.send(watch.writes)


async def _deliver(path: str, port: int, upstream: dict[str, Any]) -> None:
    dispatch._numbers = itertools.count(1_000_000)  # ids of another life, not those of the test
    archive = await open_archive(f"sqlite:///{path}")
    courier = courier_of(archive, [upstream_of(port, **upstream)], RunningClock())
    await courier.start()
    while (await archive.next_due()) is not None or (await _under_way(Path(path))):
        await asyncio.sleep(0.005)
    await courier.stop(5)
    await archive.close()


async def _under_way(path: Path) -> bool:
    def count() -> int:
        with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as connection:
            return int(connection.execute("SELECT count(*) FROM delivery WHERE state = 'sending'").fetchone()[0])

    return await asyncio.to_thread(count) > 0
