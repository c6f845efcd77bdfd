"""Puts samples into a new archive, through the archive's own API, as they would have come and gone.

No courier runs: attempts that were made then are written down with their replies; what waits is due in ten years.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from ulid import ULID

from relay.archive.api import Archive, Closing
from relay.archive.content import stored
from relay.model.bounce import BounceClass
from relay.model.delivery import Attempt, Delivery, State
from relay.model.event import Event, Grade, Kind
from relay.model.message import Envelope, Message, Mode, Reception, Recipient
from relay.model.report import Payload, Report, ReportKind
from relay.model.suppressing import SuppressionRules
from relay.rendition.extract import ReferencePattern, extract
from relay.rendition.traits import traits_of
from tests.browser.copies import readers, sent_copy
from tests.browser.samples import LATER, LOST, NO_USER, OK, Sample, samples
from tests.support.fresh import open_archive
from viewer.present import DAY, SECOND

PATTERNS = (
    ReferencePattern("invoice", r"INV-\d+", ("subject", "body"), "https://erp.example.com/invoices/{code}"),
    ReferencePattern("quote", r"EST-\d+", ("subject", "body"), "https://erp.example.com/quotes/{code}"),
)
REPORTS = {State.DELIVERED: ReportKind.DELIVERED, State.BOUNCED: ReportKind.BOUNCED, State.DROPPED: ReportKind.DROPPED}
"""What a provider reports of a delivery that ends in such a state."""
EVENTS = {
    State.DELIVERED: (Kind.SENT, OK),
    State.BOUNCED: (Kind.SENT, OK),
    State.DROPPED: (Kind.SENT, OK),
    State.SENT: (Kind.SENT, OK),
    State.FAILED: (Kind.FAILED, NO_USER),
    State.DEFERRED: (Kind.DEFERRED, LATER),
    State.UNCONFIRMED: (Kind.UNCONFIRMED, LOST),
}


async def fill(folder: Path, now: int, chosen: Sequence[Sample] | None = None) -> list[str]:
    """The ids of the messages put into the archive in `folder`, oldest first."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    archive = await open_archive(f"sqlite:///{folder.resolve() / 'archive.db'}")
    try:
        oldest_first = sorted(chosen if chosen is not None else samples(now), key=lambda sample: -sample.age)
        return [await add(archive, sample, now) for sample in oldest_first]
    finally:
        await archive.close()


async def add(archive: Archive, sample: Sample, now: int) -> str:
    """Captures the sample as it was captured then, and closes the attempts that its states tell of."""
    at = now - sample.age
    ids = _Ids(at)
    message = _message(sample, at, ids())
    duties = [_delivery(message, address, state, at, ids()) for address, state in sample.fates]
    mode_kind = {State.CAPTURED: None, State.HELD: Kind.HELD, State.SUPPRESSED: Kind.SUPPRESSED}
    events = [Event(ids(), at, Kind.CAPTURED, f"application:{sample.application}", message.id)]
    for (_, state), duty in zip(sample.fates, duties, strict=True):
        kind = mode_kind.get(state, Kind.QUEUED)
        if kind is not None:
            events.append(Event(ids(), at, kind, f"application:{sample.application}", message.id, duty.id))
    await archive.add_message(message, stored(sample.content), duties, events)
    for (_, state), duty in zip(sample.fates, duties, strict=True):
        if state in EVENTS:
            await _attempt(archive, sample, message, duty, state, at, ids)
    await archive.add_summaries([(message.id, extract(sample.content, PATTERNS))])
    return message.id


def _message(sample: Sample, at: int, message_id: str) -> Message:
    recipients = tuple(Recipient(address) for address, _ in sample.fates)
    states = {state for _, state in sample.fates}
    mode = Mode.CAPTURE if State.CAPTURED in states else Mode.HOLD if State.HELD in states else Mode.RELAY
    return Message(
        id=message_id,
        received_at=at,
        application=sample.application,
        mode=mode,
        envelope=Envelope(sample.sender, recipients, body="8BITMIME", declared_size=len(sample.content)),
        reception=Reception(
            "10.1.4.17:41877",
            f"{sample.application}.internal.example.com",
            "ESMTPSA",
            "smtp",
            "TLSv1.3",
            "TLS_AES_256_GCM_SHA384",
            sample.application,
        ),
        size=len(sample.content),
        sha256=hashlib.sha256(sample.content).digest(),
        traits=traits_of(sample.content),
        tags=sample.tags,
    )


