"""The archive's contract about what people take away for good, and about tags that they give.

    archive.message(id).deletion  ->  who, when, why; None while the content is there
    archive.content(id)           ->  raises Gone afterwards

What all methods promise is in `api.py`, of whose protocol this one is a part.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from relay.archive.query import Query
from relay.model.deletion import Order, Outcome, Request
from relay.model.event import Event, Kind


@dataclass(frozen=True, slots=True)
class Deeds:
    """Which part of the audit history: what people did, sign-ins, changes of settings and encryption, alerts.

    None or empty: any.
    """

    actor: str = ""
    """As in an event: `user:anna`."""
    kinds: frozenset[Kind] = frozenset()
    message_id: str = ""
    since: int | None = None
    """UTC microseconds; half-open: [since, until)."""
    until: int | None = None


EVERY_DEED = Deeds()


class Deletions(Protocol):
    async def delete_content(self, orders: Sequence[Order]) -> list[Outcome]:
        """Takes the contents away, each with its event, tombstone and cancelled deliveries, all in one commit.

        Content, texts, search index, edit lists that only this message used, and payloads that report of nothing else
        are overwritten in the file, and the write-ahead log is emptied as soon as no reader needs it. Crash before the
        commit: everything is there; after it: nothing is. Refused, in words: what is being sent, what waits without an
        event in `cancellations`, what `may_delete` keeps, a request that the same person approves or that is not open.
        Raises NotFound.
        """

    async def ask_deletion(self, request: Request, event: Event) -> bool:
        """Keeps the request. False: there is an open one for the message already. Raises NotFound."""

    async def refuse_deletion(self, request_id: str, answer: str, event: Event) -> bool:
        """Closes an open request without deleting. False: it was not open any more. Raises NotFound."""

    async def deletion_request(self, request_id: str) -> Request:
        """Raises NotFound."""

    async def deletion_requests(self, *, only_open: bool, before: str | None = None, limit: int = 50) -> list[Request]:
        """Newest first, with ids below `before`."""

    async def open_deletion_request(self, message_id: str) -> Request | None:
        """The request that waits for a second person, if there is one for this message."""

    async def change_tags(
        self, message_ids: Sequence[str], add: Sequence[str], remove: Sequence[str], events: Sequence[Event]
    ) -> list[str]:
        """Puts tags on messages and takes tags off, also those that came with the message; returns the ids of those
        that changed. Stays so when the messages are indexed anew. The events of messages that changed nothing are not
        added. Raises NotFound."""

    async def deeds(
        self,
        which: Deeds = EVERY_DEED,
        *,
        before: tuple[int, int] | None = None,
        limit: int = 50,
        query: Query | None = None,
    ) -> list[tuple[int, Event]]:
        """(sequence number, event) of the audit history, newest first. `before`: (at, sequence number) of the last one
        seen. With `query` only events about messages that it finds."""
