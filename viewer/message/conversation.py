"""The SMTP conversations of a message, ours with the application and with the provider, from the facts that were kept.

Not a transcript: replies in between are not kept, and are not made up here. What each side must have said for these
facts to be, and every reply that was kept, in full. Pure. RFC 5321 section 3.3.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from relay.model.delivery import Attempt, Delivery
from relay.model.message import Envelope, Message, Recipient
from viewer.translation import say, say_n, thousands

MOST_RECIPIENTS = 50
MOST_ATTEMPTS = 100
NOT_SMTP = frozenset({"HTTP", "", "import"})


@dataclass(frozen=True, slots=True)
class Line:
    """`side`: `client` or `server` for what was said, `aside` for what happened."""

    side: str
    text: str


@dataclass(frozen=True, slots=True)
class Conversation:
    """One session as far as it is known. `at` in UTC microseconds; `title` names the other side."""

    title: str
    at: int
    lines: tuple[Line, ...]
    is_open: bool = False
    """No end of it is known: it is going on, or it broke off."""


def reception(message: Message) -> Conversation:
    """How the message came to us."""
    how, envelope = message.reception, message.envelope
    title = say("%(application)s to us", application=message.application)
    lines = [
        Line(
            "aside",
            say(
                "%(peer)s on listener %(listener)s, %(protocol)s",
                peer=say("%(peer)s through proxy %(proxy)s", peer=how.peer, proxy=how.via_proxy)
                if how.via_proxy
                else how.peer,
                listener=how.listener,
                protocol=how.protocol,
            ),
        )
    ]
    if how.protocol in NOT_SMTP or how.protocol.startswith("HTTP"):
        lines.append(Line("aside", say("It did not come by SMTP.")))
        return Conversation(title, message.received_at, tuple(lines))
    if how.helo:
        lines.append(Line("client", f"{'HELO' if how.protocol == 'SMTP' else 'EHLO'} {how.helo}"))
    if how.tls_version:
        lines.append(
            Line(
                "aside",
                say(
                    "Encrypted from here on or before: %(how)s",
                    how=f"{how.tls_version} {how.tls_cipher or ''}".rstrip(),
                ),
            )
        )
    if how.auth_user:
        lines.append(Line("client", say("AUTH … (as %(auth_user)s; the secret is not kept)", auth_user=how.auth_user)))
    lines.append(Line("client", _mail_from(envelope)))
    lines += [Line("client", _rcpt_to(recipient)) for recipient in envelope.recipients[:MOST_RECIPIENTS]]
    if len(envelope.recipients) > MOST_RECIPIENTS:
        lines.append(Line("aside", _more(len(envelope.recipients) - MOST_RECIPIENTS)))
    lines += [
        Line("client", "DATA"),
        Line(
            "aside",
            say("%(size)s octets, SHA-256 %(hash)s", size=thousands(message.size), hash=message.sha256.hex()),
        ),
        Line("server", f"250 2.0.0 queued as {message.id}"),
    ]
    return Conversation(title, message.received_at, tuple(lines))


def attempts(message: Message, deliveries: Sequence[Delivery], tried: Sequence[Attempt]) -> tuple[Conversation, ...]:
    """Each attempt to send it on, the latest MOST_ATTEMPTS, the oldest first."""
    by_id = {delivery.id: delivery for delivery in deliveries}
    known = [attempt for attempt in tried if attempt.delivery_id in by_id]
    known.sort(key=lambda attempt: attempt.began_at)
    return tuple(_attempt(message, by_id[attempt.delivery_id], attempt) for attempt in known[-MOST_ATTEMPTS:])


def _attempt(message: Message, delivery: Delivery, attempt: Attempt) -> Conversation:
    lines = [
        Line(
            "aside",
            say(
                "Attempt %(number)s through %(upstream)s",
                number=attempt.number,
                upstream=say("%(upstream)s at %(peer)s", upstream=attempt.upstream, peer=attempt.peer)
                if attempt.peer
                else attempt.upstream,
            ),
        )
    ]
    if attempt.tls_version:
        lines.append(Line("aside", f"Encrypted: {attempt.tls_version} {attempt.tls_cipher or ''}".rstrip()))
    sender = message.envelope.sender if attempt.sender is None else attempt.sender
    reply = attempt.reply
    if reply is None or not reply.is_local or attempt.is_uncertain:
        lines += [
            Line("client", f"MAIL FROM:<{sender}>"),
            Line("client", f"RCPT TO:<{delivery.recipient.address}>"),
            Line("client", "DATA"),
            Line(
                "aside",
                say(
                    "%(size)s octets, SHA-256 %(hash)s",
                    size=thousands(attempt.wire_size),
                    hash=attempt.wire_sha256.hex(),
                ),
            ),
        ]
    if reply is not None:
        side = "aside" if reply.is_local else "server"
        words = " ".join(word for word in (str(reply.code), reply.enhanced or "", reply.text) if word)
        lines.append(
            Line(
                side,
                say("Our own word, the provider said nothing: %(reply)s", reply=words) if reply.is_local else words,
            )
        )
    elif attempt.finished_at is None:
        lines.append(Line("aside", say("No reply yet.")))
    return Conversation(
        say("to %(address)s", address=delivery.recipient.address),
        attempt.began_at,
        tuple(lines),
        attempt.finished_at is None,
    )


def _more(count: int) -> str:
    return say_n("and %(num)s more recipient", "and %(num)s more recipients", count)


def _mail_from(envelope: Envelope) -> str:
    size = str(envelope.declared_size) if envelope.declared_size is not None else None
    given = (("SIZE", size), ("BODY", envelope.body), ("RET", envelope.ret), ("ENVID", envelope.envid))
    words = [f"MAIL FROM:<{envelope.sender}>", *(f"{name}={value}" for name, value in given if value)]
    if envelope.smtputf8:
        words.append("SMTPUTF8")
    if envelope.auth:
        words.append(f"AUTH={envelope.auth}")
    return " ".join(words)


def _rcpt_to(recipient: Recipient) -> str:
    given = (("NOTIFY", recipient.notify), ("ORCPT", recipient.orcpt))
    return " ".join([f"RCPT TO:<{recipient.address}>", *(f"{name}={value}" for name, value in given if value)])
