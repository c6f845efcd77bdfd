"""Events of Resend: `type`, and what it is about in `data`."""

from __future__ import annotations

from typing import Any

from relay.model.bounce import BounceClass
from relay.model.report import ReportKind
from tests.support.hooks import IDENTIFIER, NOW, SECOND, Expected, Sample, iso

ID = "56761188-7520-42d8-8898-ff6fc54ce618"


def event(name: str, **more: Any) -> dict[str, Any]:
    data = {
        "email_id": ID,
        "message_id": "<order-1@shop.example.org>",
        "created_at": iso(-60),
        "from": "Shop <shop@example.org>",
        "to": ["jane@example.com"],
        "subject": "Your order",
        "tags": {"mailwitness": IDENTIFIER},
    }
    return {"type": f"email.{name}", "created_at": iso(-5), "data": {**data, **more}}


def bounce(type_: str, subtype: str) -> dict[str, Any]:
    message = "The recipient's email address is on the suppression list because it has a recent history."
    return event("bounced", bounce={"message": message, "type": type_, "subType": subtype})


def told(kind: ReportKind, **more: Any) -> Expected:
    return Expected(kind, **{"provider_id": ID, "at": NOW - 5 * SECOND, **more})


SAMPLES = [
    Sample("sent", event("sent"), (told(ReportKind.ACCEPTED, event="email.sent"),)),
    Sample("delivered", event("delivered"), (told(ReportKind.DELIVERED),)),
    Sample("delayed", event("delivery_delayed"), (told(ReportKind.DELAYED),)),
    *(
        Sample(f"bounced, {type_} {subtype}", bounce(type_, subtype), (told(kind, bounce=class_),))
        for type_, subtype, kind, class_ in (
            ("Permanent", "General", ReportKind.BOUNCED, BounceClass.HARD),
            ("Permanent", "Suppressed", ReportKind.DROPPED, None),
            ("Transient", "General", ReportKind.BOUNCED, BounceClass.SOFT),
            ("Transient", "MailboxFull", ReportKind.BOUNCED, BounceClass.QUOTA),
            ("Transient", "ContentRejected", ReportKind.BOUNCED, BounceClass.SPAM),
            ("Undetermined", "Undetermined", ReportKind.BOUNCED, BounceClass.SOFT),
        )
    ),
    Sample(
        "bounced, with what the server said",
        event(
            "bounced",
            bounce={
                "message": "The email bounced.",
                "type": "Permanent",
                "subType": "General",
                "diagnosticCode": ["smtp; 550 5.1.1 user unknown"],
            },
        ),
        (told(ReportKind.BOUNCED, bounce=BounceClass.HARD, status="5.1.1", diagnostic="smtp; 550 5.1.1 user unknown"),),
    ),
    Sample("failed", event("failed", failed={"reason": "reached_daily_quota"}), (told(ReportKind.DROPPED),)),
    Sample("suppressed", event("suppressed", suppressed={"message": "on the list"}), (told(ReportKind.DROPPED),)),
    Sample("complained", event("complained"), (told(ReportKind.COMPLAINED),)),
    Sample("opened", event("opened"), (told(ReportKind.OPENED),)),
    Sample(
        "clicked",
        event(
            "clicked",
            click={
                "ipAddress": "192.0.2.9",
                "link": "https://shop.example.org/",
                "timestamp": iso(-5),
                "userAgent": "Mozilla/5.0",
            },
        ),
        (told(ReportKind.CLICKED, detail={"url": "https://shop.example.org/"}),),
    ),
    Sample(
        "of a mail to two",
        event("delivered", to=["jane@example.com", "joe@example.com"]),
        (told(ReportKind.DELIVERED, recipient=""),),
    ),
    Sample(
        "tags as a list",
        event("delivered", tags=[{"name": "x", "value": "y"}, {"name": "mailwitness", "value": IDENTIFIER}]),
        (told(ReportKind.DELIVERED),),
    ),
    Sample(
        "our identifier in a field of the mail",
        event("delivered", tags=None, headers=[{"name": "X-Mailwitness-Id", "value": f" {IDENTIFIER}"}]),
        (told(ReportKind.DELIVERED),),
    ),
    Sample(
        "our identifier in the metadata of the mail",
        event(
            "delivered",
            tags=None,
            headers=[
                {"name": "X-Other", "value": "x"},
                {"name": "X-Metadata", "value": "no JSON"},
                {"name": "X-Metadata", "value": f'{{"mailwitness": "{IDENTIFIER}"}}'},
            ],
        ),
        (told(ReportKind.DELIVERED),),
    ),
    Sample(
        "an event of next year",
        {"type": "contact.created", "created_at": iso(-5), "data": {"id": "e169aa45"}},
        (told(ReportKind.OTHER, recipient="", provider_id="", identifier=""),),
    ),
]
