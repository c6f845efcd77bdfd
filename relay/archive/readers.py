"""The read-only connections to one SQLite file: a small pool, each connection with its thread."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from time import monotonic
from typing import cast

from sqlalchemy import AsyncAdaptedQueuePool, exc
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from relay.archive import database
from relay.archive.matching import has_header
from relay.archive.reader import Reader
from relay.model.figure import subject_pattern

READERS = 4
"""Connections."""
STEPS = 20_000
"""Instructions of SQLite's machine, about a millisecond's, after which it is asked whether time is up."""


@asynccontextmanager
async def limited(connection: AsyncConnection, limit: float | None) -> AsyncIterator[None]:
    """Statements on the connection are interrupted when `limit` seconds have passed since here.

    One within another: the time that ends first counts.
    """
    if limit is None:
        yield
        return
    reader = await reader_of(connection)
    before = reader.deadline
    at = monotonic() + limit
    reader.deadline = at if before is None else min(at, before)
    try:
        yield
    finally:
        reader.deadline = before


async def reader_of(connection: AsyncConnection) -> Reader:
    """What lies under it, for a statement without SQLAlchemy."""
    return cast(Reader, (await connection.get_raw_connection()).driver_connection)


def is_interrupted(error: exc.DBAPIError | sqlite3.Error) -> bool:
    """Whether the statement was stopped because time was up (`limited`)."""
    told = error.orig if isinstance(error, exc.DBAPIError) else error
    return getattr(told, "sqlite_errorcode", 0) == sqlite3.SQLITE_INTERRUPT


def readers(path: Path) -> AsyncEngine:
    """A pool that makes its connections when they are first needed."""

    async def connect() -> Reader:
        reader = Reader(lambda: _opened(path))
        await reader.open()
        await reader.run(lambda: reader.driver.set_progress_handler(reader.is_late, STEPS))
        return reader

    return create_async_engine(
        "sqlite+aiosqlite://",
        async_creator=connect,
        poolclass=AsyncAdaptedQueuePool,
        pool_size=READERS,
        max_overflow=0,
        pool_timeout=30,
    )


def _opened(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(database.address(path, "ro"), uri=True, isolation_level=None, cached_statements=512)
    try:
        for pragma in database.READER_PRAGMAS:
            connection.execute(pragma).fetchall()
        connection.create_function("has_header", 3, has_header, deterministic=True)
        connection.create_function("subject_pattern", 1, subject_pattern, deterministic=True)
    except sqlite3.Error:
        connection.close()
        raise
    return connection
