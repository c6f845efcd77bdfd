"""The ledger of one consignment: what has begun, what became of it, and what is owed for that, written down.

Commit 2 and commit 3 of the path in `consignment.py`. A failed write may have happened, so it is repeated until the
archive can: giving deliveries back instead could leave an attempt open for ever, or forget what an upstream answered.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace

from relay import maillog
from relay.archive.api import ArchiveUnavailable, Closing
from relay.config import Upstream
from relay.courier import postmaster
from relay.courier.desk import Desk
from relay.courier.hopeless import with_suppressions
from relay.courier.patience import asked
from relay.courier.provider_id import provider_id
from relay.courier.rendering import Rendition
from relay.model.delivery import MICROSECONDS, Attempt, Delivery, Outcome, RetrySchedule, State, after
from relay.model.event import Event, Grade, Kind
from relay.model.message import Message
from relay.model.reply import Reply
from relay.model.token import Token

FIRST_PAUSE, LONGEST_PAUSE = 0.1, 5.0
"""Seconds between tries to write an attempt down while the archive cannot."""


@dataclass(frozen=True, slots=True)
class Contact:
    """Who answered, and how the line was secured."""

    peer: str | None = None
    tls_version: str | None = None
    tls_cipher: str | None = None
    is_dsn_passed: bool = False


@dataclass(frozen=True, slots=True)
class Result:
    """What became of one recipient in one transaction."""

    delivery: Delivery
    outcome: Outcome
    contact: Contact = Contact()


@dataclass(frozen=True, slots=True)
class Copy:
    """What goes out in one transaction, and to whom. Tokens and a sender of its own make it one recipient's."""

    deliveries: tuple[Delivery, ...]
    rendition: Rendition
    tokens: tuple[Token, ...] = ()
    sender: str | None = None
    """The reverse-path; None: the envelope's."""


