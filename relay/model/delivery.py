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

from dataclasses import dataclass, replace
from enum import StrEnum

from relay.model.edit import Edit
from relay.model.event import Kind
from relay.model.message import Message, Recipient
from relay.model.reply import Reply

MICROSECONDS = 1_000_000


class State(StrEnum):
    CAPTURED = "captured"
    HELD = "held"
    QUEUED = "queued"
    SENDING = "sending"
    DEFERRED = "deferred"
    SENT = "sent"
    FAILED = "failed"
    UNCONFIRMED = "unconfirmed"
    CANCELLED = "cancelled"


DUE_STATES = frozenset({State.QUEUED, State.DEFERRED, State.UNCONFIRMED})
"""States in which a delivery with a `due_at` may be claimed."""


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


@dataclass(frozen=True, slots=True)
class Claim:
    """Due deliveries of one message, now leased to one courier."""

    message: Message
    deliveries: tuple[Delivery, ...]


def after(
    delivery: Delivery,
    outcome: Outcome,
    now: int,
    schedule: RetrySchedule,
    *,
    spread: float = 0.0,
    retry_unconfirmed: bool = True,
) -> tuple[Delivery, Kind]:
    """The delivery after an attempt that ended in `outcome`, and the kind of event that says so."""
    attempts = delivery.attempts + 1
    due_at: int | None = now + schedule.delay(attempts, spread)
    expires_at = delivery.expires_at
    is_expired = expires_at is not None and due_at is not None and due_at > expires_at
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
