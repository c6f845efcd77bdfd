"""Taking a message's content away for good, and what stays of it. Values and pure functions only.

What stays: envelope, size, SHA-256, application, tags, references, Message-ID and author's address, all deliveries with
their replies, all events. What goes: content, subject, names, texts, file names.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from relay.model.delivery import Delivery, State
from relay.model.event import Event
from relay.model.summary import Addressee, Summary

LONGEST_REASON = 500
SHORTEST_REASON = 3


class Fate(StrEnum):
    """What became of one message of an order."""

    DELETED = "deleted"
    GONE = "gone"
    """It was deleted before: nothing changed."""
    REFUSED = "refused"


class Standing(StrEnum):
    """Of a request."""

    OPEN = "open"
    APPROVED = "approved"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Deletion:
    """Who took a content away, when, and why. The actors are as in an event."""

    at: int
    """UTC microseconds."""
    by: str
    asked_by: str
    """Who asked for it; the same as `by` where one person is enough."""
    reason: str
    erased_at: int | None = None
    """When the facts that name people or tell what it was about went too; None: they are there."""


@dataclass(frozen=True, slots=True)
class Order:
    """One message's content is to go. `event` is the DELETED one, whose actor and reason count.

    `cancellations`: an event for each delivery that still waits, so that its end is a fact too. With `request_id` it is
    the approval of that request.
    """

    message_id: str
    event: Event
    cancellations: Sequence[Event] = ()
    request_id: str | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    message_id: str
    fate: Fate
    words: str = ""
    """Why it was refused: a sentence."""


@dataclass(frozen=True, slots=True)
class Request:
    """A person wants a content gone; another has to say yes."""

    id: str
    message_id: str
    asked_at: int
    asked_by: str
    reason: str
    standing: Standing = Standing.OPEN
    decided_at: int | None = None
    decided_by: str | None = None
    answer: str = ""


def waits(delivery: Delivery) -> bool:
    """Whether it would still be sent: a content must not go while it is needed."""
    if delivery.state is State.UNCONFIRMED:
        return delivery.due_at is not None
    return delivery.state in (State.QUEUED, State.DEFERRED, State.HELD)


def remains(summary: Summary) -> Summary:
    """What may still be listed and found: addresses without names, codes, tags; no text of the message."""
    return Summary(
        senders=tuple(_addresses(summary.senders)),
        header_message_id=summary.header_message_id,
        date=summary.date,
        tags=summary.tags,
        references=summary.references,
    )


def _addresses(addressees: Iterable[Addressee]) -> Iterable[Addressee]:
    return (replace(addressee, name="") for addressee in addressees if addressee.address)


def reason_fault(reason: str) -> str:
    """What is wrong with a reason; '' if it will do."""
    if len(reason) < SHORTEST_REASON:
        return "say why, in words"
    return f"at most {LONGEST_REASON} characters" if len(reason) > LONGEST_REASON else ""
