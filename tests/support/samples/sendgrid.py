"""Events of SendGrid, in batches."""

from __future__ import annotations

from typing import Any

from relay.model.bounce import BounceClass
from relay.model.report import ReportKind
from tests.support.hooks import IDENTIFIER, NOW, SECOND, Expected, Sample

ID = "qNwBLgPQQjW6DJvKQwSAbw"


def event(name: str, **more: Any) -> dict[str, Any]:
    common = {
        "email": "jane@example.com",
        "timestamp": NOW // SECOND - 5,
        "smtp-id": "<order-1@shop.example.org>",
        "event": name,
        "category": ["orders"],
        "sg_event_id": f"id-of-{name}",
        "sg_message_id": f"{ID}.recvd-5f7c9d-abcde-1-695666B0-1.0",
        "mailwitness": IDENTIFIER,
    }
    return {**common, **more}


def told(kind: ReportKind, **more: Any) -> Expected:
    return Expected(kind, **{"provider_id": ID, "at": NOW - 5 * SECOND, **more})


def bounce(status: str, reason: str, classification: str, type_: str = "bounce") -> dict[str, Any]:
    more = {"status": status, "reason": reason, "bounce_classification": classification, "type": type_}
    return event("bounce", **more)


SAMPLES = [
    Sample(
        "a batch of all that happens on a good day",
        [
            event("processed"),
            event("deferred", response="400 try again later", attempt="5"),
            event("delivered", response="250 OK"),
            event("open", useragent="Mozilla/5.0", ip="192.0.2.9", sg_machine_open=False),
            event("click", useragent="Mozilla/5.0", ip="192.0.2.9", url="https://shop.example.org/"),
        ],
        (
            told(ReportKind.ACCEPTED),
            told(ReportKind.DELAYED, diagnostic="400 try again later", detail={"attempt": "5"}),
            told(ReportKind.DELIVERED, diagnostic="250 OK"),
            told(ReportKind.OPENED, detail={"agent": "Mozilla/5.0"}),
            told(ReportKind.CLICKED, detail={"url": "https://shop.example.org/"}),
        ),
    ),
    Sample(
        "bounce",
        [bounce("5.1.1", "550 5.1.1 unknown user", "Invalid Address")],
        (
            told(
                ReportKind.BOUNCED,
                bounce=BounceClass.HARD,
                status="5.1.1",
                diagnostic="550 5.1.1 unknown user",
                event="bounce bounce",
            ),
        ),
    ),
    *(
        Sample(
            f"bounce, {classification or 'without a classification'}, {type_} {status}",
            [bounce(status, "no", classification, type_)],
            (told(ReportKind.BOUNCED, bounce=class_),),
        )
        for classification, type_, status, class_ in (
            ("Technical", "blocked", "4.4.1", BounceClass.SOFT),
            ("Content", "blocked", "5.7.1", BounceClass.SPAM),
            ("Reputation", "blocked", "5.7.1", BounceClass.BLOCK),
            ("Frequency/Volume", "blocked", "4.7.0", BounceClass.BLOCK),
            ("Mailbox Unavailable", "bounce", "5.2.2", BounceClass.QUOTA),
            ("", "blocked", "5.7.1", BounceClass.BLOCK),
            ("", "bounce", "4.2.1", BounceClass.SOFT),
            ("Unclassified", "bounce", "500", BounceClass.HARD),
        )
    ),
    Sample(
        "dropped",
        [event("dropped", reason="Bounced Address", status="5.0.0")],
        (told(ReportKind.DROPPED, diagnostic=""),),
    ),
    Sample("spam report", [event("spamreport")], (told(ReportKind.COMPLAINED),)),
    Sample(
        "unsubscribed",
        [
            event("unsubscribe"),
            event("group_unsubscribe", asm_group_id=10),
            event("group_resubscribe", asm_group_id=10),
        ],
        (told(ReportKind.UNSUBSCRIBED), told(ReportKind.UNSUBSCRIBED), told(ReportKind.OTHER)),
    ),
    Sample(
        "opened by Apple",
        [event("open", sg_machine_open=True, useragent="Mozilla/5.0")],
        (told(ReportKind.OPENED, is_machine=True),),
    ),
    Sample("an event of next year", [event("teleported")], (told(ReportKind.OTHER, event="teleported"),)),
]
