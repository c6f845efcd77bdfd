"""The way to one SQLite file: to its writer, to its readers, and to those who wait for changes. Knows no tables."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable, Hashable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import exc
from sqlalchemy.ext.asyncio import AsyncConnection

from relay.archive import lexicon, reading
from relay.archive.api import ArchiveError, ArchiveUnavailable, Change, TooSlow
from relay.archive.live import Broadcast, Signal
from relay.archive.readers import is_interrupted, limited, readers
from relay.archive.recent import Recent
from relay.archive.seldom import Seldom
from relay.archive.vault import Vault
from relay.archive.vocabulary import Vocabulary
from relay.archive.writer import Work, Writer

Item = TypeVar("Item")
Result = TypeVar("Result")
Value = TypeVar("Value")


class SqliteAccess:
    """`writer` and `lock` are None where the file was opened for reading only."""

    def __init__(self, path: Path, writer: Writer | None, lock: int | None, vault: Vault | None = None) -> None:
        self._path = path
        self._vault = vault or Vault()
        self._writer = writer
        self._lock = lock
        self._readers = readers(path)
        self._broadcast = Broadcast()
        self._recent = Recent()
        self._seldom = Seldom()
        self._vocabulary = Vocabulary()
        self._due = Signal()
        self._captured = Signal()
        self._is_closed = False
        self._encrypting_settled = asyncio.Event()
        self._encrypting_settled.set()

    def _write(
        self,
        work: Work[Item, Result],
        item: Item,
        after: Callable[[Result], None] | None = None,
        *,
        is_patient: bool = False,
        is_mail: bool = False,
    ) -> asyncio.Future[Result]:
        """`is_mail`: it changes nothing but messages and what became of them, and nothing that `_seldom` keeps."""
        if self._writer is None:
            raise ArchiveError(f"{self._path} was opened for reading only")
        if not is_mail and not is_patient:
            after = self._changing(after)
        return self._writer.submit(work, item, after=after, is_patient=is_patient)

    def _changing(self, after: Callable[[Result], None] | None) -> Callable[[Result], None]:
        def changed(result: Result) -> None:
            self._seldom.changed()
            self._vocabulary.changed()
            if after is not None:
                after(result)

        return changed

    async def _kept(self, key: Hashable, read: Callable[[AsyncConnection], Awaitable[Value]]) -> Value:
        """What `read` gives of a connection, kept in memory until it may have changed (see `Seldom`)."""

        async def fresh() -> Value:
            async with self._reader() as connection:
                return await read(connection)

        if self._writer is None or self._is_closed:
            return await fresh()  # another process may write; and a closed archive says so
        return await self._seldom.get(key, fresh)

    async def _setting(self, key: str) -> Any:
        """Kept also where there is none: the keys are ours."""

        async def read(connection: AsyncConnection) -> tuple[Any]:
            return (await reading.setting(connection, key),)

        (value,) = await self._kept(("setting", key), read)
        return value

    @asynccontextmanager
    async def _reader(self, limit: float | None = None) -> AsyncIterator[AsyncConnection]:
        """A read-only connection, in one snapshot. Raises TooSlow when what it does takes `limit` seconds."""
        if self._is_closed:
            raise ArchiveUnavailable("the archive is closed")
        try:
            async with self._readers.connect() as connection, limited(connection, limit):
                if self._writer is not None:  # otherwise another process may write
                    lexicon.use(connection, self._vocabulary)
                await connection.exec_driver_sql("BEGIN")
                yield connection
        except (exc.DBAPIError, sqlite3.Error) as error:
            if is_interrupted(error):
                raise TooSlow(f"the search took more than {limit:g} seconds and was stopped") from error
            told = error.orig if isinstance(error, exc.DBAPIError) else error
            raise ArchiveUnavailable(f"cannot read: {told}") from error
        except exc.TimeoutError as error:
            raise ArchiveUnavailable(f"cannot read: {error}") from error

    def _tell(self, messages: Sequence[tuple[str, int]], kind: str, *, is_due: bool = False) -> None:
        for message_id, seq in messages:
            self._broadcast.tell(Change(message_id, seq, kind))
        if is_due:
            self._due.set()

    def _tell_deliveries(self, is_due: bool) -> Callable[[dict[str, int]], None]:
        return lambda seqs: self._tell(list(seqs.items()), "delivery", is_due=is_due)
