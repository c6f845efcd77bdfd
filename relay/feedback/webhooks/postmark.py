"""Postmark: signs nothing; a user name and password are part of the address it is given. Pure.

What it calls a bounce is many things (`Type`): also notes, complaints and unsubscribing.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from relay.feedback.webhooks.document import at, flag, parsed, text
from relay.feedback.webhooks.proof import shared_secret
from relay.feedback.webhooks.provider import Provider
from relay.feedback.webhooks.told import identifier_in, key_of, moment, report
from relay.model.bounce import BounceClass
from relay.model.report import Payload, Report, ReportKind

_BOUNCES: dict[str, tuple[ReportKind, BounceClass | None]] = {
    "HardBounce": (ReportKind.BOUNCED, BounceClass.HARD),
    "BadEmailAddress": (ReportKind.BOUNCED, BounceClass.HARD),
    "SoftBounce": (ReportKind.BOUNCED, BounceClass.SOFT),
    "Unknown": (ReportKind.BOUNCED, BounceClass.SOFT),
    "Blocked": (ReportKind.BOUNCED, BounceClass.BLOCK),
    "SpamNotification": (ReportKind.BOUNCED, BounceClass.SPAM),
    "VirusNotification": (ReportKind.BOUNCED, BounceClass.POLICY),
    "DMARCPolicy": (ReportKind.BOUNCED, BounceClass.POLICY),
    "Transient": (ReportKind.DELAYED, None),
    "DnsError": (ReportKind.DELAYED, None),
    "AutoResponder": (ReportKind.AUTO_REPLIED, None),
    "ChallengeVerification": (ReportKind.AUTO_REPLIED, None),
    "SpamComplaint": (ReportKind.COMPLAINED, None),
    "Unsubscribe": (ReportKind.UNSUBSCRIBED, None),
    "ManuallyDeactivated": (ReportKind.DROPPED, None),
    "Unconfirmed": (ReportKind.DROPPED, None),
    "SMTPApiError": (ReportKind.DROPPED, None),
    "TemplateRenderingFailed": (ReportKind.DROPPED, None),
}
_KINDS = {
    "Delivery": ReportKind.DELIVERED,
    "SpamComplaint": ReportKind.COMPLAINED,
    "Open": ReportKind.OPENED,
    "Click": ReportKind.CLICKED,
}
_TIMES = ("DeliveredAt", "BouncedAt", "ReceivedAt", "ChangedAt")


def read(payload: Payload) -> list[Report]:
    """The one report. Raises Malformed."""
    event = parsed(payload.body)
    record = text(event, "RecordType")
    kind, bounce = _what(event, record)
    times = [text(event, name) for name in _TIMES if text(event, name)]
    recipient = text(event, "Recipient") or text(event, "Email")
    id_ = text(event, "ID")
    link = text(event, "OriginalLink")
    return [
        report(
            kind,
            f"{record}/{id_}" if id_ else key_of(record, text(event, "MessageID"), recipient.lower(), *times, link),
            next((moment(time) for time in times), 0),
            event=f"{record} {text(event, 'Type')}".strip(),
            recipient=recipient,
            identifier=identifier_in(at(event, "Metadata")),
            provider_id=text(event, "MessageID"),
            bounce=bounce,
            diagnostic=text(event, "Details"),
            explanation=text(event, "Description"),
            more={
                "url": link,
                "reason": text(event, "SuppressionReason"),
                "origin": text(event, "Origin"),
                "agent": text(event, "UserAgent"),
            },
        )
    ]


def _what(event: Mapping[str, Any], record: str) -> tuple[ReportKind, BounceClass | None]:
    if record == "Bounce":
        return _BOUNCES.get(text(event, "Type"), (ReportKind.OTHER, None))
    if record == "SubscriptionChange" and _is_wish(event):
        return ReportKind.UNSUBSCRIBED, None
    return _KINDS.get(record, ReportKind.OTHER), None


def _is_wish(event: Mapping[str, Any]) -> bool:
    """Whether the recipient asked for no more; that a bounce or complaint deactivated them is reported by itself."""
    return (
        flag(event, "SuppressSending") is True
        and text(event, "SuppressionReason") == "ManualSuppression"
        and text(event, "Origin") == "Recipient"
    )


POSTMARK = Provider(shared_secret, read)
