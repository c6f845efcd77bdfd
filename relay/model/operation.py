"""What a person may do with one delivery of the queue, as a table, and what becomes of it then. Pure.

    state                      retry now   reroute   cancel                 release   reject
    queued, deferred           yes         yes       cancelled              -         -
    unconfirmed, will be tried yes         yes       rests, unconfirmed     -         -
    unconfirmed, at rest       yes         yes       -                      -         -
    held                       -           yes       cancelled              queued    cancelled
    sending                    - (its attempt is under way and cannot be called back)
    all others                 - (it has ended; to send again makes a new delivery)

Each operation gives the delivery afterwards and the kind of event that says so, or a refusal in words. It decides on
what it was shown: `Archive.change_waiting` writes only where the delivery is still in that state.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from relay.model.delivery import DUE_STATES, Delivery, State
from relay.model.event import Kind


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why the operation is not possible: a sentence for the person who asked."""

    words: str

    def __str__(self) -> str:
        return self.words


DEFAULT_LANE = "default"
"""Where what no route takes waits; no route is called so."""


def lane_of_choice(upstream: str) -> str:
    """Where what was sent by a certain upstream waits: `>NAME`, which no route is called."""
    return f">{upstream}"


Operated = tuple[Delivery, Kind] | Refusal

_ENDED = {
    State.CAPTURED: "It was only captured: send it by sending it again.",
    State.SUPPRESSED: "It is suppressed: it was recorded and will not be sent.",
    State.SENDING: "It is being sent at this moment.",
    State.SENT: "It was sent already.",
    State.FAILED: "It failed for good: send it again instead.",
    State.CANCELLED: "It was cancelled: send it again instead.",
    State.DELIVERED: "It was delivered already.",
    State.BOUNCED: "It was sent and came back: send it again instead.",
    State.DROPPED: "The provider has dropped it: send it again instead.",
}


def retry_now(delivery: Delivery, now: int) -> Operated:
    """Due at once, for one try at least: what has expired meanwhile fails only after that."""
    if delivery.state not in DUE_STATES:
        return _refusal(delivery)
    return replace(delivery, due_at=now, why=None), Kind.RETRIED


def cancel(delivery: Delivery) -> Operated:
    """Never tried (again). What may have been sent stays unconfirmed: cancelling cannot make that known."""
    if delivery.state is State.HELD:
        return reject(delivery)
    if delivery.state not in DUE_STATES:
        return _refusal(delivery)
    if delivery.state is not State.UNCONFIRMED:
        return replace(delivery, state=State.CANCELLED, due_at=None, why=None), Kind.CANCELLED
    if delivery.due_at is None:
        return Refusal("It rests already: whether it was sent is not known, and it is not tried again.")
    return replace(delivery, due_at=None, why="not tried again: cancelled"), Kind.CANCELLED


def reroute(delivery: Delivery, now: int, upstream: str | None) -> Operated:
    """Due at once by that upstream, whatever the routes say; None: by the routes again. What is held stays held."""
    if delivery.state is State.HELD:
        return replace(delivery, wanted_upstream=upstream), Kind.REROUTED
    if delivery.state not in DUE_STATES:
        return _refusal(delivery)
    lane = lane_of_choice(upstream) if upstream else None
    return replace(delivery, wanted_upstream=upstream, lane=lane, due_at=now, why=None), Kind.REROUTED


def release(delivery: Delivery, now: int, expire_after: int) -> Operated:
    """Sent after all: due now, or at the later time it was handed in for. `expire_after` in microseconds from then."""
    if delivery.state is not State.HELD:
        return Refusal("It is not waiting for approval.")
    due_at = max(now, delivery.due_at or now)
    return replace(delivery, state=State.QUEUED, due_at=due_at, expires_at=due_at + expire_after, why=None), Kind.QUEUED


def reject(delivery: Delivery) -> Operated:
    """Never sent."""
    if delivery.state is not State.HELD:
        return Refusal("It is not waiting for approval.")
    return replace(delivery, state=State.CANCELLED, due_at=None, why=None), Kind.CANCELLED


def _refusal(delivery: Delivery) -> Refusal:
    if delivery.state is State.HELD:
        return Refusal("It waits for approval: release it instead.")
    return Refusal(_ENDED[delivery.state])
