"""The archive in one SQLite file: the methods of `api.Archive`, each handed to the writer or to a reader.

Owns the life of both: lock, schema, writer thread, a small pool of read-only connections. SQL is in the files named
after what it is about (capture, queue, journal, accounts, index; reading, search).
"""

from __future__ import annotations

import asyncio
import os
import sqlite3
from collections.abc import AsyncIterator, Callable, Sequence

from sqlalchemy import exc

from relay.archive import (
    capture,
    counting,
    deletion_reading,
    index,
    journal,
    queue,
    reading,
    search,
    suggest,
)
from relay.archive.api import (
    ArchiveError,
    ArchiveUnavailable,
    Capture,
    Closing,
    Estimate,
    Gone,
    Health,
    Listing,
    Page,
    QueueFacts,
    Sort,
    StoredContent,
)
from relay.archive.content import joined, unpack, verified
from relay.archive.listing import listings
from relay.archive.live import Changes
from relay.archive.query import Query
from relay.archive.sqlite.encryption import SqliteEncryption
from relay.archive.sqlite.erasure import SqliteErasures
from relay.archive.sqlite.export import SqliteExports
from relay.archive.sqlite.figure import SqliteFigures
from relay.archive.sqlite.idempotency import SqliteIdempotency
from relay.archive.sqlite.importing import SqliteImports
from relay.archive.sqlite.notification import SqliteNotification
from relay.archive.sqlite.people import SqlitePeople
from relay.archive.sqlite.queue import SqliteQueue
from relay.archive.sqlite.reindexing import SqliteReindexing
from relay.archive.sqlite.repetition import SqliteRepetitions
from relay.archive.sqlite.report import SqliteReports
from relay.archive.sqlite.sign_in import SqliteSignIn
from relay.archive.sqlite.suppression import SqliteSuppression
from relay.archive.sqlite.tracking import SqliteTracking
from relay.archive.sqlite.view import SqliteViews
from relay.archive.sqlite.waiting import SqliteWaiting
from relay.archive.sqlite.watching import SqliteWatching
from relay.archive.vault import KeyRow
from relay.archive.writer import Tally
from relay.model.delivery import DUE_STATES, Attempt, Delivery
from relay.model.event import Event
from relay.model.message import Message
from relay.model.summary import Summary
from relay.model.token import Token

NEWEST_FIRST = Sort()
SEARCH_LIMIT = 5.0
"""Seconds for one search: longer than anyone waits, and a reader is needed by others."""


