"""Brevo: signs nothing; a user name and password, a bearer token, or the addresses it comes from. Pure.

Of the times in an event only `ts_epoch` is in UTC whatever the account's time zone. `proxy_open` is a mail program's
proxy that fetched the pixel, not a person.
"""

from __future__ import annotations

from relay.feedback.webhooks.document import at, parsed, rows, text
from relay.feedback.webhooks.proof import shared_secret
from relay.feedback.webhooks.provider import Provider
from relay.feedback.webhooks.told import identifier_in, key_of, report, since_1970
from relay.model.bounce import BounceClass
from relay.model.report import Payload, Report, ReportKind

_KINDS = {
    "request": ReportKind.ACCEPTED,
    "sent": ReportKind.ACCEPTED,
    "deferred": ReportKind.DELAYED,
    "delivered": ReportKind.DELIVERED,
    "hard_bounce": ReportKind.BOUNCED,
    "soft_bounce": ReportKind.BOUNCED,
    "blocked": ReportKind.DROPPED,
    "invalid_email": ReportKind.DROPPED,
    "error": ReportKind.DROPPED,
    "spam": ReportKind.COMPLAINED,
    "complaint": ReportKind.COMPLAINED,
    "unsubscribe": ReportKind.UNSUBSCRIBED,
    "unsubscribed": ReportKind.UNSUBSCRIBED,
    "opened": ReportKind.OPENED,
    "unique_opened": ReportKind.OPENED,
    "proxy_open": ReportKind.OPENED,
    "unique_proxy_open": ReportKind.OPENED,
    "click": ReportKind.CLICKED,
}
_CLASSES = {"hard_bounce": BounceClass.HARD, "soft_bounce": BounceClass.SOFT}


def read(payload: Payload) -> list[Report]:
    """A report for each event: one, or those of a batch. Raises Malformed."""
    return [_report(event) for event in rows(parsed(payload.body))]


def _report(event: object) -> Report:
    name = text(event, "event")
    kind = _KINDS.get(name, ReportKind.OTHER)
    message_id, recipient, link = text(event, "message-id"), text(event, "email"), text(event, "link")
    words = text(event, "reason")
    return report(
        kind,
        key_of(name, message_id, recipient.lower(), text(event, "ts_epoch") or text(event, "ts_event"), link),
        since_1970(event, "ts_epoch", per_second=1000),
        event=name,
        recipient=recipient,
        identifier=identifier_in(at(event, "X-Mailin-custom")),
        provider_id=message_id,
        header_message_id=message_id,
        bounce=_CLASSES.get(name),
        diagnostic=words if kind in (ReportKind.BOUNCED, ReportKind.DELAYED) else "",
        explanation=f"Brevo did not try: {words}" if kind is ReportKind.DROPPED and words else "",
        is_machine=True if "proxy" in name else None,
        more={
            "url": link,
            "agent": text(event, "user_agent"),
        },
    )


BREVO = Provider(shared_secret, read)
