"""A suppression: an address that an application, or all of them, must not send to, and why."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Cause(StrEnum):
    BOUNCE = "bounce"
    COMPLAINT = "complaint"
    UNSUBSCRIBE = "unsubscribe"
    MANUAL = "manual"


@dataclass(frozen=True, slots=True)
class Suppressed:
    """One entry. `application` is '' for all. Times are UTC microseconds."""

    id: str
    address: str
    """As given; compared by `suppression_key`."""
    application: str
    cause: Cause
    reason: str
    """In words: the receiving server's reply, a person's note."""
    created_at: int
    created_by: str
    """An actor as in events: `relay`, `user:NAME`, `webhook:NAME`."""
    expires_at: int | None = None
    message_id: str | None = None
    """The message whose report or unsubscribing made it."""
    delivery_id: str | None = None


def suppression_key(address: str) -> str:
    """Under which an address is found again: case is ignored (no provider tells mailboxes apart by it)."""
    return address.strip().casefold()
