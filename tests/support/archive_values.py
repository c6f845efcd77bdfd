"""Messages, deliveries and events for tests of the archive: made from a number, so that two runs make the same."""

from __future__ import annotations

from dataclasses import replace

from ulid import ULID

from relay.archive.api import StoredContent
from relay.archive.content import stored
from relay.model.delivery import Attempt, Delivery, State
from relay.model.edit import Edit
from relay.model.event import Event, Kind
from relay.model.message import Envelope, Message, Mode, Reception, Recipient
from relay.model.reply import Reply

CONTENT = b"Subject: hello\r\n\r\nbody\r\n"
SECOND = 1_000_000
NOON = 1_767_268_800 * SECOND
"""2026-01-01 12:00 UTC."""


def make_id(number: int, kind: int = 0) -> str:
    """A ULID whose order is that of the numbers; `kind` keeps ids of messages, deliveries and events apart."""
    return str(ULID.from_int((number << 16) + kind))


def new_id() -> str:
    return str(ULID())


def a_message(
    number: int,
    *,
    content: StoredContent | None = None,
    recipients: tuple[str, ...] = ("jane@example.com",),
    sender: str = "shop@example.com",
    application: str = "shop",
    received_at: int | None = None,
    tags: tuple[str, ...] = (),
    parent_id: str | None = None,
) -> Message:
    content = stored(CONTENT) if content is None else content
    return Message(
        id=make_id(number),
        received_at=NOON + number * SECOND if received_at is None else received_at,
        application=application,
        mode=Mode.RELAY,
        envelope=Envelope(sender, tuple(map(Recipient, recipients))),
        reception=Reception("192.0.2.7:41234", "client.example", "ESMTP", "smtp"),
        size=content.size,
        sha256=content.sha256,
        tags=tags,
        parent_id=parent_id,
    )


def deliveries_of(message: Message, state: State = State.QUEUED, due_at: int | None = None) -> list[Delivery]:
    """One for each recipient, due when the message was received unless said otherwise or at rest."""
    is_due = state in (State.QUEUED, State.DEFERRED, State.UNCONFIRMED)
    if due_at is None and is_due:
        due_at = message.received_at
    number = int(ULID.from_str(message.id)) >> 16
    return [
        Delivery(
            id=make_id(number, 1000 + n),
            message_id=message.id,
            recipient=recipient,
            state=state,
            created_at=message.received_at,
            due_at=due_at,
            expires_at=message.received_at + 48 * 3600 * SECOND,
        )
        for n, recipient in enumerate(message.envelope.recipients)
    ]


def captured_event(message: Message) -> Event:
    number = int(ULID.from_str(message.id)) >> 16
    return Event(make_id(number, 5000), message.received_at, Kind.CAPTURED, "relay", message.id)


def an_event(number: int, kind: Kind = Kind.ACCOUNT_CHANGED) -> Event:
    return Event(make_id(number, 6000), NOON, kind, "user:admin")


def an_attempt(delivery: Delivery, number: int = 1, edits: tuple[Edit, ...] = ()) -> Attempt:
    base = int(ULID.from_str(delivery.id))
    return Attempt(
        id=str(ULID.from_int(base + 20_000 + number)),
        delivery_id=delivery.id,
        message_id=delivery.message_id,
        number=number,
        upstream="upstream",
        began_at=NOON,
        edits=edits,
        wire_sha256=bytes(32),
        wire_size=24,
    )


def closed(attempt: Attempt, reply: Reply) -> Attempt:
    return replace(attempt, finished_at=NOON + SECOND, reply=reply, peer="192.0.2.1:587", tls_version="TLSv1.3")
