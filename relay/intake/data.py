"""DATA: reads the content in chunks, keeps it durably, and only then answers 250. RFC 5321 section 4.1.1.4.

If the client hangs up before the final dot nothing is kept; after it, keeping goes on and only the reply is lost
(the client will send the message again as another one: RFC 1047). Memory: what `ContentBuilder` holds compressed,
one chunk, and nothing at all of a message beyond the limit.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from relay import maillog
from relay.archive.api import ArchiveUnavailable, StoredContent
from relay.archive.content import ContentBuilder
from relay.intake.connection import SessionOver
from relay.intake.credentials import KnownApplication
from relay.intake.door import Arrival
from relay.intake.dotreader import DotReader
from relay.intake.limits import is_too_slow
from relay.intake.records import Records, records
from relay.intake.transaction import NEEDS_MAIL, TOO_BIG, Transaction
from relay.model.delivery import Delivery
from relay.model.event import Event
from relay.model.message import Message, Reception
from relay.model.reply import Reply
from relay.rendition.instructions import Instructions, Unreadable, understood

if TYPE_CHECKING:
    from relay.intake.lobby import Lobby
    from relay.intake.session import SmtpSession

SEND_IT = Reply(354, "send the message, end with CRLF.CRLF")
TAKES_NOTHING = Reply(501, "DATA takes no argument", "5.5.4")
NEEDS_RCPT = Reply(503, "give a recipient first: RCPT TO:<address>", "5.5.1")
LOOPING = Reply(554, "message has passed too many servers: it goes round in circles", "5.4.6")
TOO_SLOW = Reply(421, "message comes too slowly, goodbye", "4.4.2")
NOT_KEPT = Reply(451, "message could not be kept, try again later", "4.3.0")
FULL = Reply(452, "no space left to keep the message, try again later", "4.3.1")


@dataclass(frozen=True, slots=True)
class Received:
    """One content, read to its end."""

    reader: DotReader
    content: StoredContent


async def data(session: SmtpSession, argument: bytes) -> Reply:
    if argument:
        return TAKES_NOTHING
    transaction = session.transaction
    if transaction is None:
        return NEEDS_MAIL
    if not transaction.recipients:
        return NEEDS_RCPT
    refusal = _rate(session, transaction.application)
    if refusal is not None:
        return refusal
    session.is_receiving = True
    is_kept = False
    try:
        await session.answer(SEND_IT)
        received = await _receive(session)
        session.transaction = None
        if received is None:
            return session.refuse("size", TOO_BIG)
        if received.reader.hops > session.smtp.max_hops:
            return session.refuse("loop", LOOPING)
        try:
            keeping = _keeping(session, transaction, received)
        except Unreadable as cause:
            return session.refuse("instruction", Reply(554, str(cause), "5.6.0"))
        reply = await asyncio.shield(session.lobby.keep_going(keeping))
        is_kept = reply.is_positive
    finally:
        session.is_receiving = False
        if not is_kept and transaction.application.max_messages_per_hour:
            session.lobby.rates.give_back(transaction.application.name)
    if is_kept:
        session.budget.forgive_junk()
    return reply


def _rate(session: SmtpSession, application: KnownApplication) -> Reply | None:
    """The refusal of one message too many in this hour; else the message is counted."""
    limit, lobby = application.max_messages_per_hour, session.lobby
    seconds = lobby.rates.take(application.name, limit, lobby.clock()) if limit and lobby.door is None else 0
    if not seconds:
        return None
    text = f"{application.name} may send {limit} messages an hour, the next in {seconds} seconds"
    return session.refuse("rate", Reply(451, text, "4.7.1"))


def _keeping(session: SmtpSession, transaction: Transaction, received: Received) -> Coroutine[Any, Any, Reply]:
    """What is to be done with the content, wherever the session leads. Raises Unreadable."""
    if session.lobby.door is not None:
        return session.lobby.door.keep(
            Arrival(transaction.envelope(), _reception(session, transaction), received.content)
        )
    asked = understood(received.reader.instructions, session.lobby.clock())
    message, deliveries, events = _records(session, transaction, received, asked)
    return _keep(session.lobby, session.client.text, message, deliveries, events, received.content)


async def _receive(session: SmtpSession) -> Received | None:
    """The content up to the final dot; None if it is beyond the size limit. Raises SessionOver."""
    reader = DotReader(session.smtp.max_message_size)
    builder: ContentBuilder | None = ContentBuilder()
    began = session.loop.time()
    received = 0
    while True:
        octets = await session.read_some()
        received += len(octets)
        content = reader.feed(octets)
        if builder is not None and content:
            builder.feed(content)
        if reader.is_over_limit:
            builder = None
        if reader.is_complete:
            break
        if is_too_slow(received, session.loop.time() - began, session.smtp, session.lobby.data_grace):
            raise SessionOver("too slow", session.refuse("slow", TOO_SLOW))
    session.unread(reader.rest)
    return Received(reader, builder.finish()) if builder is not None else None


def _records(session: SmtpSession, transaction: Transaction, received: Received, asked: Instructions) -> Records:
    lobby, application = session.lobby, transaction.application
    message = Message(
        id=lobby.new_id(),
        received_at=lobby.clock(),
        application=application.name,
        mode=application.mode,
        envelope=transaction.envelope(),
        reception=_reception(session, transaction),
        size=received.content.size,
        sha256=received.content.sha256,
        traits=received.reader.traits,
        hops=received.reader.hops,
        tags=application.tags,
    )
    return records(message, application, asked, new_id=lobby.new_id, expire_after=lobby.expire_after)


def _reception(session: SmtpSession, transaction: Transaction) -> Reception:
    tls = session.session.ssl or {}
    return Reception(
        peer=session.client.text,
        helo=session.session.host_name or "",
        protocol=_protocol(session, transaction),
        listener=session.station.listener.name,
        tls_version=tls.get("version"),
        tls_cipher=tls.get("cipher"),
        auth_user=session.application.username if session.application else None,
        via_proxy=session.client.via_proxy,
    )


def _protocol(session: SmtpSession, transaction: Transaction) -> str:
    """The `with` keyword of a Received field (RFC 3848, RFC 6531 section 4.3)."""
    if not session.session.extended_smtp:
        return "SMTP"
    name = "UTF8SMTP" if transaction.parameters.smtputf8 else "ESMTP"
    return f"{name}{'S' if session.is_tls else ''}{'A' if session.application else ''}"


async def _keep(
    lobby: Lobby,
    peer: str,
    message: Message,
    deliveries: tuple[Delivery, ...],
    events: tuple[Event, ...],
    content: StoredContent,
) -> Reply:
    """Commit 1, and the reply that its outcome deserves. Runs to its end whether or not the client is still there."""
    began = asyncio.get_running_loop().time()
    try:
        await lobby.archive.add_message(message, content, deliveries, events)
    except ArchiveUnavailable as cause:
        maillog.message_not_kept(message.id, peer, cause)
        return FULL if cause.is_full else NOT_KEPT
    except Exception as cause:
        maillog.room_failed("intake", cause)
        return NOT_KEPT
    maillog.message_accepted(message, asyncio.get_running_loop().time() - began)
    return Reply(250, f"queued as {message.id}", "2.0.0")
