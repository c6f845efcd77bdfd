"""Events of Mailjet: one object, or a list of them."""

from __future__ import annotations

from typing import Any

from relay.model.bounce import BounceClass
from relay.model.report import ReportKind
from tests.support.hooks import IDENTIFIER, NOW, SECOND, Expected, Sample

ID = "1ab23cd4-e567-8901-2345-6789f0gh1i2j"


def event(name: str, **more: Any) -> dict[str, Any]:
    common = {
        "event": name,
        "time": NOW // SECOND - 5,
        "MessageID": 19421777835146490,
        "Message_GUID": ID,
        "email": "jane@example.com",
        "mj_campaign_id": 7257,
        "mj_contact_id": 4,
        "customcampaign": "",
        "CustomID": "order 1",
        "Payload": f'{{"mailwitness": "{IDENTIFIER}"}}',
    }
    return {**common, **more}


def bounce(error: str, related: str, *, is_hard: bool) -> dict[str, Any]:
    more = {"blocked": False, "hard_bounce": is_hard, "error_related_to": related, "error": error, "comment": "550 no"}
    return event("bounce", **more)


def told(kind: ReportKind, **more: Any) -> Expected:
    return Expected(kind, **{"provider_id": ID, "at": NOW - 5 * SECOND, **more})


SAMPLES = [
    Sample(
        "sent",
        event("sent", mj_message_id="19421777835146490", smtp_reply="sent (250 2.0.0 OK 4242)"),
        (told(ReportKind.DELIVERED, status="2.0.0"),),
    ),
    *(
        Sample(f"bounce, {error}", bounce(error, related, is_hard=is_hard), (told(kind, bounce=class_),))
        for error, related, is_hard, kind, class_ in (
            ("user unknown", "recipient", True, ReportKind.BOUNCED, BounceClass.HARD),
            ("invalid domain", "domain", True, ReportKind.BOUNCED, BounceClass.HARD),
            ("mailbox inactive", "recipient", False, ReportKind.BOUNCED, BounceClass.SOFT),
            ("quota exceeded", "recipient", False, ReportKind.BOUNCED, BounceClass.QUOTA),
            ("sender blocked", "spam", False, ReportKind.BOUNCED, BounceClass.BLOCK),
            ("content blocked", "spam", False, ReportKind.BOUNCED, BounceClass.SPAM),
            ("policy issue", "spam", False, ReportKind.BOUNCED, BounceClass.POLICY),
            ("greylisted", "domain", False, ReportKind.DELAYED, None),
        )
    ),
    Sample(
        "blocked",
        event("blocked", error_related_to="mailjet", error="preblocked"),
        (told(ReportKind.DROPPED, detail={"related": "mailjet"}),),
    ),
    Sample("spam", event("spam", source="JMRPP"), (told(ReportKind.COMPLAINED, detail={"source": "JMRPP"}),)),
    Sample("unsub", event("unsub", mj_list_id=1, ip="192.0.2.9", agent="x"), (told(ReportKind.UNSUBSCRIBED),)),
    Sample("open", event("open", ip="192.0.2.9", geo="DE", agent="Mozilla/5.0"), (told(ReportKind.OPENED),)),
    Sample(
        "click",
        event("click", url="https://shop.example.org/", ip="192.0.2.9"),
        (told(ReportKind.CLICKED, detail={"url": "https://shop.example.org/"}),),
    ),
    Sample(
        "a list",
        [event("sent"), event("open")],
        (told(ReportKind.DELIVERED), told(ReportKind.OPENED)),
    ),
    Sample(
        "our identifier in CustomID, no GUID",
        event("sent", CustomID=IDENTIFIER, Payload="", Message_GUID=None),
        (told(ReportKind.DELIVERED, provider_id="19421777835146490"),),
    ),
    Sample("an event of next year", event("teleported"), (told(ReportKind.OTHER),)),
]
