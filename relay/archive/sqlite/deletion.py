"""The archive's methods about deletion and given tags, in one SQLite file. See `api.deletion.Deletions`."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress

from relay.archive import deeds, deletion, deletion_reading, scrub, tags
from relay.archive.api import ArchiveError
from relay.archive.api.deletion import EVERY_DEED, Deeds
from relay.archive.query import Query
from relay.archive.sqlite.access import SqliteAccess
from relay.model.deletion import Order, Outcome, Request
from relay.model.event import Event


class SqliteDeletions(SqliteAccess):
    async def delete_content(self, orders: Sequence[Order]) -> list[Outcome]:
        return (await self._write(deletion.delete_contents, list(orders), self._tell_deleted)).outcomes

    def _tell_deleted(self, deleted: deletion.Deleted) -> None:
        if not deleted.seqs:
            return
        for message_id in deleted.seqs:
            self._recent.forget(message_id)
        self._tell(list(deleted.seqs.items()), "indexed")
        self._tell(list(deleted.seqs.items()), "delivery")
        if self._writer is not None:
            self._writer.empty_log()
        self.go_on_scrubbing()

    def go_on_scrubbing(self) -> None:
        """One step of merging the full-text indexes, and the next when nothing urgent waits."""
        # Closing: the next start goes on with it.
        with suppress(ArchiveError):
            self._write(scrub.steps, None, self._scrubbed, is_patient=True)

    def _scrubbed(self, has_more: bool) -> None:
        if has_more:
            self.go_on_scrubbing()
        elif self._writer is not None:
            self._writer.empty_log()

    async def ask_deletion(self, request: Request, event: Event) -> bool:
        return await self._write(deletion.ask_deletions, deletion.Asking(request, event))

    async def refuse_deletion(self, request_id: str, answer: str, event: Event) -> bool:
        return await self._write(deletion.refuse_deletions, deletion.Refusing(request_id, answer, event))

    async def deletion_request(self, request_id: str) -> Request:
        async with self._reader() as connection:
            return await deletion_reading.request(connection, request_id)

    async def deletion_requests(self, *, only_open: bool, before: str | None = None, limit: int = 50) -> list[Request]:
        async with self._reader() as connection:
            return await deletion_reading.requests(connection, only_open, before, limit)

    async def open_deletion_request(self, message_id: str) -> Request | None:
        async with self._reader() as connection:
            return await deletion_reading.open_request(connection, message_id)

    async def deeds(
        self,
        which: Deeds = EVERY_DEED,
        *,
        before: tuple[int, int] | None = None,
        limit: int = 50,
        query: Query | None = None,
    ) -> list[tuple[int, Event]]:
        async with self._reader() as connection:
            return await deeds.deeds(connection, which, before, limit, query)

    async def change_tags(
        self, message_ids: Sequence[str], add: Sequence[str], remove: Sequence[str], events: Sequence[Event]
    ) -> list[str]:
        def tell(tagged: tags.Tagged) -> None:
            self._tell(list(tagged.seqs.items()), "indexed")

        tagging = tags.Tagging(message_ids, add, remove, events)
        return list((await self._write(tags.change_tags, tagging, tell)).seqs)
