"""A delivery: the duty to bring one message to one recipient; its states, and what a reply makes of it.

Theory: a delivery is *due* (queued, deferred or unconfirmed, with `due_at`), *claimed* (sending, under a lease) or
*at rest*. One attempt turns a claimed delivery into one of the states of `after`:

    outcome of the attempt                        state          due again
    2yz after the final dot                       sent           no
    5yz at any step                               failed         no
    4yz, or no session could be had               deferred       by the schedule; failed once expired
    content sent, reply lost                      unconfirmed    by the schedule if the policy is to retry

Says nothing of reports that come back later. RFC 5321 section 4.5.4, RFC 1047.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import IntEnum, StrEnum

from relay.model.bounce import BounceClass
from relay.model.edit import Edit
from relay.model.event import Grade, Kind
from relay.model.message import Message, Recipient
from relay.model.reply import Reply
from relay.model.signature import Signature

MICROSECONDS = 1_000_000


SHORTEST_WAIT = 60 * MICROSECONDS
"""A peer that asks for less gets this, or the schedule's interval if that is shorter."""


class State(StrEnum):
    CAPTURED = "captured"
    HELD = "held"
    SUPPRESSED = "suppressed"
    """Recorded, and not sent: the recipient is on a list, or a rule says so."""
    QUEUED = "queued"
    SENDING = "sending"
    DEFERRED = "deferred"
    SENT = "sent"
    FAILED = "failed"
    UNCONFIRMED = "unconfirmed"
    CANCELLED = "cancelled"
    DELIVERED = "delivered"
    """After sent: somebody further on reported that the recipient's server took it."""
    BOUNCED = "bounced"
    """After sent: reported as not delivered, for good or for now (`Delivery.bounce`)."""
    DROPPED = "dropped"
    """After sent: the provider reported that it did not try."""


REPORTED_STATES = frozenset({State.DELIVERED, State.BOUNCED, State.DROPPED})
"""States that only a report can bring about; before them the delivery was sent."""
DUE_STATES = frozenset({State.QUEUED, State.DEFERRED, State.UNCONFIRMED})
"""States in which a delivery with a `due_at` may be claimed."""


class Priority(IntEnum):
    """What is due goes out by priority, then by time."""

    BULK = -1
    NORMAL = 0
    URGENT = 1


@dataclass(frozen=True, slots=True)
class Delivery:
    """One duty. Times are UTC microseconds. `due_at` is None when nothing more will be tried."""

    id: str
    message_id: str
    recipient: Recipient
    state: State
    created_at: int
    due_at: int | None = None
    expires_at: int | None = None
    attempts: int = 0
    reply: Reply | None = None
    """The reply that closed the latest attempt."""
    upstream: str | None = None
    """Of the latest attempt."""
    priority: int = Priority.NORMAL
    lane: str | None = None
    """The route it waits in; None until the courier has seen it."""
    wanted_upstream: str | None = None
    """The upstream an operator chose for it."""
    original: str | None = None
    """Mode redirect: the recipient of the envelope, in whose place `recipient` gets it."""
    why: str | None = None
    """In words: why it is held, suppressed, cancelled or waits."""
    bounce: BounceClass | None = None
    """Of the report that made it bounced."""
    grade: Grade | None = None
    """Of the evidence for a reported state; None: no report."""
    source: str | None = None
    """Who reported it: `webhook:NAME`, `bounce`."""
    complained_at: int | None = None
    unsubscribed_at: int | None = None


@dataclass(frozen=True, slots=True)
class RetrySchedule:
    """When to try again: `intervals` for the first tries, then every `then`, until `expire_after`. Microseconds."""

    intervals: tuple[int, ...]
    then: int
    expire_after: int
    jitter: float = 0.1
    """Share of an interval added at random, so that a backlog does not come back at once."""

    def delay(self, attempts: int, spread: float) -> int:
        """Microseconds to wait after the given number of attempts (1 or more); `spread` is random in [0, 1)."""
        base = self.intervals[attempts - 1] if attempts <= len(self.intervals) else self.then
        return base + int(base * self.jitter * spread)


@dataclass(frozen=True, slots=True)
class Outcome:
    """How an attempt ended. `is_uncertain`: all content was written and the reply to the final dot never came."""

    reply: Reply
    is_uncertain: bool = False


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try to bring a message to one recipient. Open until `finished_at`; immutable once closed."""

    id: str
    delivery_id: str
    message_id: str
    number: int
    upstream: str
    began_at: int
    edits: tuple[Edit, ...]
    """What was changed on the way: wire content = splice(content, edits)."""
    wire_sha256: bytes
    """Of the octets sent after DATA, before dot-stuffing and without the final dot."""
    wire_size: int
    finished_at: int | None = None
    reply: Reply | None = None
    is_uncertain: bool = False
    peer: str | None = None
    tls_version: str | None = None
    tls_cipher: str | None = None
    sender: str | None = None
    """The reverse-path used, where it is not the envelope's."""
    signatures: tuple[Signature, ...] = ()
    """Of the DKIM-Signature fields among the edits."""
    provider_id: str | None = None
    """How the provider named the message in its reply: its reports do."""


@dataclass(frozen=True, slots=True)
class Claim:
    """Due deliveries of one message, now leased to one courier."""

    message: Message
    deliveries: tuple[Delivery, ...]
    suppressed: Mapping[str, str] = field(default_factory=dict)
    """By id of the delivery: why its recipient is not to be sent to."""


def after(
    delivery: Delivery,
    outcome: Outcome,
    now: int,
    schedule: RetrySchedule,
    *,
    spread: float = 0.0,
    retry_unconfirmed: bool = True,
    asked: int | None = None,
) -> tuple[Delivery, Kind]:
    """The delivery after an attempt that ended in `outcome`, and the kind of event that says so.

    `asked`: seconds for which the peer asked us to wait. They stand before the schedule, but do not make us come back
    at once, nor let the delivery expire that the schedule would have tried again: then it is tried at the last moment.
    """
    attempts = delivery.attempts + 1
    delay, expires_at = schedule.delay(attempts, spread), delivery.expires_at
    due_at: int | None = now + delay
    is_expired = expires_at is not None and now + delay > expires_at
    if asked is not None:
        wanted = now + max(asked * MICROSECONDS, min(delay, SHORTEST_WAIT))
        if expires_at is None or wanted <= expires_at:
            due_at, is_expired = wanted, False
        elif not is_expired:
            due_at = expires_at
    if outcome.is_uncertain:
        state, kind = State.UNCONFIRMED, Kind.UNCONFIRMED
        if is_expired or not retry_unconfirmed:
            due_at = None
    elif outcome.reply.is_positive:
        state, kind, due_at = State.SENT, Kind.SENT, None
    elif outcome.reply.is_permanent:
        state, kind, due_at = State.FAILED, Kind.FAILED, None
    elif is_expired:
        state, kind, due_at = State.FAILED, Kind.EXPIRED, None
    else:
        state, kind = State.DEFERRED, Kind.DEFERRED
    return replace(delivery, state=state, due_at=due_at, attempts=attempts, reply=outcome.reply), kind
