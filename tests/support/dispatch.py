"""A queue to deliver from: messages put into an archive, and a courier to send them, with a clock that tests move."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from typing import Any

from relay.archive.api import Archive, StoredMessage
from relay.archive.content import stored
from relay.config import Delivery as DeliveryTable
from relay.config import TlsPolicy, Upstream
from relay.courier.courier import LEASE, UNSIGNED, Courier
from relay.courier.marking import Marking
from relay.model.delivery import Delivery, State
from relay.model.event import Event, Kind
from relay.model.message import Envelope, Message, Mode, Reception, Recipient, Trait
from relay.rendition.signing import Signer
from relay.resolver import Lookup

MINUTE = 60_000_000
HOUR = 60 * MINUTE
START = 1_795_000_000_000_000
"""UTC microseconds at which the clock of the tests stands."""
CONTENT = b"From: a@example.com\r\nTo: b@example.com\r\nSubject: hello\r\n\r\nHello.\r\n.dot\r\n..\r\n"

LONGEST_PAUSE = 0.03
"""Seconds between two looks at the archive: a look costs more than what is waited for."""

_numbers = itertools.count(1)


def new_id() -> str:
    """Ids in order, of the length of a ULID."""
    return f"01TEST{next(_numbers):020}"


class Clock:
    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> int:
        return self.now


class RunningClock:
    """Begins where the other stands, and goes on."""

    def __init__(self) -> None:
        self._began = time.monotonic()

    def __call__(self) -> int:
        return START + int((time.monotonic() - self._began) * 1_000_000)


def message_of(content: bytes, *recipients: str | Recipient, **envelope: Any) -> Message:
    """A message for `recipients` (default b@example.com); keywords are fields of the envelope."""
    paths = tuple(Recipient(each) if isinstance(each, str) else each for each in recipients or ("b@example.com",))
    ready = stored(content)
    traits = set() if content.isascii() else {Trait.EIGHT_BIT}
    return Message(
        id=new_id(),
        received_at=START,
        application="app",
        mode=Mode.RELAY,
        envelope=Envelope(**{"sender": "a@example.com", "recipients": paths, **envelope}),
        reception=Reception("127.0.0.1:40000", "app.example", "ESMTP", "smtp"),
        size=ready.size,
        sha256=ready.sha256,
        traits=frozenset(traits),
    )


async def queue(archive: Archive, message: Message, content: bytes, **fields: Any) -> Message:
    """Keeps `message` with deliveries that are due; keywords are fields of each delivery."""
    deliveries = [
        replace(
            Delivery(new_id(), message.id, recipient, State.QUEUED, START, due_at=START, expires_at=START + 48 * HOUR),
            **fields,
        )
        for recipient in message.envelope.recipients
    ]
    events = [Event(new_id(), START, Kind.CAPTURED, "relay", message.id)]
    await archive.add_message(message, stored(content), deliveries, events)
    return message


def upstream_of(port: int, **fields: Any) -> Upstream:
    """A plain upstream at a port of this machine that is not waited for long."""
    plain: dict[str, Any] = {
        "host": "127.0.0.1",
        "port": port,
        "tls": TlsPolicy.NONE,
        "timeout": 5,
        "connect_timeout": 5,
    }
    return Upstream(**{**plain, **fields})


def courier_of(
    archive: Archive,
    upstreams: Sequence[Upstream],
    clock: Callable[[], int] | None = None,
    lease: float = LEASE,
    signer: Signer = UNSIGNED,
    marking: Marking | None = None,
    lookup: Lookup | None = None,
    **settings: Any,
) -> Courier:
    """A courier that adds no Received field, unless `settings` (of `[delivery]`) say otherwise."""
    return Courier(
        DeliveryTable(**{"trace": "none", "jitter": 0.0, **settings}),
        upstreams,
        hostname="relay.example",
        archive=archive,
        clock=clock or Clock(),
        new_id=new_id,
        spread=lambda: 0.0,
        signer=signer,
        marking=marking,
        lease=lease,
        lookup=lookup,
    )


async def until(condition: Callable[[], Awaitable[bool]], within: float = 10.0) -> None:
    """Returns when the condition holds; it is looked at again and again, ever less often, with a deadline."""
    pause = 0.002
    async with asyncio.timeout(within):
        while not await condition():
            await asyncio.sleep(pause)
            pause = min(2 * pause, LONGEST_PAUSE)


async def at_rest(archive: Archive, message: Message, within: float = 10.0) -> StoredMessage:
    """The message once none of its deliveries is queued or being sent."""

    async def is_at_rest() -> bool:
        found = await archive.message(message.id)
        return not any(delivery.state in (State.QUEUED, State.SENDING) for delivery in found.deliveries)

    await until(is_at_rest, within)
    return await archive.message(message.id)


async def when_sent(archive: Archive, message: Message, within: float = 10.0) -> StoredMessage:
    """The message once all of its deliveries are sent."""

    async def is_sent() -> bool:
        found = await archive.message(message.id)
        return all(delivery.state is State.SENT for delivery in found.deliveries)

    await until(is_sent, within)
    return await archive.message(message.id)


def states(found: StoredMessage) -> dict[str, str]:
    """Recipient to state."""
    return {delivery.recipient.address: delivery.state.value for delivery in found.deliveries}
