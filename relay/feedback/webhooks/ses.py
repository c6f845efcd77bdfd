"""Amazon SES, by way of SNS: events of a configuration set (`eventType`) and notifications of an identity
(`notificationType`). Pure.

Opens, clicks and refusals do not name a recipient: they are the message's, unless it went to one only. SES replaces
Message-ID, so `mail.messageId` is what its reply to the final dot said. An out-of-office note comes as a transient
bounce in which no server said anything.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from relay.feedback.webhooks import sns
from relay.feedback.webhooks.document import at, flag, inner, parsed, rows, text, texts
from relay.feedback.webhooks.provider import Provider
from relay.feedback.webhooks.told import IDENTIFIER, key_of, moment, report
from relay.model.bounce import BounceClass
from relay.model.report import Payload, Report, ReportKind

_TRANSIENT = {
    "MailboxFull": BounceClass.QUOTA,
    "MessageTooLarge": BounceClass.POLICY,
    "ContentRejected": BounceClass.SPAM,
    "AttachmentRejected": BounceClass.POLICY,
}
_NOT_TRIED = ("Suppressed", "OnAccountSuppressionList", "UnsubscribedRecipient")
"""Subtypes of permanent bounces that SES makes itself, without asking the recipient's server."""
_QUIET = "an automatic reply, or a bounce in which no server says anything: no proof that it was not delivered"


def read(payload: Payload) -> list[Report]:
    """One report for each recipient that the event names. Raises Malformed."""
    message = parsed(payload.body)
    if text(message, "Type") != sns.NOTIFICATION:
        return []
    event = inner(message, "Message")
    name = text(event, "eventType") or text(event, "notificationType")
    if not name:
        # The note by which SES tries a topic out, or somebody else's publication: nothing about mail.
        return []
    return list(_READERS.get(name, _other)(_Event(event, name)))


class _Event:
    """What all events have in common."""

    def __init__(self, event: Mapping[str, Any], name: str) -> None:
        self.name = name
        self.mail = at(event, "mail")
        self.body = at(event, _BODIES.get(name, name[:1].lower() + name[1:]))
        self.at = moment(text(self.body, "timestamp")) or moment(text(self.mail, "timestamp"))

    def told(self, kind: ReportKind, recipient: str = "", *, id_: str = "", **more: Any) -> Report:
        """`id_`: what SES calls the event; without it the key is a hash of what it says."""
        message_id = text(self.mail, "messageId")
        key = f"{id_}/{recipient.lower()}" if id_ else key_of(self.name, message_id, recipient.lower(), self.at)
        return report(
            kind,
            more.pop("key", key),
            self.at,
            event=self.name,
            recipient=recipient,
            identifier=next(iter(texts(self.mail, "tags", IDENTIFIER)), ""),
            provider_id=message_id,
            header_message_id=text(self.mail, "commonHeaders", "messageId"),
            **more,
        )

    def recipients(self, *path: str) -> Sequence[str]:
        """Those named there, else those of the mail, else one without a name."""
        return texts(self.body, *path) or texts(self.mail, "destination") or [""]


_BODIES = {"DeliveryDelay": "deliveryDelay", "Rendering Failure": "failure", "RenderingFailure": "failure"}


def _bounce(event: _Event) -> Iterator[Report]:
    type_, subtype = text(event.body, "bounceType"), text(event.body, "bounceSubType")
    for one in rows(event.body, "bouncedRecipients"):
        status, diagnostic = text(one, "status"), text(one, "diagnosticCode")
        kind, bounce, words = _bounced(type_, subtype, is_quiet=not (status or diagnostic))
        yield event.told(
            kind,
            text(one, "emailAddress"),
            id_=text(event.body, "feedbackId"),
            bounce=bounce,
            status=status,
            diagnostic=diagnostic,
            explanation=words,
            more={"type": type_, "subtype": subtype, "reporter": text(event.body, "reportingMTA")},
        )


