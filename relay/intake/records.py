"""What is written of an accepted message: itself, a delivery for each duty that comes of it, the events that say so.

    mode        deliveries
    relay       due, now or at the time that the message asks for
    redirect    the same, to the application's test addresses in the recipients' place
    hold        held until a person decides
    capture     captured, for ever

Pure, but for the ids that it is given.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from relay.intake.credentials import KnownApplication
from relay.model.delivery import Delivery, State
from relay.model.event import Event, Kind
from relay.model.message import Message, Mode, Recipient
from relay.model.redirect import Duty, redirected
from relay.rendition.instructions import Instructions

Records = tuple[Message, tuple[Delivery, ...], tuple[Event, ...]]

_INITIAL = {
    Mode.RELAY: State.QUEUED,
    Mode.REDIRECT: State.QUEUED,
    Mode.CAPTURE: State.CAPTURED,
    Mode.HOLD: State.HELD,
}
_EVENT = {State.QUEUED: Kind.QUEUED, State.HELD: Kind.HELD}


def records(
    message: Message,
    application: KnownApplication,
    asked: Instructions,
    *,
    new_id: Callable[[], str],
    expire_after: int,
) -> Records:
    """`message` with its deliveries, in the order of its recipients; each recipient counts once."""
    now = message.received_at
    state = _INITIAL[message.mode]
    due_at = asked.send_at or (now if state is State.QUEUED else None)
    priority = application.priority if asked.priority is None else asked.priority
    recipients = _once(message.envelope.recipients)
    duties: Iterable[Duty] = ((recipient, None) for recipient in recipients)
    if message.mode is Mode.REDIRECT:
        duties = redirected(recipients, application.redirect_to)
    deliveries = tuple(
        Delivery(
            id=new_id(),
            message_id=message.id,
            recipient=recipient,
            state=state,
            created_at=now,
            due_at=None if state is State.CAPTURED else due_at,
            expires_at=(asked.send_at or now) + expire_after,
            priority=priority,
            original=original,
        )
        for recipient, original in duties
    )
    actor = f"application:{application.name}"
    data = {"not_understood": list(asked.problems)} if asked.problems else {}
    captured = Event(new_id(), now, Kind.CAPTURED, actor, message.id, data=data)
    kind = _EVENT.get(state)
    if kind is None:
        return message, deliveries, (captured,)
    queued = (
        Event(new_id(), now, kind, actor, message.id, delivery.id, data=_said(delivery, asked))
        for delivery in deliveries
    )
    return message, deliveries, (captured, *queued)


def _once(recipients: Sequence[Recipient]) -> list[Recipient]:
    """Each address once, with the parameters that came first."""
    once: dict[str, Recipient] = {}
    for recipient in recipients:
        once.setdefault(recipient.address, recipient)
    return list(once.values())


def _said(delivery: Delivery, asked: Instructions) -> dict[str, Any]:
    said: dict[str, Any] = {"send_at": asked.send_at} if asked.send_at else {}
    if delivery.original is not None:
        said |= {"original": delivery.original, "recipient": delivery.recipient.address}
    return said
