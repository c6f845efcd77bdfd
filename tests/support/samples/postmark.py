"""Events of Postmark: one object each, told apart by RecordType."""

from __future__ import annotations

from typing import Any

from relay.model.bounce import BounceClass
from relay.model.report import ReportKind
from tests.support.hooks import IDENTIFIER, NOW, SECOND, Expected, Sample, iso

ID = "883953f4-6105-42a2-a16a-77a8eac79483"


def event(record: str, **more: Any) -> dict[str, Any]:
    common = {
        "RecordType": record,
        "MessageID": ID,
        "ServerID": 23,
        "MessageStream": "outbound",
        "Tag": "orders",
        "Metadata": {"mailwitness": IDENTIFIER, "customer": "7"},
    }
    return {**common, **more}


def bounce(type_: str, code: int) -> dict[str, Any]:
    # Seven digits of a second and a zone of its own: as Postmark writes its times.
    more = {
        "ID": 4323372036854775807,
        "Type": type_,
        "TypeCode": code,
        "Name": type_,
        "Description": "What the type means.",
        "Details": "smtp;550 5.1.1 no such user",
        "Email": "jane@example.com",
        "From": "shop@example.org",
        "BouncedAt": "2026-01-01T06:59:55.0000000-05:00",
        "DumpAvailable": True,
        "Inactive": True,
        "CanActivate": True,
        "Subject": "Your order",
    }
    return event("Bounce", **more)


def told(kind: ReportKind, **more: Any) -> Expected:
    return Expected(kind, **{"provider_id": ID, "at": NOW - 5 * SECOND, **more})


_BOUNCES = (
    ("HardBounce", 1, ReportKind.BOUNCED, BounceClass.HARD),
    ("BadEmailAddress", 100000, ReportKind.BOUNCED, BounceClass.HARD),
    ("SoftBounce", 4096, ReportKind.BOUNCED, BounceClass.SOFT),
    ("Unknown", 2048, ReportKind.BOUNCED, BounceClass.SOFT),
    ("Blocked", 100006, ReportKind.BOUNCED, BounceClass.BLOCK),
    ("SpamNotification", 512, ReportKind.BOUNCED, BounceClass.SPAM),
    ("VirusNotification", 8192, ReportKind.BOUNCED, BounceClass.POLICY),
    ("DMARCPolicy", 100009, ReportKind.BOUNCED, BounceClass.POLICY),
    ("Transient", 2, ReportKind.DELAYED, None),
    ("DnsError", 256, ReportKind.DELAYED, None),
    ("AutoResponder", 64, ReportKind.AUTO_REPLIED, None),
    ("ChallengeVerification", 16384, ReportKind.AUTO_REPLIED, None),
    ("SpamComplaint", 100001, ReportKind.COMPLAINED, None),
    ("Unsubscribe", 16, ReportKind.UNSUBSCRIBED, None),
    ("Subscribe", 32, ReportKind.OTHER, None),
    ("AddressChange", 128, ReportKind.OTHER, None),
    ("ManuallyDeactivated", 100002, ReportKind.DROPPED, None),
    ("SMTPApiError", 100007, ReportKind.DROPPED, None),
    ("TemplateRenderingFailed", 100010, ReportKind.DROPPED, None),
    ("OfNextYear", 1234567, ReportKind.OTHER, None),
)


def change(**more: Any) -> dict[str, Any]:
    common = {
        "Recipient": "jane@example.com",
        "ChangedAt": iso(-5),
        "Origin": "Recipient",
        "SuppressSending": True,
        "SuppressionReason": "ManualSuppression",
    }
    return event("SubscriptionChange", **{**common, **more})


SAMPLES = [
    *(
        Sample(
            f"bounce, {type_}",
            bounce(type_, code),
            (told(kind, bounce=class_, status="5.1.1", event=f"Bounce {type_}"),),
        )
        for type_, code, kind, class_ in _BOUNCES
    ),
    Sample(
        "delivery",
        event("Delivery", Recipient="jane@example.com", DeliveredAt=iso(-5), Details="smtp;250 2.0.0 OK"),
        (told(ReportKind.DELIVERED, status="2.0.0", diagnostic="smtp;250 2.0.0 OK"),),
    ),
    Sample(
        "complaint",
        event(
            "SpamComplaint", ID=42, Type="SpamComplaint", TypeCode=100001, Email="jane@example.com", BouncedAt=iso(-5)
        ),
        (told(ReportKind.COMPLAINED),),
    ),
    Sample(
        "open",
        event(
            "Open",
            Recipient="jane@example.com",
            ReceivedAt=iso(-5),
            FirstOpen=True,
            UserAgent="Mozilla/5.0",
            Geo={"IP": "192.0.2.9"},
        ),
        (told(ReportKind.OPENED, detail={"agent": "Mozilla/5.0"}),),
    ),
    Sample(
        "click",
        event(
            "Click",
            Recipient="jane@example.com",
            ReceivedAt=iso(-5),
            ClickLocation="HTML",
            OriginalLink="https://shop.example.org/",
        ),
        (told(ReportKind.CLICKED, detail={"url": "https://shop.example.org/"}),),
    ),
    Sample("unsubscribed", change(), (told(ReportKind.UNSUBSCRIBED),)),
    Sample("back on the list", change(SuppressSending=False, SuppressionReason=None), (told(ReportKind.OTHER),)),
    Sample("deactivated by a bounce", change(SuppressionReason="HardBounce"), (told(ReportKind.OTHER),)),
    Sample("deactivated by us", change(Origin="Customer"), (told(ReportKind.OTHER),)),
    Sample("an event of next year", event("Teleport"), (told(ReportKind.OTHER, recipient="", at=0),)),
]
