"""Mailjet: signs nothing; a user name and password are part of the address. One event, or a list of them. Pure.

What Mailjet calls `sent` is that the recipient's server took it. A bounce says whether it is for good; why, in a small
vocabulary (`error`).
"""

from __future__ import annotations

from relay.feedback.webhooks.document import at, flag, parsed, rows, text
from relay.feedback.webhooks.proof import shared_secret
from relay.feedback.webhooks.provider import Provider
from relay.feedback.webhooks.told import identifier_in, key_of, report, since_1970
from relay.model.bounce import BounceClass
from relay.model.report import Payload, Report, ReportKind

_KINDS = {
    "sent": ReportKind.DELIVERED,
    "bounce": ReportKind.BOUNCED,
    "blocked": ReportKind.DROPPED,
    "spam": ReportKind.COMPLAINED,
    "unsub": ReportKind.UNSUBSCRIBED,
    "open": ReportKind.OPENED,
    "click": ReportKind.CLICKED,
}
_CLASSES = {
    "quota exceeded": BounceClass.QUOTA,
    "sender blocked": BounceClass.BLOCK,
    "blacklisted": BounceClass.BLOCK,
    "content blocked": BounceClass.SPAM,
    "spam": BounceClass.SPAM,
    "policy issue": BounceClass.POLICY,
    "relay/access denied": BounceClass.POLICY,
    "size limit": BounceClass.POLICY,
}


def read(payload: Payload) -> list[Report]:
    """A report for each event. Raises Malformed."""
    return [_report(event) for event in rows(parsed(payload.body))]


def _report(event: object) -> Report:
    name, error = text(event, "event"), text(event, "error")
    kind, bounce = _KINDS.get(name, ReportKind.OTHER), None
    is_hard = flag(event, "hard_bounce") is True
    if kind is ReportKind.BOUNCED:
        bounce = _CLASSES.get(error, BounceClass.HARD if is_hard else BounceClass.SOFT)
        if error == "greylisted" and not is_hard:
            kind, bounce = ReportKind.DELAYED, None
    message_id = text(event, "Message_GUID") or text(event, "MessageID")
    recipient, link, when = text(event, "email"), text(event, "url"), text(event, "time")
    return report(
        kind,
        key_of(name, text(event, "MessageID"), recipient.lower(), when, link),
        since_1970(event, "time"),
        event=name,
        recipient=recipient,
        identifier=identifier_in(at(event, "Payload")) or identifier_in(at(event, "CustomID")),
        provider_id=message_id,
        bounce=bounce,
        diagnostic=text(event, "smtp_reply") or text(event, "comment"),
        explanation=f"Mailjet did not try: {error}" if kind is ReportKind.DROPPED and error else error,
        more={
            "url": link,
            "related": text(event, "error_related_to"),
            "source": text(event, "source"),
            "agent": text(event, "agent"),
        },
    )


MAILJET = Provider(shared_secret, read)
