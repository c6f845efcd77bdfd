"""The postmaster: puts the notices that are owed into the archive, as messages of ours to the sender.

A notice is an ordinary message with the null sender, of the application `mailwitness`; the courier then sends it as
any other. It is written after the attempt was closed: a crash between the two loses the notice, never the fact.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from relay.archive.content import stored
from relay.courier.desk import Desk
from relay.courier.notice import Report, build_notice
from relay.model.delivery import MICROSECONDS, Delivery, State
from relay.model.event import Event, Kind
from relay.model.message import Envelope, Message, Mode, Reception, Recipient, Trait

APPLICATION = "mailwitness"


async def issue(desk: Desk, message: Message, reports: Sequence[Report], upstream: str) -> None:
    """Commits one notice about `reports` and an event on the original that names it.

    Reports of failure are sent only where the configuration wants it; where they were explicitly asked for and are
    not sent, an event says that they were owed. Raises ArchiveError.
    """
    wanted = [report for report in reports if report.is_success or desk.settings.notices]
    unsent = [report for report in reports if report not in wanted and report.recipient.notify is not None]
    now = desk.clock()
    if unsent:
        data = {
            "sent": False,
            "reason": "delivery.notices is off",
            "recipients": [report.recipient.address for report in unsent],
        }
        await desk.archive.add_events([Event(desk.new_id(), now, Kind.NOTICE, "relay", message.id, data=data)])
    if wanted:
        await _send(desk, message, wanted, upstream, now)


async def _send(desk: Desk, message: Message, reports: Sequence[Report], upstream: str, now: int) -> None:
    original = await desk.archive.content(message.id)
    notice_id = desk.new_id()
    octets = await asyncio.to_thread(
        build_notice,
        message,
        original,
        reports,
        hostname=desk.hostname,
        upstream=upstream,
        notice_id=notice_id,
        now=now,
    )
    content = stored(octets)
    recipient = Recipient(message.envelope.sender)
    notice = Message(
        id=notice_id,
        received_at=now,
        application=APPLICATION,
        mode=Mode.RELAY,
        envelope=Envelope("", (recipient,), smtputf8=not recipient.address.isascii()),
        reception=Reception(peer="relay", helo=desk.hostname, protocol="SMTP", listener="courier"),
        size=content.size,
        sha256=content.sha256,
        traits=frozenset() if octets.isascii() else frozenset({Trait.EIGHT_BIT}),
    )
    expires_at = now + desk.settings.expire_after * MICROSECONDS
    delivery = Delivery(desk.new_id(), notice_id, recipient, State.QUEUED, now, due_at=now, expires_at=expires_at)
    data = {
        "sent": True,
        "notice": notice_id,
        "actions": {report.recipient.address: report.action.value for report in reports},
    }
    await desk.archive.add_message(
        notice,
        content,
        [delivery],
        [
            Event(desk.new_id(), now, Kind.CAPTURED, "relay", notice_id, data={"notice_of": message.id}),
            Event(desk.new_id(), now, Kind.NOTICE, "relay", message.id, data=data),
        ],
    )
