"""A dated fact. Facts are only added; every status is a fold over them. The names are part of the outside contract."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class Kind(StrEnum):
    """What happened. Each name says no more than was observed."""

    CAPTURED = "captured"
    """The content was committed; the client was then told 250."""
    IMPORTED = "imported"
    """The content was taken over from elsewhere: when, from whom and to whom it went was not witnessed here."""
    QUEUED = "queued"
    """A delivery was made due: first submission, resend, release."""
    HELD = "held"
    SENT = "sent"
    """The upstream answered 2yz to the final dot: it took responsibility. Says nothing of the mailbox."""
    DEFERRED = "deferred"
    FAILED = "failed"
    EXPIRED = "expired"
    UNCONFIRMED = "unconfirmed"
    """The content was, or may have been, transmitted; no reply was seen. A retry may duplicate it (RFC 1047)."""
    CANCELLED = "cancelled"
    RESENT = "resent"
    """A person asked for the message to be sent again: exactly, or edited as a new message."""
    VIEWED = "viewed"
    DOWNLOADED = "downloaded"
    EXPORTED = "exported"
    NOTICE = "notice"
    """We sent, or owed and could not send, a delivery status notification."""
    NOT_TRACKED = "not-tracked"
    """Tracking was asked for, and left all or some of the message alone: why is in the data. It was sent."""
    OPENED = "opened"
    """The pixel was fetched: by whom is an opinion, in the data. Not "read"."""
    CLICKED = "clicked"
    """A rewritten link was followed: by whom is an opinion, in the data."""
    UNSUBSCRIBED = "unsubscribed"
    """The recipient, or their mail program for them, asked by POST for no more of it (RFC 8058)."""
    SUPPRESSED = "suppressed"
    """Recorded, and not sent."""
    DUPLICATE = "duplicate"
    """Not sent: the same content went to the same recipient a moment ago."""
    RETRIED = "retried"
    """A person made a waiting delivery due now."""
    REROUTED = "rerouted"
    """A person chose another upstream for a waiting delivery."""
    ACCEPTED = "accepted"
    """The provider reports that it has the message: no more than its 250 said."""
    DELAYED = "delayed"
    """Reported: not delivered yet, it is still being tried."""
    RELAYED = "relayed"
    EXPANDED = "expanded"
    DELIVERED = "delivered"
    """Reported: the recipient's server took it. Not "read", not "in the inbox"."""
    BOUNCED = "bounced"
    DROPPED = "dropped"
    """Reported: the provider did not try."""
    COMPLAINED = "complained"
    """Reported: the recipient called it spam."""
    AUTO_REPLIED = "auto-replied"
    REPORTED = "reported"
    """A report that we have no word for; kept."""
    SUPPRESSION_ADDED = "suppression-added"
    SUPPRESSION_REMOVED = "suppression-removed"
    MODE_CHANGED = "mode-changed"
    """A person switched an application's mode."""
    PAUSED = "paused"
    """A person stopped all sending, or that of an upstream."""
    RESUMED = "resumed"
    ENDPOINT_FAILED = "endpoint-failed"
    """An endpoint did not take a notification in the time it has."""
    REPLAYED = "replayed"
    """A person asked for notifications to be sent again."""
    SIGNED_IN = "signed-in"
    SIGNED_OUT = "signed-out"
    SIGN_IN_REFUSED = "sign-in-refused"
    ACCOUNT_CHANGED = "account-changed"
    """A user, application credential or API token was added, changed or removed."""
    DELETED = "deleted"
    """The content is gone for good; envelope, hash, size and all events stay."""
    DELETION_ASKED = "deletion-asked"
    """A person asked for it; another has to approve."""
    DELETION_REFUSED = "deletion-refused"
    """A second person did not approve."""
    HOLD_MADE = "hold-made"
    """A person began a legal hold; no message is under it yet."""
    HOLD_PLACED = "hold-placed"
    """A person put a message under a legal hold: nobody can delete it."""
    HOLD_LIFTED = "hold-lifted"
    """A person took a message from under a legal hold."""
    HOLD_ENDED = "hold-ended"
    """A person ended a legal hold: it keeps nothing any more."""
    RETENTION_RUN = "retention-run"
    """The rules of retention were gone through: what each deleted is in the data."""
    ERASURE_ASKED = "erasure-asked"
    """Somebody asked for a person to be taken out of everything that is kept."""
    ERASURE_DECIDED = "erasure-decided"
    """A second person approved or refused it: which is in the data."""
    ERASED = "erased"
    """A person was taken out of some facts, or all facts of a message that tell of people or of what it said went: the
    leaves that can be opened no more are in the data."""
    TAGGED = "tagged"
    """A person put tags on a message, or took some off."""
    SETTING_CHANGED = "setting-changed"
    """A setting that is kept beside the file: before and after are in the data."""
    KEY_CHANGED = "key-changed"
    """The log has another signing key: before and after are in the data, as verifier keys."""
    ENCRYPTION_CHANGED = "encryption-changed"
    """Encryption was turned on or off, plain contents are being encrypted, or data keys wrapped by another master key:
    which is in the data."""
    RESTORED = "restored"
    """The archive was put back from a copy: what came after that copy is missing."""
    ALERT_RAISED = "alert-raised"
    """What a rule watches for has come true."""
    ALERT_CLEARED = "alert-cleared"
    """It is no longer so."""


class Grade(StrEnum):
    """How good the evidence is."""

    OWN = "A"
    """Our own observation."""
    PEER = "B"
    """An SMTP reply of the peer."""
    SIGNED = "C"
    UNSIGNED = "D"
    HEURISTIC = "E"


@dataclass(frozen=True, slots=True)
class Event:
    """One fact. `actor` is `relay`, `application:NAME`, `upstream:NAME` or `user:NAME`; `data` is JSON-able."""

    id: str
    at: int
    """UTC microseconds."""
    kind: Kind
    actor: str
    message_id: str | None = None
    delivery_id: str | None = None
    grade: Grade = Grade.OWN
    data: Mapping[str, Any] = field(default_factory=dict)
