"""Events of Mailgun: the object `event-data`; the signature is put around it."""

from __future__ import annotations

from typing import Any

from relay.model.bounce import BounceClass
from relay.model.report import ReportKind
from tests.support.hooks import IDENTIFIER, NOW, SECOND, Expected, Sample

ID = "20260101115900.1.9B3A2C4D5E6F@mg.example.org"


def event(name: str, **more: Any) -> dict[str, Any]:
    common = {
        "event": name,
        "id": f"id-of-{name}",
        "timestamp": NOW / SECOND - 5,
        "log-level": "info",
        "recipient": "jane@example.com",
        "recipient-domain": "example.com",
        "tags": ["orders"],
        "user-variables": {"mailwitness": IDENTIFIER, "customer": "7"},
        "message": {"headers": {"to": "Jane <jane@example.com>", "message-id": ID, "from": "shop@example.org"}},
    }
    return {**common, **more}


def failed(severity: str, reason: str, **status: Any) -> dict[str, Any]:
    return event("failed", severity=severity, reason=reason, **{"delivery-status": status})


def told(kind: ReportKind, **more: Any) -> Expected:
    return Expected(kind, **{"provider_id": ID, "at": NOW - 5 * SECOND, **more})


UNKNOWN = "5.1.1 The email account that you tried to reach does not exist."

SAMPLES = [
    Sample("accepted", event("accepted"), (told(ReportKind.ACCEPTED),)),
    Sample(
        "delivered",
        event("delivered", **{"delivery-status": {"code": 250, "message": "OK", "mx-host": "mx.example.com"}}),
        (told(ReportKind.DELIVERED, diagnostic="OK", detail={"code": "250"}),),
    ),
    Sample(
        "failed for good",
        failed("permanent", "bounce", **{"code": 550, "message": UNKNOWN, "enhanced-code": "5.1.1"}),
        (told(ReportKind.BOUNCED, bounce=BounceClass.HARD, status="5.1.1", event="failed permanent"),),
    ),
    Sample(
        "failed for good, after trying for long",
        failed("permanent", "old", code=498, message="Too old"),
        (told(ReportKind.BOUNCED, bounce=BounceClass.SOFT),),
    ),
    Sample(
        "failed for now",
        failed("temporary", "generic", code=452, message="4.2.2 over quota", **{"retry-seconds": 600}),
        (told(ReportKind.DELAYED, status="4.2.2", event="failed temporary"),),
    ),
    Sample(
        "not tried: bounced before",
        failed(
            "permanent", "suppress-bounce", code=605, message="", description="Not delivering to previously bounced"
        ),
        (told(ReportKind.DROPPED, diagnostic="Not delivering to previously bounced"),),
    ),
    Sample(
        "not tried, by its code",
        failed("permanent", "generic", code=607),
        (told(ReportKind.DROPPED),),
    ),
    Sample(
        "rejected",
        {
            "event": "rejected",
            "id": "id-of-rejected",
            "timestamp": NOW / SECOND - 5,
            "reject": {"reason": "Sandbox subdomains are for test purposes only.", "description": ""},
            "message": {"headers": {"to": "Jane <jane@example.com>", "message-id": ID}},
            "user-variables": {"mailwitness": IDENTIFIER},
        },
        (told(ReportKind.DROPPED, detail={"reason": "Sandbox subdomains are for test purposes only."}),),
    ),
    Sample(
        "opened",
        event("opened", ip="192.0.2.9", **{"client-info": {"user-agent": "Mozilla/5.0", "bot": ""}}),
        (told(ReportKind.OPENED, detail={"agent": "Mozilla/5.0"}),),
    ),
    Sample(
        "opened by a machine",
        event("opened", ip="192.0.2.9", **{"client-info": {"user-agent": "Mozilla/5.0", "bot": "apple"}}),
        (told(ReportKind.OPENED, is_machine=True),),
    ),
    Sample(
        "clicked",
        event("clicked", url="https://shop.example.org/", **{"client-info": {"user-agent": "Mozilla/5.0"}}),
        (told(ReportKind.CLICKED, detail={"url": "https://shop.example.org/"}),),
    ),
    Sample("complained", event("complained"), (told(ReportKind.COMPLAINED),)),
    Sample("unsubscribed", event("unsubscribed"), (told(ReportKind.UNSUBSCRIBED),)),
    Sample("an event of next year", event("teleported"), (told(ReportKind.OTHER, event="teleported"),)),
]
