"""Events of Brevo: one object each."""

from __future__ import annotations

from typing import Any

from relay.model.bounce import BounceClass
from relay.model.report import ReportKind
from tests.support.hooks import IDENTIFIER, NOW, SECOND, Expected, Sample

ID = "202601011159.12345678901@smtp-relay.mailin.fr"


def event(name: str, **more: Any) -> dict[str, Any]:
    common = {
        "event": name,
        "email": "jane@example.com",
        "id": 26224,
        # In the account's zone, as Brevo warns: hours away from the truth.
        "date": "2026-01-01 14:59:55",
        "ts": NOW // SECOND + 7195,
        "ts_event": NOW // SECOND + 7195,
        "ts_epoch": NOW // 1000 - 5000,
        "message-id": f"<{ID}>",
        "subject": "Your order",
        "sending_ip": "192.0.2.25",
        "X-Mailin-custom": f'{{"mailwitness": "{IDENTIFIER}", "customer": "7"}}',
        "tags": ["orders"],
    }
    return {**common, **more}


def told(kind: ReportKind, **more: Any) -> Expected:
    return Expected(kind, **{"provider_id": ID, "at": NOW - 5 * SECOND, **more})


SAMPLES = [
    *(
        Sample(name, event(name, **more), (told(kind, bounce=class_, is_machine=is_machine),))
        for name, kind, class_, is_machine, more in (
            ("request", ReportKind.ACCEPTED, None, None, {}),
            ("delivered", ReportKind.DELIVERED, None, None, {}),
            ("deferred", ReportKind.DELAYED, None, None, {"reason": "452 4.2.2 mailbox full"}),
            ("hard_bounce", ReportKind.BOUNCED, BounceClass.HARD, None, {"reason": "550 5.1.1 unknown"}),
            ("soft_bounce", ReportKind.BOUNCED, BounceClass.SOFT, None, {"reason": "server is down"}),
            ("blocked", ReportKind.DROPPED, None, None, {"reason": "blocked : due to blacklist user"}),
            ("invalid_email", ReportKind.DROPPED, None, None, {}),
            ("error", ReportKind.DROPPED, None, None, {}),
            ("spam", ReportKind.COMPLAINED, None, None, {}),
            ("unsubscribe", ReportKind.UNSUBSCRIBED, None, None, {}),
            ("opened", ReportKind.OPENED, None, None, {}),
            ("unique_opened", ReportKind.OPENED, None, None, {}),
            ("proxy_open", ReportKind.OPENED, None, True, {}),
            ("unique_proxy_open", ReportKind.OPENED, None, True, {}),
            ("click", ReportKind.CLICKED, None, None, {"link": "https://shop.example.org/"}),
            ("list_addition", ReportKind.OTHER, None, None, {}),
        )
    ),
    Sample(
        "our identifier alone in the custom field",
        event("delivered", **{"X-Mailin-custom": IDENTIFIER}),
        (told(ReportKind.DELIVERED),),
    ),
    Sample(
        "the application's own custom field",
        event("delivered", **{"X-Mailin-custom": "customer:7"}),
        (told(ReportKind.DELIVERED, identifier=""),),
    ),
    Sample(
        "a batch",
        [event("delivered"), event("opened")],
        (told(ReportKind.DELIVERED), told(ReportKind.OPENED)),
    ),
]
