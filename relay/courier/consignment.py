"""A consignment: recipients of one message that one upstream is to carry, from the claim to the end of each.

The path, and what holds if we crash after each step:

    screen            who must not be sent to is settled; the rest is as before
    render            nothing happened; the lease runs out, the deliveries are due again
    begin             (commit 2) an open attempt is visible; it is recovered as unconfirmed
    send              the same: it may have been sent, and is sent again (RFC 1047: twice rather than never)
    close             (commit 3) done, and the notices that are owed for it are in the queue

Whatever goes wrong concerns these recipients alone: a broken message must not stop the queue. What is written down is
the business of `ledger.py`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace

from relay import maillog
from relay.archive.api import ArchiveUnavailable
from relay.courier import screening
from relay.courier.command import Plan, plan
from relay.courier.copies import Copies
from relay.courier.desk import Desk
from relay.courier.ledger import Contact, Copy, Ledger, Result
from relay.courier.pool import Paused, Pool, Suspended
from relay.courier.session import Session
from relay.courier.trouble import NoSession, StaleSession
from relay.model.delivery import MICROSECONDS, Delivery, Outcome, RetrySchedule
from relay.model.message import Message
from relay.model.reply import Reply, local_reply
from relay.rendition.fingerprint import fingerprint
from relay.rendition.signing import SigningFailed

ARCHIVE_PAUSE = 1.0
"""Seconds until a delivery is due again whose content could not be read."""
NOBODY: Mapping[str, str] = {}


class Consignment:
    """Claimed deliveries of one message; `carry` deals with every one of them.

    `suppressed`: by id of the delivery, why it is not to be sent; `schedule`: of the route, None: the common one;
    `has_other`: whether the route has another upstream that is up, to which what got no session here goes at once.
    """

    def __init__(
        self,
        desk: Desk,
        pool: Pool,
        message: Message,
        deliveries: Sequence[Delivery],
        *,
        suppressed: Mapping[str, str] = NOBODY,
        schedule: RetrySchedule | None = None,
        has_other: Callable[[], bool] = lambda: False,
    ) -> None:
        self._has_other = has_other
        self._desk, self._pool, self._message, self._suppressed = desk, pool, message, suppressed
        self._ledger = Ledger(desk, pool.upstream, message, deliveries, schedule or desk.schedule)

    @property
    def open_ids(self) -> list[str]:
        """The deliveries that still need their lease."""
        return list(self._ledger.open)

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
            reply = local_reply(451, "4.7.5", f"not sent, it cannot be signed: {failure}")
            await self._guarded(self._ledger.end(reply))
        except Exception as error:
            maillog.room_failed("courier", error)
            reply = local_reply(451, "4.3.0", f"could not be made ready for sending: {type(error).__name__}: {error}")
            await self._guarded(self._ledger.end(reply))

    async def give_back(self, seconds: float = 0.0, why: str | None = None) -> None:
        """Makes the deliveries that were not tried due again, in `seconds`; `why` says in words what they wait for."""
        await self._ledger.give_back(seconds, why)

    async def _guarded(self, last_resort: Awaitable[None]) -> None:
        try:
            await last_resort
        except Exception as error:
            maillog.room_failed("courier", error)

    async def _wait_for_upstream(self, suspended: Suspended) -> None:
        """Gives back what was not tried; what has expired meanwhile fails now."""
        if self._ledger.is_expired() and not isinstance(suspended, Paused):
            await self._ledger.end(suspended.reply)
        else:
            await self.give_back(suspended.seconds, suspended.reply.text)

    # -- making ready ------------------------------------------------------------------------------------------
    async def _carry(self) -> None:
        await self._screen()
        if not self._ledger.open:
            return
        content = self._ledger.content = await self._desk.archive.content(self._message.id)
        await self._guard(content)
        if not self._ledger.open:
            return
        copies = Copies(self._desk, self._pool.upstream, self._message, content)
        async for copy in copies.of(tuple(self._ledger.open.values())):
            await self._send(copy)

    async def _screen(self) -> None:
        """Settles those whom the lists keep mail from."""
        desk, marking = self._desk, self._desk.marking
        application = marking.application(self._message) if marking else None
        whys = screening.screened(
            tuple(self._ledger.open.values()), self._message.mode, self._suppressed, desk.settings, application
        )
        now = desk.clock()
        verdicts = [
            screening.suppressed(self._ledger.open[id], why, event_id=desk.new_id(), now=now)
            for id, why in whys.items()
        ]
        await self._settle(verdicts)

    async def _guard(self, content: bytes) -> None:
        """Settles those who got the same content a moment ago, where the application wants it."""
        desk, marking = self._desk, self._desk.marking
        application = marking.application(self._message) if marking else None
        if application is None or not application.duplicate_window:
            return
        asked = [one for one in self._ledger.open.values() if screening.is_guarded(one, self._message)]
        if not asked:
            return
        window, now = application.duplicate_window, desk.clock()
        found = await desk.archive.earlier_copies(
            await asyncio.to_thread(fingerprint, content),
            application.name,
            asked,
            window=window * MICROSECONDS,
            now=now,
        )
        verdicts = [
            screening.duplicate(self._ledger.open[id], earlier, window, event_id=desk.new_id(), now=now)
            for id, earlier in found.items()
        ]
        await self._settle(verdicts)

    async def _settle(self, verdicts: Sequence[screening.Verdict]) -> None:
        if verdicts:
            await self._ledger.settle([one.delivery for one in verdicts], [one.event for one in verdicts])
            for verdict in verdicts:
                maillog.not_sent(verdict.delivery)

    # -- sending -----------------------------------------------------------------------------------------------
    async def _send(self, copy: Copy) -> None:
        """Brings one copy to those who share it: one transaction, more where the upstream takes fewer at once."""
        try:
            session = await self._pool.acquire()
        except Suspended:
            raise
        except NoSession as refusal:
            await self._ledger.begin(copy)
            await self._close_all(copy.deliveries, refusal.reply)
            return
        try:
            await self._ledger.begin(copy)
        except BaseException:
            self._pool.release(session)
            raise
        while True:
            results = await self._exchange(session, copy)
            again = _left_over(results)
            await self._ledger.close([result for result in results if result.delivery not in again])
            if not again:
                return
            copy = replace(copy, deliveries=tuple(again))
            try:
                session = await self._pool.acquire()
            except NoSession as refusal:
                await self._close_all(copy.deliveries, refusal.reply)
                return

    async def _exchange(self, session: Session, copy: Copy) -> list[Result]:
        """One transaction; gives the session back. A kept session that had died is replaced."""
        envelope = self._message.envelope
        if copy.sender is not None:
            envelope = replace(envelope, sender=copy.sender)
        recipients = [delivery.recipient for delivery in copy.deliveries]
        while True:
            offer = plan(envelope, recipients, copy.rendition.wire, session.capabilities)
            contact = Contact(session.peer, session.tls_version, session.tls_cipher, offer.is_dsn_passed)
            try:
                return await _transact(session, offer, copy, contact)
            except StaleSession:
                pass
            finally:
                self._pool.release(session)
            try:
                session = await self._pool.acquire()
            except NoSession as refusal:
                return [Result(delivery, Outcome(refusal.reply)) for delivery in copy.deliveries]

    async def _close_all(self, deliveries: Sequence[Delivery], reply: Reply) -> None:
        results = [Result(delivery, Outcome(reply)) for delivery in deliveries]
        await self._ledger.close(results, is_due_now=self._has_other())


async def _transact(session: Session, offer: Plan, copy: Copy, contact: Contact) -> list[Result]:
    """Sends what the plan allows; what it refuses gets the plan's reply. Raises StaleSession."""
    if isinstance(offer.mail, Reply):
        return [Result(delivery, Outcome(offer.mail)) for delivery in copy.deliveries]
    lines = [line for line in offer.rcpts if isinstance(line, bytes)]
    outcomes = iter(await session.send(offer.mail, lines, copy.rendition.wire) if lines else ())
    return [
        Result(delivery, Outcome(line) if isinstance(line, Reply) else next(outcomes), contact)
        for delivery, line in zip(copy.deliveries, offer.rcpts, strict=True)
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
