"""Resend: Svix, that is Standard Webhooks: HMAC over id, time and the octets as they came. Pure.

An event of a mail to several does not say whose it is: it is the message's. The secret is shared, so the grade is that
of a shared secret, although the signature covers everything.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from relay.config import WebhookSource
from relay.feedback.webhooks.document import at, inner, parsed, rows, text, texts
from relay.feedback.webhooks.proof import decoded, hmac_sha256, is_fresh, is_same
from relay.feedback.webhooks.provider import Provider, Request, Verdict, Verified, forged, stale
from relay.feedback.webhooks.told import IDENTIFIER, identifier_in, key_of, moment, report
from relay.model.bounce import BounceClass
from relay.model.event import Grade
from relay.model.report import Payload, Report, ReportKind

PREFIX = "whsec_"
ID = "Svix-Id"
TIMESTAMP = "Svix-Timestamp"
SIGNATURE = "Svix-Signature"
_STANDARD = {ID: "Webhook-Id", TIMESTAMP: "Webhook-Timestamp", SIGNATURE: "Webhook-Signature"}
"""The names that Standard Webhooks gives to the same fields."""
_HEADERS = ("x-mailwitness", "x-mailwitness-id")
"""Of the mail: fields that hold our identifier."""

_KINDS = {
    "email.sent": ReportKind.ACCEPTED,
    "email.delivery_delayed": ReportKind.DELAYED,
    "email.delivered": ReportKind.DELIVERED,
    "email.bounced": ReportKind.BOUNCED,
    "email.failed": ReportKind.DROPPED,
    "email.suppressed": ReportKind.DROPPED,
    "email.complained": ReportKind.COMPLAINED,
    "email.opened": ReportKind.OPENED,
    "email.clicked": ReportKind.CLICKED,
}
_TRANSIENT = {
    "MailboxFull": BounceClass.QUOTA,
    "MessageTooLarge": BounceClass.POLICY,
    "ContentRejected": BounceClass.SPAM,
    "AttachmentRejected": BounceClass.POLICY,
}


def verify(request: Request, table: WebhookSource) -> Verdict:
    id_, time, signatures = (_field(request.headers, name) for name in (ID, TIMESTAMP, SIGNATURE))
    key = decoded(table.key.get_secret_value().removeprefix(PREFIX))
    if not id_ or not time or not signatures:
        return forged("the signature is missing")
    signed = f"{id_}.{time}.".encode("utf-8", "replace") + request.body
    # Several, with spaces between, while a secret is being changed: `v1,base64 v1,base64`.
    given = [decoded(one.removeprefix("v1,")) for one in signatures.split() if one.startswith("v1,")]
    if not key or not any(one is not None and is_same(one, hmac_sha256(key, signed)) for one in given):
        return forged()
    if not is_fresh(time, request.now, table.replay_window):
        return stale()
    return Verified(Grade.UNSIGNED, "HMAC of id, time and body with the shared secret")


def _field(headers: Mapping[str, str], name: str) -> str:
    return headers.get(name, "") or headers.get(_STANDARD[name], "")


def read(payload: Payload) -> list[Report]:
    """The one report. Raises Malformed."""
    event = parsed(payload.body)
    name, data = text(event, "type"), at(event, "data")
    kind, bounce, words = _KINDS.get(name, ReportKind.OTHER), None, ""
    if kind is ReportKind.BOUNCED:
        kind, bounce = _bounced(text(data, "bounce", "type"), text(data, "bounce", "subType"))
    words = text(data, "failed", "reason") or text(data, "suppressed", "message")
    to = texts(data, "to")
    link = text(data, "click", "link")
    when = text(event, "created_at")
    return [
        report(
            kind,
            _field(payload.headers, ID) or key_of(name, text(data, "email_id"), when, link),
            moment(when),
            event=name,
            recipient=to[0] if len(to) == 1 else "",
            identifier=next(_identifiers(data), ""),
            provider_id=text(data, "email_id"),
            header_message_id=text(data, "message_id"),
            bounce=bounce,
            diagnostic=" ".join(texts(data, "bounce", "diagnosticCode")) or text(data, "bounce", "message"),
            explanation=words,
            more={
                "url": link,
                "type": text(data, "bounce", "type"),
                "subtype": text(data, "bounce", "subType"),
                "agent": text(data, "click", "userAgent") or text(data, "open", "userAgent"),
            },
        )
    ]


def _bounced(type_: str, subtype: str) -> tuple[ReportKind, BounceClass | None]:
    if subtype in ("Suppressed", "OnAccountSuppressionList"):
        return ReportKind.DROPPED, None
    if type_ == "Transient":
        return ReportKind.BOUNCED, _TRANSIENT.get(subtype, BounceClass.SOFT)
    return ReportKind.BOUNCED, BounceClass.SOFT if type_ == "Undetermined" else BounceClass.HARD


def _identifiers(data: Any) -> Iterator[str]:
    """Ours, from the tags or from the fields of the mail that the event repeats."""
    if identifier := text(data, "tags", IDENTIFIER):
        yield identifier
    for tag in rows(data, "tags"):
        if text(tag, "name") == IDENTIFIER:
            yield text(tag, "value")
    for field in rows(data, "headers"):
        name = text(field, "name").lower()
        if name in _HEADERS:
            yield text(field, "value").strip()
        elif name == "x-metadata" and (identifier := identifier_in(inner(field, "value"))):
            yield identifier


RESEND = Provider(verify, read, (ID, TIMESTAMP, SIGNATURE, *_STANDARD.values()))