def _delivery(message: Message, address: str, state: State, at: int, delivery_id: str) -> Delivery:
    """As it was made then, not yet attempted."""
    first = {
        State.CAPTURED: State.CAPTURED,
        State.HELD: State.HELD,
        State.CANCELLED: State.CANCELLED,
        State.SUPPRESSED: State.SUPPRESSED,
    }.get(state, State.QUEUED)
    due_at = at + 3650 * DAY if first is State.QUEUED else None
    why = "unsubscribed on 3 October" if first is State.SUPPRESSED else None
    expires_at = at + 3660 * DAY
    return Delivery(
        delivery_id, message.id, Recipient(address), first, at, due_at=due_at, expires_at=expires_at, why=why
    )


async def _attempt(
    archive: Archive, sample: Sample, message: Message, duty: Delivery, state: State, at: int, ids: _Ids
) -> None:
    kind, reply = EVENTS[state]
    done = at + 1_400_000
    copy = sent_copy(message, sample.content, duty, at + 300_000)
    attempt = Attempt(
        ids(),
        duty.id,
        message.id,
        1,
        "ses",
        at + 300_000,
        copy.edits,
        copy.sha256,
        copy.size,
        peer="203.0.113.25:587",
        tls_version="TLSv1.3",
        tls_cipher="TLS_AES_128_GCM_SHA256",
    )
    await archive.begin_attempts([attempt], copy.tokens)
    closed = replace(attempt, finished_at=done, reply=reply, is_uncertain=state is State.UNCONFIRMED)
    due_at = at + 3650 * DAY if state in (State.DEFERRED, State.UNCONFIRMED) else None
    left = State.SENT if state in REPORTS else state
    after = replace(duty, state=left, due_at=due_at, attempts=1, reply=reply, upstream="ses")
    actor, grade = ("relay", Grade.OWN) if reply.is_local else ("upstream:ses", Grade.PEER)
    data = {"attempt": attempt.id, "reply": str(reply), "signatures": list(copy.signatures)}
    event = Event(ids(), done, kind, actor, message.id, duty.id, grade, data)
    await archive.finish_attempts([Closing(closed, after, event)])
    if copy.skipped and duty.recipient == message.envelope.recipients[0]:
        reasons = {"reasons": list(copy.skipped)}
        await archive.add_events([Event(ids(), at + 200_000, Kind.NOT_TRACKED, "relay", message.id, data=reasons)])
    if state in REPORTS:
        await _report(archive, duty, REPORTS[state], at, ids)
    if sample.is_read and state in (State.SENT, State.DELIVERED):
        await archive.add_fetches(readers(copy.tokens, at, ids))


async def _report(archive: Archive, duty: Delivery, kind: ReportKind, at: int, ids: _Ids) -> None:
    """What came back: by webhook that the provider has it and what became of it; of a bounce also a returned mail."""
    is_bounce = kind is ReportKind.BOUNCED
    source, grade, verdict = ("webhook:ses", Grade.SIGNED, "SNS signature version 2 verified, certificate pinned")
    heard = at + 75 * SECOND
    body = json.dumps({"eventType": kind.value.title(), "mail": {"destination": [duty.recipient.address]}}, indent=2)
    payload = Payload(
        ids(), heard, source, grade, verdict, {"x-amz-sns-message-type": "Notification"}, body.encode(), "203.0.113.9"
    )
    await archive.add_payload(payload)
    accepted = Report(ids(), payload.id, at + 2 * SECOND, ReportKind.ACCEPTED, ids(), delivery_id=duty.id)
    told = Report(
        ids(),
        payload.id,
        at + 9 * SECOND,
        kind,
        ids(),
        duty.recipient.address,
        duty.id,
        bounce=BounceClass.HARD if is_bounce else None,
        status="5.1.1" if is_bounce else "2.0.0",
        diagnostic="smtp; 550 5.1.1 <" + duty.recipient.address + ">: Recipient address rejected: User unknown"
        if is_bounce
        else "smtp; 250 2.0.0 OK 1732450000 a2-20020a",
        explanation="There is no mailbox of that name at this domain." if is_bounce else "",
        action="Ask the person for the right address; do not send there again." if is_bounce else "",
        detail={"event": kind.value.title()},
    )
    await archive.add_reports(payload.id, [accepted, told], SuppressionRules())
    if kind is ReportKind.DELIVERED and duty.recipient.address.startswith("marek"):
        complaint = replace(told, id=ids(), kind=ReportKind.COMPLAINED, event_key=ids(), at=at + 3600 * SECOND)
        await archive.add_reports(payload.id, [complaint], SuppressionRules())


@dataclass(slots=True)
class _Ids:
    """ULIDs of a time."""

    at: int
    made: int = field(default=0)

    def __call__(self) -> str:
        self.made += 1
        return str(ULID.from_timestamp(self.at / 1_000_000))
