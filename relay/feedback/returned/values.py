"""What a mail that came back says: its kind, and the fate of each recipient it names. RFC 3464, RFC 5965, RFC 3834."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class ReturnedKind(StrEnum):
    BOUNCE = "bounce"
    """Says what became of the message for its recipients: failed, delayed, or delivered."""
    COMPLAINT = "complaint"
    AUTO_REPLY = "auto-reply"
    """An out-of-office note or the like."""
    CHALLENGE = "challenge"
    """A request to confirm that a person sent the message."""
    RECEIPT = "receipt"
    """A disposition notification (RFC 8098): shown, deleted … Not of delivery."""
    OTHER = "other"
    """A person's mail, a list's, spam: not about a delivery."""


class Action(StrEnum):
    """RFC 3464 section 2.3.3."""

    FAILED = "failed"
    DELAYED = "delayed"
    DELIVERED = "delivered"
    RELAYED = "relayed"
    EXPANDED = "expanded"


@dataclass(frozen=True, slots=True)
class Fate:
    """What became of the message for one recipient. Texts are as reported, on one line; '' if not said."""

    recipient: str
    """Where the reporting system tried to deliver: the Final-Recipient."""
    action: Action
    status: str = ""
    """Enhanced status code, as said or found in the diagnostic."""
    diagnostic: str = ""
    code: int | None = None
    """SMTP's, if the diagnostic has it."""
    original_recipient: str = ""
    """As the sender gave it, if the report says so."""
    remote_mta: str = ""
    will_retry_until: str = ""
    last_attempt: str = ""

    @property
    def addressee(self) -> str:
        """The address that the sender knows."""
        return self.original_recipient or self.recipient


@dataclass(frozen=True, slots=True)
class Returned:
    """`form`: by which rule it was read, for the log and the tests."""

    kind: ReturnedKind
    form: str
    fates: tuple[Fate, ...] = ()
    header_message_id: str = ""
    """Of the original message, without angle brackets."""
    original_recipients: tuple[str, ...] = ()
    """In the header of the original message."""
    return_path: str = ""
    """The reverse-path that the original message had when it was returned, if it shows."""
    own_message_id: str = ""
    """Of the mail that came back."""
    subject: str = ""
    date: int | None = None
    """UTC microseconds, as its Date field says."""
    envelope_id: str = ""
    reporting_mta: str = ""
    feedback_type: str = ""
    """Of a complaint: abuse, fraud, virus, other."""
