"""SendGrid: batches of events, signed with ECDSA over the time and the octets as they came. Pure.

Bounces are one event for what others tell apart: `type` says whether the receiver blocked it or refused the address,
and the status whether that may pass. The first part of `sg_message_id` is what the reply to the final dot said.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from relay.config import WebhookSource
from relay.feedback.webhooks.document import flag, parsed, rows, text
from relay.feedback.webhooks.proof import decoded, is_fresh, is_signed_by
from relay.feedback.webhooks.provider import Provider, Request, Verdict, Verified, forged, malformed, stale
from relay.feedback.webhooks.told import identifier_in, key_of, report, since_1970, status_in
from relay.model.bounce import BounceClass
from relay.model.event import Grade
from relay.model.report import Payload, Report, ReportKind

SIGNATURE = "X-Twilio-Email-Event-Webhook-Signature"
TIMESTAMP = "X-Twilio-Email-Event-Webhook-Timestamp"
RETRIED = 24 * 3600
"""Seconds for which SendGrid tries again, perhaps with the time of the first try; octets that are known do no harm."""

_KINDS = {
    "processed": ReportKind.ACCEPTED,
    "deferred": ReportKind.DELAYED,
    "delivered": ReportKind.DELIVERED,
    "bounce": ReportKind.BOUNCED,
    "dropped": ReportKind.DROPPED,
    "open": ReportKind.OPENED,
    "click": ReportKind.CLICKED,
    "spamreport": ReportKind.COMPLAINED,
    "unsubscribe": ReportKind.UNSUBSCRIBED,
    "group_unsubscribe": ReportKind.UNSUBSCRIBED,
}
_CLASSES = {
    "Invalid Address": BounceClass.HARD,
    "Technical": BounceClass.SOFT,
    "Content": BounceClass.SPAM,
    "Reputation": BounceClass.BLOCK,
    "Frequency/Volume": BounceClass.BLOCK,
    "Frequency or Volume Too High": BounceClass.BLOCK,
    "Mailbox Unavailable": BounceClass.SOFT,
}
"""By `bounce_classification`."""


def verify(request: Request, table: WebhookSource) -> Verdict:
    time, signature = request.headers.get(TIMESTAMP, ""), decoded(request.headers.get(SIGNATURE, ""))
    if not time or not signature:
        return forged("the signature is missing")
    signed = time.encode("utf-8", "replace") + request.body
    if not is_signed_by(table.key.get_secret_value(), signature, signed):
        return forged()
    if not is_fresh(time, request.now, table.replay_window, late=RETRIED):
        return stale()
    if not isinstance(request.document, list):
        return malformed("not a list of events")
    return Verified(Grade.SIGNED, "signed by SendGrid (ECDSA, P-256) over time and body")


def read(payload: Payload) -> list[Report]:
    """A report for each event. Raises Malformed."""
    return [_report(event) for event in rows(parsed(payload.body))]


def _report(event: Mapping[str, Any]) -> Report:
    name = text(event, "event")
    kind = _KINDS.get(name, ReportKind.OTHER)
    words = text(event, "reason") or text(event, "response")
    status = text(event, "status") if status_in(text(event, "status")) else ""
    return report(
        kind,
        text(event, "sg_event_id") or key_of(*sorted(event.items())),
        since_1970(event, "timestamp"),
        event=f"{name} {text(event, 'type')}".strip(),
        recipient=text(event, "email"),
        identifier=identifier_in(event),
        provider_id=text(event, "sg_message_id").partition(".")[0],
        header_message_id=text(event, "smtp-id"),
        bounce=_class(event, status or status_in(words)) if kind is ReportKind.BOUNCED else None,
        status=status,
        diagnostic=words if kind is not ReportKind.DROPPED else "",
        explanation=f"SendGrid did not try: {words}" if kind is ReportKind.DROPPED and words else "",
        is_machine=True if flag(event, "sg_machine_open") else None,
        more={
            "classification": text(event, "bounce_classification"),
            "url": text(event, "url"),
            "agent": text(event, "useragent"),
            "attempt": text(event, "attempt"),
        },
    )


def _class(event: Mapping[str, Any], status: str) -> BounceClass:
    named = _CLASSES.get(text(event, "bounce_classification"))
    if named is not None:
        return named
    if text(event, "type") == "blocked":
        return BounceClass.BLOCK
    return BounceClass.SOFT if status.startswith("4") else BounceClass.HARD


SENDGRID = Provider(verify, read, (SIGNATURE, TIMESTAMP))
