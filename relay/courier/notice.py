"""Delivery status notifications: when one is owed to a sender, and its octets. Pure. RFC 3461, RFC 3464, RFC 6533.

`relayed` is owed where success was to be reported and the upstream cannot (RFC 3461 section 5.2.2); `failed` when the
configuration wants notices; `delayed` once, to who asked for it or when the configuration wants it. Nothing is ever
sent to the null sender.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from relay.config import Delivery as DeliveryTable
from relay.model.delivery import Delivery
from relay.model.event import Kind
from relay.model.message import Envelope, Message, Recipient
from relay.model.reply import Reply
from relay.rendition.trace import date_time

FULL_LIMIT = 1024 * 1024
"""Octets up to which RET=FULL returns the whole message; beyond it the header section (RFC 3461 section 6.2)."""
DELAY_NOTICE_AFTER = 4 * 3600
"""Seconds of waiting after which who asked by NOTIFY=DELAY is told, where the configuration does not say."""
_UNPRINTABLE = re.compile(r"[^\x20-\x7e]+")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]+")
_XTEXT = re.compile(r"\+([0-9A-F]{2})")
_HEADER_END = re.compile(rb"\r?\n\r?\n|\Z")


class Action(StrEnum):
    """RFC 3464 section 2.3.3."""

    FAILED = "failed"
    DELAYED = "delayed"
    RELAYED = "relayed"


@dataclass(frozen=True, slots=True)
class Report:
    """What is told about one recipient."""

    recipient: Recipient
    action: Action
    reply: Reply
    is_expired: bool = False
    will_try_until: int | None = None
    """UTC microseconds: of a delay, when it is given up."""

    @property
    def status(self) -> str:
        """RFC 3463 code whose class agrees with the action."""
        if self.action is Action.RELAYED:
            return self.reply.enhanced or "2.0.0"
        if self.is_expired:
            return "4.4.7"
        if self.action is Action.DELAYED:
            enhanced = self.reply.enhanced or ""
            return enhanced if enhanced.startswith("4.") else "4.0.0"
        return self.reply.enhanced or "5.0.0"


def owed(delivery: Delivery, kind: Kind, envelope: Envelope, *, is_dsn_passed: bool) -> Report | None:
    """The report that the sender is owed after an attempt that ended in an event of `kind`; None if none is."""
    if not envelope.sender or delivery.reply is None:
        return None
    wishes = set((delivery.recipient.notify or "FAILURE").upper().split(","))
    if kind is Kind.SENT and "SUCCESS" in wishes and not is_dsn_passed:
        return Report(delivery.recipient, Action.RELAYED, delivery.reply)
    if kind in (Kind.FAILED, Kind.EXPIRED) and "FAILURE" in wishes:
        return Report(delivery.recipient, Action.FAILED, delivery.reply, kind is Kind.EXPIRED)
    return None


def is_delay_owed(delivery: Delivery, envelope: Envelope, settings: DeliveryTable) -> bool:
    """Whether the sender is to be told that a delivery waits, if it has waited long enough and was not told before."""
    if not envelope.sender or delivery.due_at is None:
        return False
    if delivery.recipient.notify is None:
        return settings.delay_notice_after > 0
    return "DELAY" in delivery.recipient.notify.upper().split(",")


def build_notice(
    message: Message,
    content: bytes,
    reports: Sequence[Report],
    *,
    hostname: str,
    upstream: str,
    notice_id: str,
    now: int,
) -> bytes:
    """The notice about `message` as octets, CRLF, ready to be kept and sent to its sender.

    `content` is the original; `upstream` the host that gave the replies; `now` in UTC microseconds.
    """
    is_full = (
        (message.envelope.ret or "").upper() == "FULL"
        and any(report.action is Action.FAILED for report in reports)
        and len(content) <= FULL_LIMIT
    )
    end = _HEADER_END.search(content)
    returned = content if is_full else content[: end.start() if end else 0].rstrip(b"\r\n") + b"\r\n"
    status = _status_part(message, reports, hostname, upstream)
    is_global = not status.isascii()
    parts = [
        ("text/plain; charset=utf-8", _text_part(message, reports, hostname).encode()),
        (f"message/{'global-' if is_global else ''}delivery-status", status.encode()),
        ("message/rfc822" if is_full else "text/rfc822-headers", returned),
    ]
    boundary = _boundary(notice_id, parts)
    octets = [_header(message, reports, hostname, boundary, notice_id, now).encode()]
    for kind, body in parts:
        encoding = "7bit" if body.isascii() else "8bit"
        octets.append(f"--{boundary}\r\nContent-Type: {kind}\r\nContent-Transfer-Encoding: {encoding}\r\n\r\n".encode())
        octets.append(body + b"\r\n")
    octets.append(f"--{boundary}--\r\n".encode())
    return b"".join(octets)


def xtext_decoded(text: str) -> str:
    """`a+2Bb` -> `a+b` (RFC 3461 section 4); control characters left out."""
    return _CONTROL.sub("", _XTEXT.sub(lambda match: chr(int(match[1], 16)), text))


def _header(message: Message, reports: Sequence[Report], hostname: str, boundary: str, notice_id: str, now: int) -> str:
    has_failed = any(report.action is Action.FAILED for report in reports)
    has_waited = any(report.action is Action.DELAYED for report in reports)
    subject = "Message passed on"
    if has_failed or has_waited:
        subject = "Message could not be delivered" if has_failed else "Message is delayed"
    lines = [
        f"From: Mail Delivery System <MAILER-DAEMON@{hostname}>",
        f"To: <{_CONTROL.sub('', message.envelope.sender)}>",
        f"Subject: {subject}",
        f"Date: {date_time(now)}",
        f"Message-ID: <{notice_id}@{hostname}>",
        "MIME-Version: 1.0",
        "Auto-Submitted: auto-replied",
        "Content-Type: multipart/report; report-type=delivery-status;",
        f' boundary="{boundary}"',
    ]
    return "\r\n".join(lines) + "\r\n\r\n"


def _text_part(message: Message, reports: Sequence[Report], hostname: str) -> str:
    lines = [f"This is the mail system at {hostname}.", ""]
    for action, words in (
        (Action.FAILED, "Your message could not be delivered to:"),
        (
            Action.DELAYED,
            "Your message could not be delivered yet. It is tried again; you need not send it once more:",
        ),
        (
            Action.RELAYED,
            "Your message was passed on. The next mail system does not report delivery, so that no more will be heard"
            "\r\nunless delivery fails:",
        ),
    ):
        told = [report for report in reports if report.action is action]
        if told:
            lines.append(words)
            lines += [f"  <{_CONTROL.sub('', report.recipient.address)}>: {_shown(report)}" for report in told]
            lines.append("")
    lines.append(f"Our number for the message is {message.id}.")
    return "\r\n".join(lines) + "\r\n"


def _shown(report: Report) -> str:
    late = "given up after too many tries; last: " if report.is_expired else ""
    return late + _CONTROL.sub(" ", str(report.reply))


def _status_part(message: Message, reports: Sequence[Report], hostname: str, upstream: str) -> str:
    lines = [f"Reporting-MTA: dns; {hostname}"]
    if message.envelope.envid:
        lines.insert(0, f"Original-Envelope-Id: {xtext_decoded(message.envelope.envid)}")
    lines.append(f"Arrival-Date: {date_time(message.received_at)}")
    for report in reports:
        lines.append("")
        if report.recipient.orcpt:
            kind, _, address = _CONTROL.sub("", report.recipient.orcpt).partition(";")
            lines.append(f"Original-Recipient: {kind}; {xtext_decoded(address)}")
        address = _CONTROL.sub("", report.recipient.address)
        lines.append(f"Final-Recipient: {'rfc822' if address.isascii() else 'utf-8'}; {address}")
        lines += [f"Action: {report.action.value}", f"Status: {report.status}"]
        if report.will_try_until is not None:
            lines.append(f"Will-Retry-Until: {date_time(report.will_try_until)}")
        if not report.reply.is_local:
            lines.append(f"Remote-MTA: dns; {upstream}")
            lines.append(f"Diagnostic-Code: smtp; {_UNPRINTABLE.sub(' ', str(report.reply))[:900]}")
    return "\r\n".join(lines) + "\r\n"


def _boundary(notice_id: str, parts: Sequence[tuple[str, bytes]]) -> str:
    """One that occurs in no part: a sender may have tried to guess it."""
    boundary = f"={notice_id}"
    while any(boundary.encode() in body for _, body in parts):
        boundary += "="
    return boundary
