"""One read-only connection to a SQLite file, with its thread, as SQLAlchemy's asynchronous dialect calls a driver.

Each statement is one trip to the thread, which runs it and brings all its rows. (aiosqlite goes there five times: to
make a cursor, to execute, to fetch, to close and to roll back. With twenty statements for a page, those trips cost more
than the statements.) `BEGIN` waits for the first statement and travels with it; a rollback is not waited for.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from time import monotonic
from typing import Any, Self, TypeVar

Result = TypeVar("Result")


class Cursor:
    """The rows of one statement: all of them, as soon as it has run."""

    arraysize = 1
    rowcount = -1
    lastrowid = 0

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._rows: Sequence[Any] = ()
        self.description: Any = None

    async def __aenter__(self) -> Self:
        return self

    async def execute(self, statement: str, parameters: Sequence[Any] = ()) -> Self:
        """Raises sqlite3.Error."""
        self._rows, self.description = await self._reader.execute(statement, parameters)
        return self

    async def fetchall(self) -> Sequence[Any]:
        return self._rows

    async def close(self) -> None:
        """There is nothing to close: the statement has run to its end."""


class Reader:
    """`connect` is called in the thread of the connection, as is everything that is done to what it gives."""

    def __init__(self, connect: Callable[[], sqlite3.Connection]) -> None:
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="reader")
        self._connect = connect
        # SQLAlchemy looks by this name whether the connection is open.
        self._connection: sqlite3.Connection | None = None
        self.deadline: float | None = None
        """When (`time.monotonic`) what runs is to be stopped; SQLite asks `is_late` now and then."""
        self._is_begun = False
        """BEGIN was asked for, and no statement has gone since."""

    async def open(self) -> Self:
        """Raises sqlite3.Error; the thread is then gone."""
        try:
            self._connection = await self.run(self._connect)
        except BaseException:
            self._thread.shutdown(wait=False)
            raise
        return self

    def is_late(self) -> int:
        """For SQLite's progress handler."""
        return int(self.deadline is not None and monotonic() >= self.deadline)

    async def create_function(self, *given: Any, **named: Any) -> None:
        """As sqlite3 does; SQLAlchemy brings one of its own."""
        await self.run(lambda: self.driver.create_function(*given, **named))

    def cursor(self) -> Cursor:
        return Cursor(self)

    async def execute(self, statement: str, parameters: Sequence[Any] = ()) -> tuple[Sequence[Any], Any]:
        """The rows and what they consist of, as `sqlite3.Cursor.description` says. Raises sqlite3.Error."""
        if statement == "BEGIN":
            self._is_begun = True
            return (), None

        def executed(connection: sqlite3.Connection) -> tuple[Sequence[Any], Any]:
            cursor = connection.execute(statement, parameters)
            return cursor.fetchall(), cursor.description

        return await self.ask(executed)

    async def ask(self, question: Callable[[sqlite3.Connection], Result]) -> Result:
        """What `question` finds out, in the thread of this connection and in the snapshot that was begun."""
        begins, self._is_begun = self._is_begun, False

        def answered() -> Result:
            if begins:
                self.driver.execute("BEGIN")
            return question(self.driver)

        return await self.run(answered)

    async def run(self, work: Callable[[], Result]) -> Result:
        """What `work` gives in the thread of this connection, after all that was asked for before."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)

    @property
    def driver(self) -> sqlite3.Connection:
        """To be used in `run` alone."""
        if self._connection is None:
            raise sqlite3.ProgrammingError("the connection is closed")
        return self._connection

    async def rollback(self) -> None:
        """Lets go of the snapshot, after what runs."""
        if not self._is_begun and self._connection is not None:
            self._thread.submit(self._connection.rollback)
        self._is_begun = False

    async def commit(self) -> None:
        """Nothing was written: the same as `rollback`."""
        await self.rollback()

    async def close(self) -> None:
        """After what runs. More than once does no harm."""
        if self._connection is not None:
            await self.run(self._connection.close)
            self.stop()

    def stop(self) -> None:
        """The same without waiting for it."""
        if (connection := self._connection) is not None:
            self._connection = None
            self._thread.submit(connection.close)
            self._thread.shutdown(wait=False)
