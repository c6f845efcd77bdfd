"""A message that was sent, for reports to be about."""

from __future__ import annotations

from dataclasses import dataclass, replace

from relay.archive.api import Archive, Closing
from relay.archive.content import stored
from relay.model.delivery import Delivery, State
from relay.model.event import Event, Kind
from relay.model.reply import Reply
from tests.support.archive_values import CONTENT, a_message, an_attempt, captured_event, closed, deliveries_of, new_id

LONG_AFTER = 4_000_000_000 * 1_000_000


@dataclass(frozen=True)
class Sent:
    """Sent in one transaction to all recipients."""

    message_id: str
    deliveries: tuple[Delivery, ...]


async def sent_message(
    archive: Archive, *recipients: str, number: int = 1, provider_id: str | None = None, is_finished: bool = True
) -> Sent:
    """`is_finished`: False leaves it between the dot and the reply; `finish` goes on."""
    message = a_message(number, recipients=recipients or ("jane@example.com",))
    await archive.add_message(message, stored(CONTENT), deliveries_of(message), [captured_event(message)])
    claims = await archive.claim("me", message.received_at, LONG_AFTER, 100)
    deliveries = tuple(delivery for claim in claims for delivery in claim.deliveries)
    await archive.begin_attempts([an_attempt(delivery) for delivery in deliveries])
    sent = Sent(message.id, deliveries)
    if is_finished:
        await finish(archive, sent, provider_id)
    return sent


async def finish(archive: Archive, sent: Sent, provider_id: str | None) -> None:
    """The reply to the final dot came, and named the message so."""
    closings = []
    for delivery in sent.deliveries:
        attempt = replace(closed(an_attempt(delivery), Reply(250, "ok")), provider_id=provider_id)
        after = replace(delivery, state=State.SENT, attempts=1, due_at=None, reply=attempt.reply)
        event = Event(new_id(), attempt.began_at, Kind.SENT, "upstream:u", sent.message_id, delivery.id)
        closings.append(Closing(attempt, after, event))
    await archive.finish_attempts(closings)


async def states(archive: Archive, sent: Sent) -> list[State]:
    """Of the deliveries, in the order of the recipients."""
    return [delivery.state for delivery in (await archive.message(sent.message_id)).deliveries]
