"""The postmaster: prepares the notices that are owed, as messages of ours to the sender, for commit 3 to keep.

A notice is an ordinary message with the null sender, of the application `mailwitness`; the courier then sends it as
any other. It is kept together with the fact that it tells of: a crash loses both or neither.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from relay import maillog
from relay.archive.api import Capture
from relay.archive.content import stored
from relay.courier.desk import Desk
from relay.courier.notice import DELAY_NOTICE_AFTER, Action, Report, build_notice, is_delay_owed, owed
from relay.model.delivery import MICROSECONDS, Delivery, State
from relay.model.event import Event, Kind
from relay.model.message import Envelope, Message, Mode, Reception, Recipient, Trait

APPLICATION = "mailwitness"


@dataclass(frozen=True, slots=True)
class Post:
    """What is to be kept besides the end of an attempt."""

    notices: tuple[Capture, ...] = ()
    events: tuple[Event, ...] = ()


NOTHING = Post()


async def prepare(
    desk: Desk,
    message: Message,
    ended: Sequence[tuple[Delivery, Kind]],
    passed: Collection[str],
    *,
    upstream: str,
    content: bytes | None,
) -> Post:
    """The notice owed for deliveries after an attempt that ended in events of these kinds, and what is said of it.

    `passed`: ids of deliveries on which the upstream will report itself. `content`: the original, None: not read yet.
    Never raises: a notice that cannot be made does not keep the end of an attempt from being written down.
    """
    reports = [
        report
        for delivery, kind in ended
        if (report := owed(delivery, kind, message.envelope, is_dsn_passed=delivery.id in passed))
    ]
    waiting = [
        delivery
        for delivery, kind in ended
        if kind in (Kind.DEFERRED, Kind.UNCONFIRMED) and is_delay_owed(delivery, message.envelope, desk.settings)
    ]
    if not reports and not waiting:
        return NOTHING
    try:
        reports += await _delays(desk, message, waiting)
        return await _post(desk, message, reports, upstream, content)
    except Exception as error:
        maillog.room_failed("courier", error)
        reason = f"the notice could not be made: {type(error).__name__}: {error}"
        return Post(events=(_unsent(desk, message, reports, reason),)) if reports else NOTHING


async def _delays(desk: Desk, message: Message, waiting: Sequence[Delivery]) -> list[Report]:
    """The reports of delay, each due and not made before: known from the events, which are read for it."""
    if not waiting:
        return []
    told: set[str] = set()
    since: dict[str, int] = {}
    for _, event in await desk.archive.events(message_id=message.id):
        if event.kind is Kind.NOTICE:
            actions = event.data.get("actions", {})
            told.update(address for address, action in actions.items() if action == Action.DELAYED.value)
        elif event.kind in (Kind.QUEUED, Kind.RESENT) and event.delivery_id is not None:
            since[event.delivery_id] = event.data.get("send_at") or event.at
    now, patience = desk.clock(), desk.settings.delay_notice_after or DELAY_NOTICE_AFTER
    return [
        Report(delivery.recipient, Action.DELAYED, delivery.reply, will_try_until=delivery.expires_at)
        for delivery in waiting
        if delivery.recipient.address not in told
        and delivery.reply is not None
        and now - since.get(delivery.id, delivery.created_at) >= patience * MICROSECONDS
    ]


async def _post(desk: Desk, message: Message, reports: Sequence[Report], upstream: str, content: bytes | None) -> Post:
    """One notice about `reports`, and an event on the original that names it.

    Reports of failure are sent only where the configuration wants it; where they were explicitly asked for and are
    not sent, an event says that they were owed.
    """
    wanted = [report for report in reports if report.action is not Action.FAILED or desk.settings.notices]
    unsent = [report for report in reports if report not in wanted and report.recipient.notify is not None]
    events = [_unsent(desk, message, unsent, "delivery.notices is off")] if unsent else []
    if not wanted:
        return Post(events=tuple(events))
    original = await desk.archive.content(message.id) if content is None else content
    notice, said = await _notice(desk, message, original, wanted, upstream)
    return Post((notice,), (*events, said))


def _unsent(desk: Desk, message: Message, reports: Sequence[Report], reason: str) -> Event:
    recipients = [report.recipient.address for report in reports]
    data = {"sent": False, "reason": reason, "recipients": recipients}
    return Event(desk.new_id(), desk.clock(), Kind.NOTICE, "relay", message.id, data=data)


async def _notice(
    desk: Desk, message: Message, original: bytes, reports: Sequence[Report], upstream: str
) -> tuple[Capture, Event]:
    now, notice_id = desk.clock(), desk.new_id()
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
    captured = Event(desk.new_id(), now, Kind.CAPTURED, "relay", notice_id, data={"notice_of": message.id})
    data = {
        "sent": True,
        "notice": notice_id,
        "actions": {report.recipient.address: report.action.value for report in reports},
    }
    said = Event(desk.new_id(), now, Kind.NOTICE, "relay", message.id, data=data)
    return Capture(notice, content, (delivery,), (captured,)), said
