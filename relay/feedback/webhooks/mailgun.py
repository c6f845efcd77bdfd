"""Mailgun: an HMAC that stands in the body and covers only a time and a token, not what is reported. Pure.

So each token counts once (`Payload.nonce`), for as long as Mailgun tries again; and, not being able to prove more,
what it says has the grade of a shared secret. A user name and password may be asked for besides.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from relay.config import WebhookSource
from relay.feedback.webhooks.document import at, parsed, text
from relay.feedback.webhooks.proof import has_password, hmac_sha256, is_fresh, is_same
from relay.feedback.webhooks.provider import (
    UNAUTHENTICATED,
    Provider,
    Refusal,
    Request,
    Verdict,
    Verified,
    forged,
    malformed,
    stale,
)
from relay.feedback.webhooks.told import identifier_in, report, since_1970
from relay.model.bounce import BounceClass
from relay.model.event import Grade
from relay.model.report import Payload, Report, ReportKind

RETRIED = 9 * 3600
"""Seconds for which Mailgun tries again (eight hours)."""

_KINDS = {
    "accepted": ReportKind.ACCEPTED,
    "delivered": ReportKind.DELIVERED,
    "rejected": ReportKind.DROPPED,
    "opened": ReportKind.OPENED,
    "clicked": ReportKind.CLICKED,
    "complained": ReportKind.COMPLAINED,
    "unsubscribed": ReportKind.UNSUBSCRIBED,
}
_SUPPRESSED_CODES = ("605", "606", "607")
"""Mailgun's own: the address is on its list."""


def verify(request: Request, table: WebhookSource) -> Verdict:
    signature = at(request.document, "signature")
    token, time = text(signature, "token"), text(signature, "timestamp")
    if not token or not time or at(request.document, "event-data") is None:
        return malformed("signature or event-data is missing")
    if table.password.get_secret_value() and not has_password(request, table):
        return Refusal(401, UNAUTHENTICATED, "user name and password are missing or wrong")
    key = table.key.get_secret_value().encode()
    expected = hmac_sha256(key, f"{time}{token}".encode()).hex()
    given = [text(signature, name) for name in ("signature", "parent-signature")]
    if not key or not any(is_same(one, expected) for one in given):
        return forged()
    if not is_fresh(time, request.now, table.replay_window, late=RETRIED):
        return stale()
    return Verified(Grade.UNSIGNED, "HMAC of time and token with the signing key; it does not cover the rest", token)


def read(payload: Payload) -> list[Report]:
    """The one report. Raises Malformed."""
    event = at(parsed(payload.body), "event-data")
    name = text(event, "event")
    kind, bounce = _KINDS.get(name, ReportKind.OTHER), None
    if name == "failed":
        kind, bounce = _failed(event)
    when = since_1970(event, "timestamp")
    reason = text(event, "reason") or text(event, "reject", "reason")
    return [
        report(
            kind,
            # Mailgun promises of its ids only that they are unique within a day.
            f"{text(event, 'id')}@{text(event, 'timestamp')}",
            when,
            event=f"{name} {text(event, 'severity')}".strip(),
            recipient=text(event, "recipient") or text(event, "message", "headers", "to"),
            identifier=identifier_in(at(event, "user-variables")),
            provider_id=text(event, "message", "headers", "message-id"),
            header_message_id=text(event, "message", "headers", "message-id"),
            bounce=bounce,
            status=text(event, "delivery-status", "enhanced-code"),
            diagnostic=text(event, "delivery-status", "message") or text(event, "delivery-status", "description"),
            explanation=text(event, "reject", "description"),
            is_machine=_is_machine(event),
            more={
                "reason": reason,
                "code": text(event, "delivery-status", "code"),
                "url": text(event, "url"),
                "agent": text(event, "client-info", "user-agent"),
            },
        )
    ]


def _failed(event: Mapping[str, Any]) -> tuple[ReportKind, BounceClass | None]:
    code, reason = text(event, "delivery-status", "code"), text(event, "reason")
    if text(event, "severity") == "temporary":
        return ReportKind.DELAYED, None
    if reason.startswith("suppress-") or code in _SUPPRESSED_CODES:
        return ReportKind.DROPPED, None
    is_soft = reason == "old" or text(event, "delivery-status", "bounce-type") == "soft" or code.startswith("4")
    return ReportKind.BOUNCED, BounceClass.SOFT if is_soft else BounceClass.HARD


def _is_machine(event: Mapping[str, Any]) -> bool | None:
    """Mailgun names programs that open or click by themselves, in `bot`."""
    return True if text(event, "client-info", "bot") else None


MAILGUN = Provider(verify, read)
