"""Events of Amazon SES: by a configuration set (eventType) and by an identity (notificationType)."""

from __future__ import annotations

from typing import Any

from relay.model.bounce import BounceClass
from relay.model.report import ReportKind
from tests.support.hooks import IDENTIFIER, NOW, SECOND, Expected, Sample, iso, sns_confirmation

ID = "0107019b7a5f0c2e-6b1f7d0a-1111-4222-8333-944445555666-000000"
JANE, JOE = "jane@example.com", "joe@example.com"


def mail(*destination: str, **more: Any) -> dict[str, Any]:
    return {
        "timestamp": iso(-60),
        "source": "Shop <shop@example.org>",
        "sourceArn": "arn:aws:ses:eu-central-1:123456789012:identity/example.org",
        "sendingAccountId": "123456789012",
        "messageId": ID,
        "destination": list(destination or (JANE,)),
        "headersTruncated": False,
        "headers": [{"name": "Subject", "value": "Your order"}],
        "commonHeaders": {"from": ["shop@example.org"], "messageId": ID, "subject": "Your order"},
        "tags": {"ses:configuration-set": ["mail"], "mailwitness": [IDENTIFIER]},
        **more,
    }


def bounce(type_: str, subtype: str, *recipients: dict[str, str]) -> dict[str, Any]:
    return {
        "eventType": "Bounce",
        "bounce": {
            "bounceType": type_,
            "bounceSubType": subtype,
            "bouncedRecipients": list(recipients),
            "timestamp": iso(-5),
            "feedbackId": "0107019b-feedback",
            "reportingMTA": "dsn; mta.example.com",
        },
        "mail": mail(),
    }


def one(address: str = JANE, status: str = "5.1.1", diagnostic: str = "smtp; 550 5.1.1 user unknown") -> dict[str, str]:
    return {"emailAddress": address, "action": "failed", "status": status, "diagnosticCode": diagnostic}


def told(kind: ReportKind, recipient: str = JANE, **more: Any) -> Expected:
    return Expected(kind, recipient, **{"provider_id": ID, "at": NOW - 5 * SECOND, **more})


