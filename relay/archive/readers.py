"""The read-only connections to one SQLite file: a small pool, each connection with its thread."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from time import monotonic
from typing import cast
from weakref import WeakKeyDictionary

import aiosqlite
from sqlalchemy import AsyncAdaptedQueuePool, exc
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from relay.archive import database
from relay.archive.matching import has_header
from relay.model.figure import subject_pattern

READERS = 4
"""Connections."""
STEPS = 20_000
"""Instructions of SQLite's machine, about a millisecond's, after which it is asked whether time is up."""


class _Deadline:
    """Whether SQLite is to stop what it does on one connection."""

    def __init__(self) -> None:
        self.at: float | None = None

    def __call__(self) -> int:
        return int(self.at is not None and monotonic() >= self.at)


_deadlines: WeakKeyDictionary[aiosqlite.Connection, _Deadline] = WeakKeyDictionary()


@asynccontextmanager
async def limited(connection: AsyncConnection, limit: float | None) -> AsyncIterator[None]:
    """Statements on the connection are interrupted when `limit` seconds have passed since here.

    One within another: the time that ends first counts.
    """
    if limit is None:
        yield
        return
    driver = (await connection.get_raw_connection()).driver_connection
    deadline = _deadlines[cast(aiosqlite.Connection, driver)]
    before = deadline.at
    at = monotonic() + limit
    deadline.at = at if before is None else min(at, before)
    try:
        yield
    finally:
        deadline.at = before


def is_interrupted(error: exc.DBAPIError) -> bool:
    """Whether the statement was stopped because time was up (`limited`)."""
    return getattr(error.orig, "sqlite_errorcode", 0) == sqlite3.SQLITE_INTERRUPT


def readers(path: Path) -> AsyncEngine:
    """A pool that makes its connections when they are first needed."""

    async def connect() -> aiosqlite.Connection:
        connection = await aiosqlite.connect(database.address(path, "ro"), uri=True, isolation_level=None)
        try:
            for pragma in database.READER_PRAGMAS:
                await connection.execute(pragma)
            deadline = _deadlines[connection] = _Deadline()
            await connection.set_progress_handler(deadline, STEPS)
            await connection.create_function("has_header", 3, has_header, deterministic=True)
            await connection.create_function("subject_pattern", 1, subject_pattern, deterministic=True)
        except sqlite3.Error:
            await connection.close()
            raise
        return connection

    return create_async_engine(
        "sqlite+aiosqlite://",
        async_creator=connect,
        poolclass=AsyncAdaptedQueuePool,
        pool_size=READERS,
        max_overflow=0,
        pool_timeout=30,
    )
