"""Payloads, reports and messages that were sent, for tests of the archive."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from relay.archive.api import Archive, Closing
from relay.archive.api.report import Keeping
from relay.archive.content import stored
from relay.model.delivery import Delivery, State
from relay.model.event import Event, Grade, Kind
from relay.model.message import Message
from relay.model.reply import Reply
from relay.model.report import Applied, Payload, Report, ReportKind
from relay.model.suppressing import SuppressionRules
from relay.model.token import Token, TokenKind
from tests.support.archive_values import (
    CONTENT,
    NOON,
    SECOND,
    a_message,
    an_attempt,
    captured_event,
    closed,
    deliveries_of,
    make_id,
    new_id,
)

NO_RULES = SuppressionRules(on_bounce=False, on_complaint=False, on_unsubscribe=False)
SOURCE = "webhook:ses"


def a_payload(number: int = 1, source: str = SOURCE, **more: object) -> Payload:
    values: dict[str, object] = {
        "id": make_id(number, 7000),
        "received_at": NOON + 60 * SECOND,
        "source": source,
        "grade": Grade.SIGNED,
        "verdict": "signature verified",
        "headers": {"Content-Type": "application/json"},
        "body": b'{"number": %d}' % number,
        "peer": "192.0.2.50",
    }
    return Payload(**{**values, **more})  # type: ignore[arg-type]


def a_report(payload: Payload, kind: ReportKind = ReportKind.DELIVERED, key: str = "", **more: Any) -> Report:
    values: dict[str, object] = {
        "id": new_id(),
        "payload_id": payload.id,
        "at": NOON + 30 * SECOND,
        "kind": kind,
        "event_key": key or f"{kind}-{payload.id}",
    }
    return Report(**{**values, **more})


async def sent(
    archive: Archive,
    number: int,
    *recipients: str,
    provider_id: str | None = None,
    tokens: tuple[str, ...] = (),
    reply: Reply | None = None,
    state: State = State.SENT,
) -> tuple[Message, list[Delivery]]:
    """A message kept, claimed and sent to each recipient in one transaction."""
    message = a_message(number, recipients=recipients or ("jane@example.com",))
    await archive.add_message(message, stored(CONTENT), deliveries_of(message), [captured_event(message)])
    deliveries = await sending(archive, tokens=tokens)
    await finished(archive, deliveries, provider_id=provider_id, reply=reply, state=state)
    return message, deliveries


async def sending(archive: Archive, tokens: tuple[str, ...] = ()) -> list[Delivery]:
    claims = await archive.claim("me", NOON + 3600 * SECOND, NOON + 7200 * SECOND, 100)
    deliveries = [delivery for claim in claims for delivery in claim.deliveries]
    returns = [
        Token(token, delivery.id, delivery.message_id, TokenKind.RETURN, NOON)
        for token, delivery in zip(tokens, deliveries, strict=False)
    ]
    await archive.begin_attempts([an_attempt(delivery) for delivery in deliveries], returns)
    return deliveries


async def finished(
    archive: Archive,
    deliveries: list[Delivery],
    *,
    provider_id: str | None = None,
    reply: Reply | None = None,
    state: State = State.SENT,
) -> None:
    reply = reply or Reply(250, "ok")
    closings = []
    for delivery in deliveries:
        attempt = replace(closed(an_attempt(delivery), reply), provider_id=provider_id)
        after = replace(delivery, state=state, attempts=1, due_at=None, reply=reply)
        if state is State.UNCONFIRMED:
            after = replace(after, due_at=NOON + 9000 * SECOND)
        event = Event(new_id(), NOON, Kind.SENT, "upstream:u", delivery.message_id, delivery.id)
        event = replace(event, data={"attempt": attempt.id})
        closings.append(Closing(attempt, after, event))
    await archive.finish_attempts(closings)


def about(applied: Applied) -> str | None:
    """The id of the delivery that the report was found to be about."""
    return applied.delivery.id if applied.delivery else None


async def delivery_now(archive: Archive, delivery: Delivery) -> Delivery:
    found = await archive.message(delivery.message_id)
    return next(one for one in found.deliveries if one.id == delivery.id)


async def reported(archive: Archive, payload: Payload, *reports: Report, rules: SuppressionRules = NO_RULES):
    assert await archive.add_payload(payload) is Keeping.NEW
    return await archive.add_reports(payload.id, reports, rules)