class Ledger:
    """Claimed deliveries of one message, until the end of each is written down."""

    def __init__(
        self, desk: Desk, upstream: Upstream, message: Message, deliveries: Sequence[Delivery], schedule: RetrySchedule
    ) -> None:
        self._desk, self._upstream, self._message, self._schedule = desk, upstream, message, schedule
        self.open = {delivery.id: delivery for delivery in deliveries}
        """Those whose end is not written down yet."""
        self.content: bytes | None = None
        """The original, once it is in memory."""
        self._begun: dict[str, Attempt] = {}

    async def begin(self, copy: Copy) -> None:
        """Commit 2 for the deliveries of a copy."""
        now = self._desk.clock()
        rendition = copy.rendition
        attempts = [
            Attempt(
                id=self._desk.new_id(),
                delivery_id=delivery.id,
                message_id=self._message.id,
                number=delivery.attempts + 1,
                upstream=self._upstream.name,
                began_at=now,
                edits=rendition.edits,
                wire_sha256=rendition.sha256,
                wire_size=len(rendition.wire),
                sender=copy.sender,
                signatures=rendition.signatures,
            )
            for delivery in copy.deliveries
        ]
        await self._persist(lambda: self._desk.archive.begin_attempts(attempts, copy.tokens))
        self._begun |= {attempt.delivery_id: attempt for attempt in attempts}

    async def close(self, results: Sequence[Result], *, is_due_now: bool = False) -> None:
        """Commit 3 for these deliveries, with the notices that are owed for it.

        `is_due_now`: what is deferred need not wait for the schedule, another upstream can take it.
        """
        closed = [self._closing(result, is_due_now=is_due_now) for result in results]
        closings = with_suppressions(closed, self._desk.rules, self._message.application)
        post = await self._post(
            [(closing.delivery, closing.event.kind) for closing in closings],
            {result.delivery.id for result in results if result.contact.is_dsn_passed},
        )
        await self._persist(lambda: self._desk.archive.finish_attempts(closings, post.notices, post.events))
        for closing in closings:
            del self.open[closing.delivery.id]
            maillog.attempt_closed(closing.attempt, closing.delivery)

    async def end(self, reply: Reply) -> None:
        """Ends all open deliveries with `reply`; those without an attempt as well.

        An attempt that was begun may have been sent: it is closed as uncertain.
        """
        begun = [delivery for id, delivery in self.open.items() if id in self._begun]
        if begun:
            await self.close([Result(delivery, Outcome(reply, is_uncertain=True)) for delivery in begun])
        judged = [self._judge(delivery, Outcome(reply)) for delivery in self.open.values()]
        if judged:
            post = await self._post([(delivery, event.kind) for delivery, event in judged], set())
            await self.settle(
                [delivery for delivery, _ in judged], [*(event for _, event in judged), *post.events], post
            )

    async def settle(
        self, deliveries: Sequence[Delivery], events: Sequence[Event], post: postmaster.Post = postmaster.NOTHING
    ) -> None:
        """Writes deliveries back that were not tried. Raises ArchiveError: their lease then runs out."""
        await self._desk.archive.release(deliveries, events, post.notices)
        for delivery in deliveries:
            del self.open[delivery.id]

    async def give_back(self, seconds: float = 0.0, why: str | None = None) -> None:
        """Makes the deliveries that were not tried due again, in `seconds`; at once: with their place in the queue."""
        due_at = self._desk.clock() + int(seconds * MICROSECONDS) if seconds else None
        untried = [delivery for id, delivery in self.open.items() if id not in self._begun]
        await self._desk.archive.park(
            [replace(delivery, due_at=due_at or delivery.due_at, why=why) for delivery in untried]
        )
        for delivery in untried:
            del self.open[delivery.id]

    def is_expired(self) -> bool:
        """Whether the time of one of the open deliveries is over."""
        now = self._desk.clock()
        return any(delivery.expires_at is not None and delivery.expires_at <= now for delivery in self.open.values())

    async def _persist(self, write: Callable[[], Awaitable[None]]) -> None:
        pause = FIRST_PAUSE
        while True:
            try:
                await write()
                return
            except ArchiveUnavailable as error:
                maillog.room_failed("courier", error)
            await asyncio.sleep(pause)
            pause = min(2 * pause, LONGEST_PAUSE)

    async def _post(self, ended: Sequence[tuple[Delivery, Kind]], passed: set[str]) -> postmaster.Post:
        """The notices owed for what ended. `passed`: deliveries that the upstream will report on itself."""
        return await postmaster.prepare(
            self._desk, self._message, ended, passed, upstream=self._upstream.host, content=self.content
        )

    # -- judging -----------------------------------------------------------------------------------------------
    def _closing(self, result: Result, *, is_due_now: bool) -> Closing:
        delivery, event = self._judge(result.delivery, result.outcome, is_due_now=is_due_now)
        attempt = replace(
            self._begun[delivery.id],
            finished_at=event.at,
            reply=result.outcome.reply,
            is_uncertain=result.outcome.is_uncertain,
            peer=result.contact.peer,
            tls_version=result.contact.tls_version,
            tls_cipher=result.contact.tls_cipher,
            provider_id=self._provider_id(result.outcome),
        )
        return Closing(attempt, delivery, event)

    def _provider_id(self, outcome: Outcome) -> str | None:
        """How the provider named the message: only its reports need it, others' names are not kept apart."""
        provider, reply = self._upstream.provider, outcome.reply
        if not provider or reply.is_local or not reply.is_positive:
            return None
        return provider_id(provider.value, reply.text)

    def _judge(self, delivery: Delivery, outcome: Outcome, *, is_due_now: bool = False) -> tuple[Delivery, Event]:
        """The delivery after `outcome`, and the event that says so."""
        desk, now = self._desk, self._desk.clock()
        judged, kind = after(
            replace(delivery, upstream=self._upstream.name, why=None),
            outcome,
            now,
            self._schedule,
            spread=desk.spread(),
            retry_unconfirmed=desk.settings.unconfirmed == "retry",
            asked=asked(outcome.reply),
        )
        if is_due_now and judged.state is State.DEFERRED:
            judged = replace(judged, due_at=now)
        return judged, self._event(judged, kind, outcome.reply, now)

    def _event(self, delivery: Delivery, kind: Kind, reply: Reply, now: int) -> Event:
        attempt = self._begun.get(delivery.id)
        data = {
            "code": reply.code,
            "enhanced": reply.enhanced,
            "text": reply.text,
            "is_local": reply.is_local,
            "upstream": self._upstream.name,
            "attempt": attempt.id if attempt else None,
            "due_at": delivery.due_at,
        }
        return Event(
            id=self._desk.new_id(),
            at=now,
            kind=kind,
            actor="relay" if reply.is_local else f"upstream:{self._upstream.name}",
            message_id=self._message.id,
            delivery_id=delivery.id,
            grade=Grade.OWN if reply.is_local else Grade.PEER,
            data={key: value for key, value in data.items() if value is not None},
        )
