"""The read-only connections to one SQLite file: a small pool, each connection with its thread."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import aiosqlite
from sqlalchemy import AsyncAdaptedQueuePool
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from relay.archive import database
from relay.archive.condition import has_header
from relay.model.figure import subject_pattern

READERS = 4
"""Connections."""


def readers(path: Path) -> AsyncEngine:
    """A pool that makes its connections when they are first needed."""

    async def connect() -> aiosqlite.Connection:
        connection = await aiosqlite.connect(database.address(path, "ro"), uri=True, isolation_level=None)
        try:
            for pragma in database.READER_PRAGMAS:
                await connection.execute(pragma)
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
