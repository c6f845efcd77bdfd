"""What somebody further on says became of a message: a provider's event, a bounce, a complaint.

A payload is what came, as it came; a report is one statement in it about one recipient. Nothing is decided here
(`standing.py`). RFC 3464, RFC 5965.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from relay.model.bounce import BounceClass
from relay.model.delivery import Delivery
from relay.model.event import Grade


class ReportKind(StrEnum):
    ACCEPTED = "accepted"
    """The provider has it: no more than its 250 said."""
    DELAYED = "delayed"
    DELIVERED = "delivered"
    RELAYED = "relayed"
    """Passed to a server that does not report (RFC 3464 section 2.3.3): not delivery."""
    EXPANDED = "expanded"
    """Passed to the members of a list: not delivery."""
    BOUNCED = "bounced"
    DROPPED = "dropped"
    COMPLAINED = "complained"
    UNSUBSCRIBED = "unsubscribed"
    OPENED = "opened"
    CLICKED = "clicked"
    AUTO_REPLIED = "auto-replied"
    """An out-of-office note or the like: says nothing of delivery."""
    OTHER = "other"
    """An event that we have no word for: kept."""


@dataclass(frozen=True, slots=True)
class Payload:
    """Octets that reported something, verified, kept before they are read. `source`: `webhook:NAME`, `bounce`."""

    id: str
    received_at: int
    """UTC microseconds."""
    source: str
    grade: Grade
    verdict: str
    """How it was authenticated, in words: `ECDSA signature verified with the configured key`."""
    headers: Mapping[str, str]
    """Of the request, those that matter for the verdict; the envelope of a mail."""
    body: bytes
    peer: str = ""
    return_token: str = ""
    """Of the return path that a mail came to."""
    nonce: str = ""
    """What the sender may use but once, with the signature: other octets with it are a replay. Empty: none."""


@dataclass(frozen=True, slots=True)
class Report:
    """One statement about one recipient. Times are UTC microseconds.

    Which delivery it is about: `delivery_id` or `message_id` and `recipient`, if our identifier came back; else
    `provider_id` as in the reply to the final dot; else `header_message_id`.
    """

    id: str
    payload_id: str
    at: int
    """When it happened, as reported."""
    kind: ReportKind
    event_key: str
    """The same for each repetition: the provider's event id with its source, else a hash."""
    recipient: str = ""
    """Empty: of all recipients, if there is but one."""
    delivery_id: str = ""
    message_id: str = ""
    provider_id: str = ""
    header_message_id: str = ""
    """Without angle brackets."""
    bounce: BounceClass | None = None
    status: str = ""
    """Enhanced status code (RFC 3463)."""
    diagnostic: str = ""
    """What the receiving server said, untruncated."""
    explanation: str = ""
    """In plain words."""
    action: str = ""
    """What to do about it."""
    is_machine: bool | None = None
    """Of an open or click, if the reporter says so."""
    detail: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Applied:
    """A report after it was kept. `is_new`: it changed something; else it is a repetition."""

    report: Report
    is_new: bool
    message_id: str | None = None
    """None: no message of ours was found."""
    delivery: Delivery | None = None
    """As all reports about it leave it; None: of the message as a whole, or unmatched."""
