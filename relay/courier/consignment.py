"""A consignment: recipients of one message that share a rendition and travel in one transaction upstream.

The path, and what holds if we crash after each step:

    render            nothing happened; the lease runs out, the deliveries are due again
    begin_attempts    (commit 2) an open attempt is visible; it is recovered as unconfirmed
    send              the same: it may have been sent, and is sent again (RFC 1047: twice rather than never)
    finish_attempts   (commit 3) done

Whatever goes wrong concerns these recipients alone: a broken message must not stop the queue.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, TypeVar

from relay import maillog
from relay.archive.api import ArchiveUnavailable, Closing
from relay.courier import postmaster
from relay.courier.command import Plan, plan
from relay.courier.desk import Desk
from relay.courier.marking import failure, tokens_of
from relay.courier.notice import Report, owed
from relay.courier.pool import Pool, Suspended
from relay.courier.rendering import Rendition, render
from relay.courier.session import Session
from relay.courier.trouble import NoSession, StaleSession
from relay.model.delivery import MICROSECONDS, Attempt, Delivery, Outcome, State, after
from relay.model.edit import Edit
from relay.model.event import Event, Grade, Kind
from relay.model.message import Message
from relay.model.reply import Reply, local_reply
from relay.model.signature import Signature
from relay.model.token import Token
from relay.rendition.signing import SigningFailed
from relay.rendition.tracking import Planned, Survey

Written = TypeVar("Written")
Made = TypeVar("Made")

LARGE = 128 * 1024
"""Octets from which rendering is done in a thread."""
FIRST_PAUSE, LONGEST_PAUSE = 0.1, 5.0
"""Seconds between tries to write an attempt down while the archive cannot."""
ARCHIVE_PAUSE = 1.0
"""Seconds until a delivery is due again whose content could not be read."""


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


class Consignment:
    """Claimed deliveries of one message; `carry` deals with every one of them."""

    def __init__(self, desk: Desk, pool: Pool, message: Message, deliveries: Sequence[Delivery]) -> None:
        self._desk, self._pool, self._message = desk, pool, message
        self._open = {delivery.id: delivery for delivery in deliveries}
        """Those whose end is not written down yet."""
        self._begun: dict[str, Attempt] = {}
        self._signatures: tuple[Signature, ...] = ()

    @property
    def open_ids(self) -> list[str]:
        """The deliveries that still need their lease."""
        return list(self._open)

    async def carry(self) -> None:
        """Brings each delivery to the state that its reply means. Raises nothing but cancellation.

        Where even that cannot be written down, the lease runs out and recovery deals with it.
        """
        try:
            async with self._desk.budget.share(self._message.size):
                await self._carry()
        except Suspended as suspended:
            await self._guarded(self._wait_for_upstream(suspended))
        except ArchiveUnavailable as error:
            maillog.room_failed("courier", error)
            await self._guarded(self.give_back(ARCHIVE_PAUSE))
        except SigningFailed as failure:
            maillog.signing_failed(self._message.id, str(failure))
            await self._guarded(self._defer(local_reply(451, "4.7.5", f"not sent, it cannot be signed: {failure}")))
        except Exception as error:
            maillog.room_failed("courier", error)
            reply = local_reply(451, "4.3.0", f"could not be made ready for sending: {type(error).__name__}: {error}")
            await self._guarded(self._defer(reply))

    async def give_back(self, seconds: float = 0.0) -> None:
        """Makes the deliveries that were not tried due again, in `seconds`."""
        due_at = self._desk.clock() + int(seconds * MICROSECONDS)
        untried = [delivery for id, delivery in self._open.items() if id not in self._begun]
        await self._desk.archive.release(
            [
                replace(delivery, state=State.DEFERRED if delivery.attempts else State.QUEUED, due_at=due_at)
                for delivery in untried
            ]
        )
        for delivery in untried:
            del self._open[delivery.id]

    async def _guarded(self, last_resort: Awaitable[None]) -> None:
        try:
            await last_resort
        except Exception as error:
            maillog.room_failed("courier", error)

    # -- sending -----------------------------------------------------------------------------------------------
    async def _carry(self) -> None:
        content = await self._desk.archive.content(self._message.id)
        marking = self._desk.marking
        found = await _long(content, marking.survey, self._message, content) if marking else None
        deliveries = list(self._open.values())
        if found is not None:
            await self._explain(found.skipped)
        if marking is None or found is None or not found.pages:
            await self._carry_copy(deliveries, await self._render(content), [])
            return
        for delivery in deliveries:
            # One copy for each: a token in a shared one could not tell who it was, and would tell the others of it.
            rendition, planned = await self._render_tracked(content, found, marking.new_token)
            tokens = tokens_of(planned, self._message.id, delivery.id, self._desk.clock())
            await self._carry_copy([delivery], rendition, tokens)

    async def _carry_copy(self, deliveries: Sequence[Delivery], rendition: Rendition, tokens: Sequence[Token]) -> None:
        """Brings one rendition to those who share it."""
        try:
            session = await self._pool.acquire()
        except Suspended:
            raise
        except NoSession as refusal:
            await self._begin(deliveries, rendition, tokens)
            await self._close([Result(delivery, Outcome(refusal.reply)) for delivery in deliveries])
            return
        try:
            await self._begin(deliveries, rendition, tokens)
        except BaseException:
            self._pool.release(session)
            raise
        await self._send_to_all(session, deliveries, rendition)

    async def _render(self, content: bytes, tracking: tuple[Edit, ...] = ()) -> Rendition:
        desk = self._desk
        arguments = (self._message, content, desk.settings.trace, desk.hostname, desk.signer, desk.clock(), tracking)
        return await _long(content, render, *arguments)

    async def _render_tracked(
        self, content: bytes, found: Survey, new_token: Callable[[], str]
    ) -> tuple[Rendition, Sequence[Planned]]:
        """One recipient's copy and its tokens; if that fails the plain copy, and an event that says so."""
        try:
            tracked = await _long(content, found.copy, new_token)
            return await self._render(content, tracked.edits), tracked.tokens
        except ValueError as error:
            await self._explain([failure(error)])
            return await self._render(content), ()

    async def _explain(self, reasons: Sequence[str]) -> None:
        """Writes down, when the message is first sent, what tracking left alone and why."""
        if not reasons or any(delivery.attempts for delivery in self._open.values()):
            return
        event = Event(
            id=self._desk.new_id(),
            at=self._desk.clock(),
            kind=Kind.NOT_TRACKED,
            actor="relay",
            message_id=self._message.id,
            data={"reasons": list(reasons)},
        )
        await self._desk.archive.add_events([event])

    async def _begin(self, deliveries: Sequence[Delivery], rendition: Rendition, tokens: Sequence[Token]) -> None:
        now = self._desk.clock()
        self._signatures = rendition.signatures
        attempts = [
            Attempt(
                id=self._desk.new_id(),
                delivery_id=delivery.id,
                message_id=self._message.id,
                number=delivery.attempts + 1,
                upstream=self._pool.upstream.name,
                began_at=now,
                edits=rendition.edits,
                wire_sha256=rendition.sha256,
                wire_size=len(rendition.wire),
            )
            for delivery in deliveries
        ]
        await self._persist(lambda facts: self._desk.archive.begin_attempts(facts, tokens), attempts)
        self._begun |= {attempt.delivery_id: attempt for attempt in attempts}

    async def _send_to_all(self, session: Session, pending: Sequence[Delivery], rendition: Rendition) -> None:
        """One transaction, and more where the upstream takes fewer recipients at once."""
        while True:
            results = await self._exchange(session, pending, rendition)
            again = _left_over(results)
            await self._close([result for result in results if result.delivery not in again])
            if not again:
                return
            pending = again
            try:
                session = await self._pool.acquire()
            except NoSession as refusal:
                await self._close([Result(delivery, Outcome(refusal.reply)) for delivery in pending])
                return

    async def _exchange(self, session: Session, pending: Sequence[Delivery], rendition: Rendition) -> list[Result]:
        """One transaction for `pending`; gives the session back. A kept session that had died is replaced."""
        while True:
            offer = plan(
                self._message.envelope,
                [delivery.recipient for delivery in pending],
                rendition.wire,
                session.capabilities,
            )
            contact = Contact(session.peer, session.tls_version, session.tls_cipher, offer.is_dsn_passed)
            try:
                return await _transact(session, offer, pending, rendition.wire, contact)
            except StaleSession:
                pass
            finally:
                self._pool.release(session)
            try:
                session = await self._pool.acquire()
            except NoSession as refusal:
                return [Result(delivery, Outcome(refusal.reply)) for delivery in pending]

    # -- writing down ------------------------------------------------------------------------------------------
    async def _close(self, results: Sequence[Result]) -> None:
        """Commit 3 for these deliveries, then what follows from it: the log, the notices."""
        closings = [self._closing(result) for result in results]
        await self._persist(self._desk.archive.finish_attempts, closings)
        reports: list[Report] = []
        for result, closing in zip(results, closings, strict=True):
            del self._open[closing.delivery.id]
            maillog.attempt_closed(closing.attempt, closing.delivery)
            report = owed(
                closing.delivery,
                closing.event.kind,
                self._message.envelope,
                is_dsn_passed=result.contact.is_dsn_passed,
            )
            if report is not None:
                reports.append(report)
        if reports:
            await self._guarded(postmaster.issue(self._desk, self._message, reports, self._pool.upstream.host))

    async def _persist(self, write: Callable[[Sequence[Written]], Awaitable[None]], facts: Sequence[Written]) -> None:
        """Writes, again and again until the archive can: a failed write may have happened, and repeating is safe.

        Giving the deliveries back instead could leave an attempt open for ever, or forget what an upstream answered.
        """
        pause = FIRST_PAUSE
        while True:
            try:
                await write(facts)
                return
            except ArchiveUnavailable as error:
                maillog.room_failed("courier", error)
            await asyncio.sleep(pause)
            pause = min(2 * pause, LONGEST_PAUSE)

    def _closing(self, result: Result) -> Closing:
        delivery, event = self._judge(result.delivery, result.outcome)
        attempt = replace(
            self._begun[delivery.id],
            finished_at=event.at,
            reply=result.outcome.reply,
            is_uncertain=result.outcome.is_uncertain,
            peer=result.contact.peer,
            tls_version=result.contact.tls_version,
            tls_cipher=result.contact.tls_cipher,
        )
        return Closing(attempt, delivery, event)

    def _judge(self, delivery: Delivery, outcome: Outcome) -> tuple[Delivery, Event]:
        """The delivery after `outcome`, and the event that says so."""
        desk, reply, now = self._desk, outcome.reply, self._desk.clock()
        judged, kind = after(
            replace(delivery, upstream=self._pool.upstream.name),
            outcome,
            now,
            desk.schedule,
            spread=desk.spread(),
            retry_unconfirmed=desk.settings.unconfirmed == "retry",
        )
        return judged, self._event(judged, kind, reply, now)

    def _event(self, delivery: Delivery, kind: Kind, reply: Reply, now: int) -> Event:
        attempt = self._begun.get(delivery.id)
        data = {
            "code": reply.code,
            "enhanced": reply.enhanced,
            "text": reply.text,
            "is_local": reply.is_local,
            "upstream": self._pool.upstream.name,
            "attempt": attempt.id if attempt else None,
            "due_at": delivery.due_at,
            "signatures": [asdict(signature) for signature in self._signatures] if attempt else None,
        }
        return Event(
            id=self._desk.new_id(),
            at=now,
            kind=kind,
            actor="relay" if reply.is_local else f"upstream:{self._pool.upstream.name}",
            message_id=self._message.id,
            delivery_id=delivery.id,
            grade=Grade.OWN if reply.is_local else Grade.PEER,
            data={key: value for key, value in data.items() if value not in (None, [])},
        )

    # -- when nothing could be sent ----------------------------------------------------------------------------
    async def _wait_for_upstream(self, suspended: Suspended) -> None:
        """Gives back what was not tried; what has expired meanwhile fails now."""
        now = self._desk.clock()
        is_late = any(
            delivery.expires_at is not None and delivery.expires_at <= now for delivery in self._open.values()
        )
        if is_late:
            await self._defer(suspended.reply)
        else:
            await self.give_back(suspended.seconds)

    async def _defer(self, reply: Reply) -> None:
        """Ends all open deliveries with `reply`; those without an attempt as well.

        An attempt that was begun may have been sent: it is closed as uncertain.
        """
        begun = [delivery for id, delivery in self._open.items() if id in self._begun]
        if begun:
            await self._close([Result(delivery, Outcome(reply, is_uncertain=True)) for delivery in begun])
        judged = [self._judge(delivery, Outcome(reply)) for delivery in self._open.values()]
        if judged:
            await self._desk.archive.add_events([event for _, event in judged])
            await self._desk.archive.release([delivery for delivery, _ in judged])
            self._open.clear()