class SqliteArchive(
    SqliteNotification,
    SqliteTracking,
    SqliteSuppression,
    SqliteQueue,
    SqliteWaiting,
    SqliteReports,
    SqliteErasures,
    SqliteWatching,
    SqliteFigures,
    SqliteReindexing,
    SqliteRepetitions,
    SqliteIdempotency,
    SqliteSignIn,
    SqlitePeople,
    SqliteViews,
    SqliteImports,
    SqliteExports,
    SqliteEncryption,
):
    """See `api.Archive`; made by `open_sqlite`."""

    # -- life ------------------------------------------------------------------------------------------------
    async def close(self) -> None:
        if self._is_closed:
            return
        self._is_closed = True
        self._broadcast.close()
        # Readers first: the writer's last checkpoint must find nobody in the WAL.
        await self._readers.dispose()
        if self._writer is not None:
            await self._writer.close()
        if self._lock is not None:
            os.close(self._lock)

    async def health(self) -> Health:
        tally = self._writer.tally if self._writer else Tally()
        problems = []
        if self._writer is not None:
            try:
                await self._write(_probe, bool(tally.problem), is_mail=True)
            except ArchiveError as error:
                problems.append(str(error))
        async with self._reader() as connection:
            now = await reading.progress(connection)
        return Health(
            is_writable=self._writer is not None and not problems,
            messages=now.last,
            last_seq=now.last,
            indexed_seq=now.indexed,
            commits=tally.commits,
            committed_units=tally.units,
            commit_seconds=tally.seconds,
            problems=tuple(problems),
        )

    # -- intake ----------------------------------------------------------------------------------------------
    async def add_message(
        self, message: Message, content: StoredContent, deliveries: Sequence[Delivery], events: Sequence[Event]
    ) -> None:
        is_due = any(_is_due(delivery) for delivery in deliveries)

        def tell(seq: int | None) -> None:
            if seq is not None:
                self._recent.remember(message.id, content.sha256, content.frames)
                self._tell([(message.id, seq)], "captured", is_due=is_due)
                self._captured.set()

        await self._write(capture.add_messages, Capture(message, content, deliveries, events), tell, is_mail=True)

    # -- courier ---------------------------------------------------------------------------------------------
    async def renew(self, owner: str, delivery_ids: Sequence[str], lease_until: int) -> None:
        await self._write(queue.renew, queue.Renewal(owner, delivery_ids, lease_until), is_mail=True)

    async def begin_attempts(self, attempts: Sequence[Attempt], tokens: Sequence[Token] = ()) -> None:
        await self._write(queue.begin_attempts, queue.Beginning(attempts, tokens), is_mail=True)

    async def finish_attempts(
        self, closings: Sequence[Closing], notices: Sequence[Capture] = (), events: Sequence[Event] = ()
    ) -> None:
        is_due = bool(notices) or any(_is_due(closing.delivery) for closing in closings)
        finish = queue.Finish(closings, notices, events)
        await self._write(queue.finish_attempts, finish, self._tell_ended(is_due), is_mail=True)

    async def release(
        self, deliveries: Sequence[Delivery], events: Sequence[Event] = (), notices: Sequence[Capture] = ()
    ) -> None:
        is_due = bool(notices) or any(_is_due(delivery) for delivery in deliveries)
        given_back = queue.Release(deliveries, events, notices)
        await self._write(queue.release, given_back, self._tell_ended(is_due), is_mail=True)

    def _tell_ended(self, is_due: bool) -> Callable[[queue.Told], None]:
        def tell(told: queue.Told) -> None:
            self._tell(list(told.changed.items()), "delivery", is_due=is_due)
            if told.captured:
                self._tell(list(told.captured.items()), "captured")
                self._captured.set()

        return tell

    async def recover(
        self, now: int, new_event_ids: Sequence[str], *, owner: str | None = None, retry_unconfirmed: bool = True
    ) -> list[Delivery]:
        def tell(recovered: list[tuple[int, Delivery]]) -> None:
            self._tell([(delivery.message_id, seq) for seq, delivery in recovered], "delivery", is_due=True)

        found = await self._write(queue.recover, queue.Recovery(now, new_event_ids, owner, retry_unconfirmed), tell)
        return [delivery for _, delivery in found]

    async def wait_for_due(self, timeout: float) -> None:
        await self._due.wait(timeout)

    async def queue_facts(self) -> QueueFacts:
        async with self._reader() as connection:
            return await reading.queue_facts(connection)

    # -- facts -----------------------------------------------------------------------------------------------
    async def add_events(self, events: Sequence[Event]) -> None:
        await self._write(journal.add_events, events, is_mail=True)

    async def events(
        self, *, message_id: str | None = None, after: int = 0, limit: int = 1000, query: Query | None = None
    ) -> list[tuple[int, Event]]:
        async with self._reader() as connection:
            return await reading.events(connection, message_id, after, limit, query)

    # -- reading ---------------------------------------------------------------------------------------------
    async def listing(self, message_id: str) -> Listing:
        async with self._reader() as connection:
            seq, _ = await reading.seq_and_sha256(connection, message_id)
            return (await listings(connection, [seq]))[0]

    async def content(self, message_id: str) -> bytes:
        if self._is_closed:
            raise ArchiveUnavailable("the archive is closed")
        if recent := self._recent.find(message_id):
            sha256, frames, key = *recent, None
        else:
            sha256, frames, key = await self._hash_and_frames(message_id)

        def whole() -> bytes:
            return verified(joined(self._vault.open_frames(message_id, key, frames)), sha256, message_id)

        return whole() if len(frames) == 1 else await asyncio.to_thread(whole)

    async def _hash_and_frames(self, message_id: str) -> tuple[bytes, list[bytes], KeyRow | None]:
        try:
            async with self._readers.connect() as connection:
                return await reading.hash_and_frames(connection, message_id)
        except (exc.DBAPIError, exc.TimeoutError, sqlite3.Error) as error:
            raise ArchiveUnavailable(f"cannot read: {error}") from error

    async def content_chunks(self, message_id: str) -> AsyncIterator[bytes]:
        async with self._reader() as connection:
            seq, _ = await reading.seq_and_sha256(connection, message_id)
        # A short read for each chunk: a slow download must not hold a snapshot, the WAL could not be emptied.
        for n in range(2**31):
            async with self._reader() as connection:
                frame = await reading.frame(connection, self._vault, seq, message_id, n)
                is_gone = frame is None and await deletion_reading.deletion(connection, seq) is not None
            if is_gone:
                # Also in the middle of it: half a content must not look like a whole one.
                raise Gone(f"the content of {message_id} was deleted")
            if frame is None:
                return
            yield unpack(frame)

    async def search(
        self,
        query: Query,
        *,
        sort: Sort = NEWEST_FIRST,
        cursor: str | None = None,
        limit: int = 50,
        count_to: int | None = None,
    ) -> Page:
        async with self._reader(SEARCH_LIMIT) as connection:
            return await search.page(connection, query, sort, cursor, limit, count_to)

    async def count(self, query: Query, *, at_most: int = 10_000) -> int:
        async with self._reader(SEARCH_LIMIT) as connection:
            return await counting.count(connection, query, at_most)

    async def estimate(self, query: Query, *, at_most: int = 10_000, seconds: float = counting.SECONDS) -> Estimate:
        async with self._reader(SEARCH_LIMIT) as connection:
            return await counting.estimate(connection, query, at_most, seconds)

    async def values(self, field: str, start: str, *, most: int = 8) -> list[str]:
        async with self._reader(SEARCH_LIMIT) as connection:
            return await suggest.values(connection, field, start, most)

    async def newer(self, query: Query, seq: int, limit: int) -> list[Listing]:
        async with self._reader(SEARCH_LIMIT) as connection:
            return await search.newer(connection, query, seq, limit)

    async def older(self, query: Query, seq: int, limit: int) -> list[Listing]:
        async with self._reader(SEARCH_LIMIT) as connection:
            return await search.older(connection, query, seq, limit)

    # -- asking for more sending -----------------------------------------------------------------------------
    async def add_deliveries(self, deliveries: Sequence[Delivery], events: Sequence[Event]) -> None:
        is_due = any(_is_due(delivery) for delivery in deliveries)
        addition = capture.Addition(deliveries, events)
        await self._write(capture.add_deliveries, addition, self._tell_deliveries(is_due))

    # -- the index -------------------------------------------------------------------------------------------
    async def unindexed(self, limit: int) -> list[tuple[int, str, int]]:
        async with self._reader() as connection:
            return await reading.unindexed(connection, limit)

    async def wait_for_unindexed(self, timeout: float) -> None:
        await self._captured.wait(timeout)

    async def add_summaries(self, summaries: Sequence[tuple[str, Summary]]) -> None:
        def tell(indexed: index.Indexed) -> None:
            # Nothing was kept when this was submitted; what has been since may be without these words.
            if indexed.words is None:
                self._vocabulary.changed()
            else:
                self._vocabulary.heard(indexed.words)
            self._tell(list(indexed.seqs.items()), "indexed")

        asked = index.Indexing(summaries, tells_words=self._vocabulary.is_used)
        await self._write(index.add_summaries, asked, tell, is_patient=True)

    # -- live ------------------------------------------------------------------------------------------------
    def changes(self) -> Changes:
        return self._broadcast.subscribe()


def _is_due(delivery: Delivery) -> bool:
    return delivery.due_at is not None and delivery.state in DUE_STATES


def _probe(connection: sqlite3.Connection, items: list[bool]) -> list[None]:
    """Proves that a transaction can be had, and room for a message in it if the latest one failed."""
    if any(items):
        connection.execute("INSERT INTO setting (key, value) VALUES ('probe', ?)", ("x" * 65536,))
        connection.execute("DELETE FROM setting WHERE key = 'probe'")
    return [None] * len(items)
