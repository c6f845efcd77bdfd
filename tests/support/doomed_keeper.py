"""A run of retention in a process of its own that is killed before a write of its archive; see `doomed.py`."""

from __future__ import annotations

import asyncio
import multiprocessing
import sqlite3
from multiprocessing.connection import Connection
from pathlib import Path

from relay.archive import open_archive
from relay.config.retention import Retention
from relay.notary.retention import Keeper
from tests.support.archive_values import NOON, SECOND, new_id
from tests.support.doomed import PRELOADED, Watch

DAY = 24 * 3600
RULES = (Retention(name="old", body=DAY, metadata=2 * DAY),)
FIRST = 'INSERT INTO "deletion"'
_context = multiprocessing.get_context("forkserver")
_context.set_forkserver_preload([*PRELOADED, "tests.support.doomed_keeper"])


def clock() -> int:
    """When both times of what came at noon are over."""
    return NOON + 2 * DAY * SECOND + 10 * SECOND


async def killed(path: Path, stop_at: int | None) -> list[str]:
    """The writes, from the first deletion on, that ran before the process was killed; None: when it had finished."""
    told, telling = _context.Pipe(duplex=False)
    process = _context.Process(target=_live, args=(str(path), stop_at, telling))
    process.start()
    assert await asyncio.to_thread(told.poll, 60.0)
    writes: list[str] = told.recv()
    process.kill()
    await asyncio.to_thread(process.join)
    return writes


def _live(path: str, stop_at: int | None, telling: Connection) -> None:
    watch = Watch(stop_at, telling, FIRST)
    setattr(sqlite3, "connect", watch.connect)
    asyncio.run(_run(path))
    telling.send(watch.writes)


async def _run(path: str) -> None:
    archive = await open_archive(f"sqlite:///{path}")
    await Keeper(RULES, 0, archive=archive, clock=clock, new_id=new_id).run_due()
    await archive.settled()
    await archive.close()