async def _long(content: bytes, work: Callable[..., Made], *arguments: Any) -> Made:
    """What `work` makes of `arguments`; in a thread if `content` is large."""
    return work(*arguments) if len(content) < LARGE else await asyncio.to_thread(work, *arguments)


async def _transact(
    session: Session, offer: Plan, pending: Sequence[Delivery], wire: bytes, contact: Contact
) -> list[Result]:
    """Sends what the plan allows; what it refuses gets the plan's reply. Raises StaleSession."""
    if isinstance(offer.mail, Reply):
        return [Result(delivery, Outcome(offer.mail)) for delivery in pending]
    lines = [line for line in offer.rcpts if isinstance(line, bytes)]
    outcomes = iter(await session.send(offer.mail, lines, wire) if lines else ())
    return [
        Result(delivery, Outcome(line) if isinstance(line, Reply) else next(outcomes), contact)
        for delivery, line in zip(pending, offer.rcpts, strict=True)
    ]


def _left_over(results: Sequence[Result]) -> list[Delivery]:
    """Those refused only because there were too many at once (RFC 5321 section 4.5.3.1.10), if others got through."""
    if not any(result.outcome.reply.is_positive and not result.outcome.is_uncertain for result in results):
        return []
    return [result.delivery for result in results if _is_too_many(result.outcome.reply)]


def _is_too_many(reply: Reply) -> bool:
    return (
        not reply.is_local and reply.code in (452, 552) and (reply.enhanced is None or reply.enhanced.endswith(".5.3"))
    )
