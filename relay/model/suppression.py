"""A suppression: an address that an application, or all of them, must not send to, and why."""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from relay.model.event import Event, Kind


class Cause(StrEnum):
    BOUNCE = "bounce"
    COMPLAINT = "complaint"
    UNSUBSCRIBE = "unsubscribe"
    MANUAL = "manual"


CAUSE_WORDS: Mapping[Cause, str] = {
    Cause.BOUNCE: "bounced",
    Cause.COMPLAINT: "complained",
    Cause.UNSUBSCRIBE: "unsubscribed",
    Cause.MANUAL: "put there by hand",
}


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

    def is_in_force(self, now: int) -> bool:
        return self.expires_at is None or self.expires_at > now

    @property
    def about(self) -> tuple[str, str, str]:
        """See `about`."""
        return about(self.address, self.application, self.cause)

    def replaces(self, earlier: Suppressed) -> bool:
        """Whether it says more than an earlier one about the same: a report must hold longer, a person has the word."""
        if (self.reason, self.expires_at) == (earlier.reason, earlier.expires_at):
            return False
        if self.cause is Cause.MANUAL:
            return True
        return earlier.expires_at is not None and (self.expires_at is None or self.expires_at > earlier.expires_at)


def suppression_key(address: str) -> str:
    """Under which an address is found again: case is ignored (no provider tells mailboxes apart by it), and an
    international domain is the same in its own letters and as `xn--`."""
    local, at, domain = address.strip().casefold().rpartition("@")
    if not domain.isascii():
        # One that nobody could register is found again as it was written.
        with suppress(UnicodeError):
            domain = domain.encode("idna").decode("ascii")
    return f"{local}{at}{domain.removesuffix('.')}"


def about(address: str, application: str, cause: str) -> tuple[str, str, str]:
    """What an entry is about. The list has one at most for each; a later one takes its place if it `replaces` it.

    So of all entries of which events tell, the last about the same is the one that stands.
    """
    return suppression_key(address), application, str(cause)


def erased_key(secret: bytes, key: str) -> str:
    """Under which an erased address stays on the list: HMAC-SHA-256, which says nothing without the archive's secret.

    >>> erased_key(bytes(32), "ann@example.com")[:19]
    'erased:0eb072f6a631'
    """
    return "erased:" + hmac.digest(secret, key.encode("utf-8", "surrogatepass"), "sha256").hex()


def why_suppressed(cause: Cause, reason: str) -> str:
    """The line that a delivery's `why` and its event say.

    >>> why_suppressed(Cause.BOUNCE, "550 5.1.1 no such user")
    'the recipient is on the suppression list (bounced): 550 5.1.1 no such user'
    """
    line = f"the recipient is on the suppression list ({CAUSE_WORDS[cause]})"
    return f"{line}: {reason}" if reason else line


def added_event(entry: Suppressed, at: int | None = None) -> Event:
    """The fact that the entry was added, at `at` if not when it was made. It has the entry's id: adding again tells
    nothing twice."""
    return Event(
        entry.id,
        entry.created_at if at is None else at,
        Kind.SUPPRESSION_ADDED,
        entry.created_by,
        entry.message_id,
        entry.delivery_id,
        data=_facts(entry),
    )


def removed_event(entry: Suppressed, *, event_id: str, at: int, actor: str, reason: str) -> Event:
    """The fact that a person took the entry off; it goes, this stays."""
    data = {**_facts(entry), "entry": entry.id, "entry_reason": entry.reason, "reason": reason}
    return Event(event_id, at, Kind.SUPPRESSION_REMOVED, actor, entry.message_id, entry.delivery_id, data=data)


def _facts(entry: Suppressed) -> dict[str, Any]:
    facts = {
        "recipient": entry.address,
        "application": entry.application,
        "cause": entry.cause.value,
        "reason": entry.reason,
    }
    return facts if entry.expires_at is None else {**facts, "expires_at": entry.expires_at}
