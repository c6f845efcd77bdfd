"""The journal: follows what is captured and sends a report of each message to another archive, in order, at least once.

Never in the way of mail: it reads what was committed, behind it, and is no delivery: neither queue nor figures know of
it. How far it is, is a setting, written after the other archive said 250: a crash in between sends one report again,
with the same Message-ID. A report that is refused stops the journal there; nothing is left out.
"""

from __future__ import annotations

import asyncio
from email.utils import format_datetime

from relay import maillog, metrics
from relay.archive.api import Archive, ArchiveError, Gone, Listing, NotFound
from relay.archive.query import Query
from relay.config import Upstream
from relay.courier.command import plan
from relay.courier.dialler import HostDialler
from relay.courier.session import Session
from relay.courier.trouble import NoSession, StaleSession
from relay.handover.entry import record_of
from relay.lasting import Lasting
from relay.model.message import Envelope, Recipient
from relay.model.reply import Reply
from relay.rendition.export import moment
from relay.rendition.journal_report import Journaled, is_report, journal_report

SETTING = "journal"
"""The archive's setting: `{"to": address, "seq": n}`, the last message that was reported there."""
LOOK = 0.5
PORTION = 50
FIRST_WAIT, LONGEST_WAIT = 2.0, 300.0
"""Seconds after a report was not taken; doubled each time."""


class NotTaken(Exception):
    """The other archive did not take a report; the text says why."""


class Journal:
    """`upstream`: None where there is no journal. One that is new begins with the next message."""

    def __init__(
        self, to: str, upstream: Upstream | None, *, house: str, archive: Archive, wait: float = FIRST_WAIT
    ) -> None:
        self._archive, self._wait = archive, wait
        self._task = Lasting("journal")
        self._session: Session | None = None
        self._set(to, upstream, house)

    def _set(self, to: str, upstream: Upstream | None, house: str) -> None:
        self._to, self._upstream, self._house = to, upstream, house

    async def start(self) -> None:
        """Returns when the place is known from which on each message counts."""
        if not self._to or self._upstream is None:
            return
        stored = await self._archive.setting(SETTING)
        if not stored or stored["to"] != self._to:
            await self._put((await self._archive.health()).last_seq)
        self._dialler = HostDialler(self._upstream, self._house)
        self._task.start(self._run())

    async def stop(self) -> None:
        await self._task.stop()
        self._drop()

    async def use(self, to: str, upstream: Upstream | None, house: str) -> None:
        """Another place or another way to it; the same ones disturb nothing."""
        if (to, upstream, house) != (self._to, self._upstream, self._house):
            await self.stop()
            self._set(to, upstream, house)
            await self.start()

    async def _put(self, seq: int) -> None:
        await self._archive.put_setting(SETTING, {"to": self._to, "seq": seq})

    async def _run(self) -> None:
        wait = self._wait
        while True:
            try:
                is_behind = await self._portion()
                wait = self._wait
                metrics.journal_failing.set(0)
                if not is_behind:
                    await self._rest()
                    await asyncio.sleep(LOOK)
            except Exception as error:
                self._drop()
                metrics.journal_failing.set(1)
                if isinstance(error, NotTaken | NoSession | ArchiveError):
                    maillog.journal_waits(str(error))
                else:
                    maillog.room_failed("journal", error)
                await asyncio.sleep(wait)
                wait = min(2 * wait, LONGEST_WAIT)

    async def _portion(self) -> bool:
        """Reports the next messages; whether there may be more."""
        seq = int((await self._archive.setting(SETTING))["seq"])
        health = await self._archive.health()
        metrics.journal_lag.set(health.last_seq - seq)
        rows = await self._archive.newer(Query(), seq, PORTION)
        for row in rows:
            await self._report(row)
            # Crash before this line: the report is sent again.
            await self._put(row.seq)
            metrics.journal_lag.set(max(0, health.last_seq - row.seq))
        return len(rows) == PORTION

    async def _report(self, row: Listing) -> None:
        try:
            stored = await self._archive.message(row.id)
            content = await self._archive.content(row.id) if stored.deletion is None else b""
        except NotFound:
            return
        except Gone:
            await self._report(row)
            return
        if is_report(content):
            return
        record, at = record_of(1, stored), moment(stored.message.received_at)
        about = Journaled(
            id=record.id,
            date=format_datetime(at),
            at=at.isoformat(timespec="microseconds"),
            sender=record.sender,
            recipients=record.recipients,
            subject=record.subject,
            message_id=record.header_message_id,
            sha256=record.sha256,
            size=record.size,
            deleted=record.deleted,
        )
        await self._send(about, content)
        metrics.journal_reports.inc()

    async def _send(self, about: Journaled, content: bytes, *, is_again: bool = False) -> None:
        """Returns when the other archive has it. Raises NotTaken, NoSession."""
        if self._session is None or not self._session.is_usable:
            self._drop()
            self._session = await self._dialler.dial()
        session = self._session
        takes_8bit = session.capabilities.offers("8BITMIME")
        wire = journal_report(about, content, house=self._house, to=self._to, takes_8bit=takes_8bit)
        offer = plan(Envelope("", (Recipient(self._to),)), [Recipient(self._to)], wire, session.capabilities)
        mail, *rcpts = (_sendable(about, part) for part in (offer.mail, *offer.rcpts))
        try:
            (outcome,) = await session.send(mail, rcpts, wire)
        except StaleSession:
            self._drop()
            if is_again:
                raise NotTaken(f"{about.id}: the connection was closed") from None
            await self._send(about, content, is_again=True)
            return
        if not outcome.reply.is_positive:
            raise NotTaken(f"{about.id}: {outcome.reply.code} {outcome.reply.text}")

    async def _rest(self) -> None:
        """No connection is kept while there is nothing to say."""
        if self._session is not None:
            session, self._session = self._session, None
            await session.quit()

    def _drop(self) -> None:
        if self._session is not None:
            self._session.abort()
            self._session = None


def _sendable(about: Journaled, part: bytes | Reply) -> bytes:
    """The line. Raises NotTaken: the other archive says beforehand that it would refuse it."""
    if isinstance(part, Reply):
        raise NotTaken(f"{about.id}: {part.text}")
    return part
