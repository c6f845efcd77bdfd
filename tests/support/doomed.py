"""A courier in a process of its own that can be killed at any write of its archive, or whenever the test likes.

Where it stands is learnt without sleeping and without touching our code: SQLite tells each statement of the writing
connection before it runs, and there the process can be made to stop until it is killed.
"""

from __future__ import annotations

import asyncio
import itertools
import multiprocessing
import sqlite3
import threading
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from relay.archive import open_archive
from tests.support import dispatch
from tests.support.dispatch import RunningClock, courier_of, upstream_of

WRITES = ("INSERT", "UPDATE", "DELETE", "COMMIT")
CLAIM = "UPDATE delivery SET state = 'sending'"
_connect = sqlite3.connect
_context = multiprocessing.get_context("forkserver")
PRELOADED = ["tests.support.doomed", "relay.archive.sqlite.opening"]
"""What opens an archive is read only when one is opened: by each process for itself, if not before."""
_context.set_forkserver_preload(PRELOADED)


class Doomed:
    """`courier` runs in the process from `start` on. `stop_at`: the number, from 1, of the write before which it stops.

    Writes are counted from the claim on. Without `stop_at` it runs until all is at rest, and tells the writes.
    """

    def __init__(self, archive: Path, port: int, *, stop_at: int | None = None, **upstream: Any) -> None:
        self._told, telling = _context.Pipe(duplex=False)
        self._process = _context.Process(target=_live, args=(str(archive), port, stop_at, upstream, telling))

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

    def __init__(self, stop_at: int | None, telling: Connection, begin: str = CLAIM) -> None:
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


def _live(archive: str, port: int, stop_at: int | None, upstream: dict[str, Any], telling: Connection) -> None:
    watch = Watch(stop_at, telling)
    setattr(sqlite3, "connect", watch.connect)
    dispatch._numbers = itertools.count(1_000_000)  # ids of another life, not those of the test
    asyncio.run(_deliver(archive, port, upstream))
    telling.send(watch.writes)


async def _deliver(path: str, port: int, upstream: dict[str, Any]) -> None:
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