def _bounced(type_: str, subtype: str, *, is_quiet: bool) -> tuple[ReportKind, BounceClass | None, str]:
    if subtype in _NOT_TRIED:
        return ReportKind.DROPPED, None, "SES did not try: the address is on its suppression list"
    if type_ == "Permanent":
        return ReportKind.BOUNCED, BounceClass.HARD, ""
    if type_ == "Transient" and subtype == "General" and is_quiet:
        return ReportKind.AUTO_REPLIED, None, _QUIET
    return ReportKind.BOUNCED, _TRANSIENT.get(subtype, BounceClass.SOFT), ""


def _complaint(event: _Event) -> Iterator[Report]:
    for one in rows(event.body, "complainedRecipients"):
        feedback = text(event.body, "complaintFeedbackType")
        if feedback == "not-spam":
            kind, words = ReportKind.OTHER, "the recipient took it out of the spam folder"
        else:
            kind, words = ReportKind.COMPLAINED, ""
        more = {"type": feedback, "subtype": text(event.body, "complaintSubType")}
        id_ = text(event.body, "feedbackId")
        yield event.told(kind, text(one, "emailAddress"), id_=id_, explanation=words, more=more)


def _delivery(event: _Event) -> Iterator[Report]:
    for recipient in event.recipients("recipients"):
        yield event.told(ReportKind.DELIVERED, recipient, diagnostic=text(event.body, "smtpResponse"))


def _send(event: _Event) -> Iterator[Report]:
    for recipient in event.recipients():
        yield event.told(ReportKind.ACCEPTED, recipient)


def _delay(event: _Event) -> Iterator[Report]:
    type_ = text(event.body, "delayType")
    for one in rows(event.body, "delayedRecipients"):
        status, diagnostic = text(one, "status"), text(one, "diagnosticCode")
        recipient = text(one, "emailAddress")
        yield event.told(ReportKind.DELAYED, recipient, status=status, diagnostic=diagnostic, more={"type": type_})


def _reject(event: _Event) -> Iterator[Report]:
    words = text(event.body, "reason") or text(event.body, "errorMessage")
    for recipient in event.recipients():
        yield event.told(ReportKind.DROPPED, recipient, explanation=words)


def _open(event: _Event) -> Iterator[Report]:
    yield event.told(ReportKind.OPENED, _only(event), more=_client(event))


def _click(event: _Event) -> Iterator[Report]:
    link = text(event.body, "link")
    key = key_of(event.name, text(event.mail, "messageId"), event.at, link)
    yield event.told(ReportKind.CLICKED, _only(event), key=key, more={"url": link, **_client(event)})


def _client(event: _Event) -> dict[str, str]:
    return {"agent": text(event.body, "userAgent")}


def _only(event: _Event) -> str:
    """The recipient of a mail to one."""
    named = texts(event.mail, "destination")
    return named[0] if len(named) == 1 else ""


def _subscription(event: _Event) -> Iterator[Report]:
    is_out = flag(event.body, "newTopicPreferences", "unsubscribeAll") is True or any(
        text(one, "subscriptionStatus") == "OptOut"
        for one in rows(event.body, "newTopicPreferences", "topicSubscriptionStatus")
    )
    kind = ReportKind.UNSUBSCRIBED if is_out else ReportKind.OTHER
    yield event.told(kind, _only(event), more={"list": text(event.body, "contactList")})


def _other(event: _Event) -> Iterator[Report]:
    yield event.told(ReportKind.OTHER, _only(event))


_READERS = {
    "Bounce": _bounce,
    "Complaint": _complaint,
    "Delivery": _delivery,
    "Send": _send,
    "DeliveryDelay": _delay,
    "Reject": _reject,
    "Rendering Failure": _reject,
    "RenderingFailure": _reject,
    "Open": _open,
    "Click": _click,
    "Subscription": _subscription,
}

SES = Provider(sns.verify, read, ("X-Amz-Sns-Message-Type", "X-Amz-Sns-Message-Id", "X-Amz-Sns-Topic-Arn"))