SAMPLES = [
    Sample(
        "bounce, permanent",
        bounce("Permanent", "General", one()),
        (
            told(
                ReportKind.BOUNCED,
                bounce=BounceClass.HARD,
                status="5.1.1",
                diagnostic="smtp; 550 5.1.1 user unknown",
                event="Bounce",
                detail={"type": "Permanent", "subtype": "General"},
            ),
        ),
    ),
    Sample(
        "bounce of two",
        bounce("Permanent", "NoEmail", one(), one(JOE)),
        (
            told(ReportKind.BOUNCED, bounce=BounceClass.HARD),
            told(ReportKind.BOUNCED, JOE, bounce=BounceClass.HARD),
        ),
    ),
    *(
        Sample(
            f"bounce, {subtype}",
            bounce("Transient", subtype, one(status="4.0.0", diagnostic="smtp; 452 4.0.0 later")),
            (told(ReportKind.BOUNCED, bounce=class_, status="4.0.0"),),
        )
        for subtype, class_ in (
            ("General", BounceClass.SOFT),
            ("MailboxFull", BounceClass.QUOTA),
            ("MessageTooLarge", BounceClass.POLICY),
            ("ContentRejected", BounceClass.SPAM),
            ("AttachmentRejected", BounceClass.POLICY),
        )
    ),
    Sample(
        "bounce, for good by the word of SES, but for the sender's sake by that of the server",
        bounce(
            "Permanent", "General", one(status="5.7.1", diagnostic="smtp; 550 5.7.1 blocked using zen.spamhaus.org")
        ),
        (told(ReportKind.BOUNCED, bounce=BounceClass.BLOCK, status="5.7.1"),),
    ),
    Sample(
        "bounce, for now by the word of SES, though the server says that there is no such user",
        bounce("Transient", "General", one()),
        (told(ReportKind.BOUNCED, bounce=BounceClass.SOFT, status="5.1.1"),),
    ),
    Sample(
        "bounce, undetermined",
        bounce("Undetermined", "Undetermined", {"emailAddress": JANE}),
        (told(ReportKind.BOUNCED, bounce=BounceClass.SOFT),),
    ),
    Sample(
        "out of office",
        bounce("Transient", "General", {"emailAddress": JANE}),
        (told(ReportKind.AUTO_REPLIED),),
    ),
    *(
        Sample(
            f"bounce, {subtype}",
            bounce("Permanent", subtype, one(diagnostic="Amazon SES did not send the message")),
            (told(ReportKind.DROPPED),),
        )
        for subtype in ("Suppressed", "OnAccountSuppressionList", "UnsubscribedRecipient")
    ),
    Sample(
        "bounce, by an identity, without a delivery status",
        {
            "notificationType": "Bounce",
            "bounce": {
                "bounceType": "Permanent",
                "bounceSubType": "General",
                "bouncedRecipients": [{"emailAddress": JANE}, {"emailAddress": JOE}],
                "timestamp": iso(-5),
                "feedbackId": "0107019b-feedback",
                "remoteMtaIp": "192.0.2.25",
            },
            "mail": {"timestamp": iso(-60), "messageId": ID, "source": "shop@example.org", "destination": [JANE, JOE]},
        },
        (
            told(ReportKind.BOUNCED, bounce=BounceClass.HARD, identifier=""),
            told(ReportKind.BOUNCED, JOE, bounce=BounceClass.HARD, identifier=""),
        ),
    ),
    Sample(
        "complaint",
        {
            "eventType": "Complaint",
            "complaint": {
                "complainedRecipients": [{"emailAddress": JANE}],
                "timestamp": iso(-5),
                "feedbackId": "0107019b-complaint",
                "userAgent": "Amazon SES Mailbox Simulator",
                "complaintFeedbackType": "abuse",
                "complaintSubType": None,
                "arrivalDate": iso(-50),
            },
            "mail": mail(),
        },
        (told(ReportKind.COMPLAINED, detail={"type": "abuse"}),),
    ),
    Sample(
        "taken out of the spam folder",
        {
            "notificationType": "Complaint",
            "complaint": {
                "complainedRecipients": [{"emailAddress": JANE}],
                "timestamp": iso(-5),
                "feedbackId": "0107019b-complaint",
                "complaintFeedbackType": "not-spam",
            },
            "mail": mail(),
        },
        (told(ReportKind.OTHER),),
    ),
    Sample(
        "delivery",
        {
            "eventType": "Delivery",
            "mail": mail(),
            "delivery": {
                "timestamp": iso(-5),
                "processingTimeMillis": 11893,
                "recipients": [JANE],
                "smtpResponse": "250 2.6.0 Message received",
                "reportingMTA": "mta.example.com",
            },
        },
        (told(ReportKind.DELIVERED, status="2.6.0", diagnostic="250 2.6.0 Message received"),),
    ),
    Sample(
        "send",
        {"eventType": "Send", "mail": mail(JANE, JOE), "send": {}},
        (
            told(ReportKind.ACCEPTED, at=NOW - 60 * SECOND),
            told(ReportKind.ACCEPTED, JOE, at=NOW - 60 * SECOND),
        ),
    ),
    Sample(
        "delivery delay",
        {
            "eventType": "DeliveryDelay",
            "mail": mail(),
            "deliveryDelay": {
                "timestamp": iso(-5),
                "delayType": "TransientCommunicationFailure",
                "expirationTime": iso(3600),
                "delayedRecipients": [
                    {
                        "emailAddress": JANE,
                        "status": "4.4.1",
                        "diagnosticCode": "smtp; 421 4.4.1 Unable to connect to remote host",
                    }
                ],
            },
        },
        (told(ReportKind.DELAYED, status="4.4.1", detail={"type": "TransientCommunicationFailure"}),),
    ),
    Sample(
        "reject",
        {"eventType": "Reject", "mail": mail(), "reject": {"reason": "Bad content"}},
        (told(ReportKind.DROPPED, at=NOW - 60 * SECOND),),
    ),
    Sample(
        "rendering failure",
        {
            "eventType": "Rendering Failure",
            "mail": mail(),
            "failure": {"errorMessage": "Attribute 'name' is not present", "templateName": "Order"},
        },
        (told(ReportKind.DROPPED, at=NOW - 60 * SECOND),),
    ),
    Sample(
        "open",
        {
            "eventType": "Open",
            "mail": mail(),
            "open": {"ipAddress": "192.0.2.178", "timestamp": iso(-5), "userAgent": "Mozilla/5.0"},
        },
        (told(ReportKind.OPENED, detail={"agent": "Mozilla/5.0"}),),
    ),
    Sample(
        "open of a mail to two",
        {"eventType": "Open", "mail": mail(JANE, JOE), "open": {"timestamp": iso(-5)}},
        (told(ReportKind.OPENED, ""),),
    ),
    Sample(
        "click",
        {
            "eventType": "Click",
            "mail": mail(),
            "click": {
                "ipAddress": "192.0.2.178",
                "link": "https://shop.example.org/order?n=1",
                "linkTags": {"samplekey0": ["samplevalue0"]},
                "timestamp": iso(-5),
                "userAgent": "Mozilla/5.0",
            },
        },
        (told(ReportKind.CLICKED, detail={"url": "https://shop.example.org/order?n=1"}),),
    ),
    Sample(
        "subscription",
        {
            "eventType": "Subscription",
            "mail": mail(),
            "subscription": {
                "contactList": "news",
                "timestamp": iso(-5),
                "source": "UnsubscribeHeader",
                "newTopicPreferences": {
                    "unsubscribeAll": True,
                    "topicSubscriptionStatus": [{"topicName": "Offers", "subscriptionStatus": "OptOut"}],
                },
                "oldTopicPreferences": {"unsubscribeAll": False},
            },
        },
        (told(ReportKind.UNSUBSCRIBED, detail={"list": "news"}),),
    ),
    Sample(
        "subscription to more",
        {
            "eventType": "Subscription",
            "mail": mail(),
            "subscription": {
                "timestamp": iso(-5),
                "newTopicPreferences": {
                    "unsubscribeAll": False,
                    "topicSubscriptionStatus": [{"topicName": "Offers", "subscriptionStatus": "OptIn"}],
                },
            },
        },
        (told(ReportKind.OTHER),),
    ),
    Sample(
        "an event of next year",
        {"eventType": "Teleported", "mail": mail(), "teleported": {"timestamp": iso(-5)}},
        (told(ReportKind.OTHER, event="Teleported"),),
    ),
    Sample("a subscription to the topic", sns_confirmation(), ()),
    Sample("the note that a topic works", {"note": "Successfully validated SNS topic for Amazon SES"}, ()),
]
