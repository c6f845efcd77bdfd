"""Events of SparkPost: lists of `{"msys": {class: event}}`."""

from __future__ import annotations

from typing import Any

from relay.model.bounce import BounceClass
from relay.model.report import ReportKind
from tests.support.hooks import IDENTIFIER, NOW, SECOND, Expected, Sample

ID = "000443ee14578172be22"


def event(class_: str, name: str, **more: Any) -> dict[str, Any]:
    common = {
        "type": name,
        "event_id": f"id-of-{name}",
        "message_id": ID,
        "transmission_id": "65832150921904138",
        "timestamp": str(NOW // SECOND - 5),
        "rcpt_to": "jane@example.com",
        "raw_rcpt_to": "Jane@example.com",
        "rcpt_meta": {"mailwitness": IDENTIFIER, "customKey": "customValue"},
        "rcpt_tags": ["orders"],
        "subject": "Your order",
        "ip_address": "192.0.2.9",
        "msg_from": "shop@example.org",
    }
    return {"msys": {class_: {**common, **more}}}


def bounce(code: str) -> dict[str, Any]:
    more = {"bounce_class": code, "error_code": "550", "raw_reason": "550 5.0.0 (an answer)", "reason": "550 hidden"}
    return event("message_event", "bounce", **more)


def told(kind: ReportKind, **more: Any) -> Expected:
    return Expected(kind, **{"recipient": "Jane@example.com", "provider_id": ID, "at": NOW - 5 * SECOND, **more})


SAMPLES = [
    *(
        Sample(name, [event(class_, name)], (told(kind),))
        for class_, name, kind in (
            ("message_event", "injection", ReportKind.ACCEPTED),
            ("message_event", "delivery", ReportKind.DELIVERED),
            ("message_event", "policy_rejection", ReportKind.DROPPED),
            ("gen_event", "generation_failure", ReportKind.DROPPED),
            ("gen_event", "generation_rejection", ReportKind.DROPPED),
            ("message_event", "spam_complaint", ReportKind.COMPLAINED),
            ("unsubscribe_event", "list_unsubscribe", ReportKind.UNSUBSCRIBED),
            ("unsubscribe_event", "link_unsubscribe", ReportKind.UNSUBSCRIBED),
            ("track_event", "open", ReportKind.OPENED),
            ("track_event", "initial_open", ReportKind.OPENED),
            ("track_event", "amp_open", ReportKind.OPENED),
            ("message_event", "sms_status", ReportKind.OTHER),
            ("ab_test_event", "ab_test_completed", ReportKind.OTHER),
        )
    ),
    *(
        Sample(f"bounce of class {code}", [bounce(code)], (told(kind, bounce=class_, status="5.0.0"),))
        for code, kind, class_ in (
            ("1", ReportKind.BOUNCED, BounceClass.SOFT),
            ("10", ReportKind.BOUNCED, BounceClass.HARD),
            ("20", ReportKind.BOUNCED, BounceClass.SOFT),
            ("21", ReportKind.BOUNCED, BounceClass.SOFT),
            ("22", ReportKind.BOUNCED, BounceClass.QUOTA),
            ("23", ReportKind.BOUNCED, BounceClass.POLICY),
            ("24", ReportKind.BOUNCED, BounceClass.SOFT),
            ("25", ReportKind.BOUNCED, BounceClass.POLICY),
            ("30", ReportKind.BOUNCED, BounceClass.HARD),
            ("40", ReportKind.BOUNCED, BounceClass.SOFT),
            ("50", ReportKind.BOUNCED, BounceClass.BLOCK),
            ("51", ReportKind.BOUNCED, BounceClass.SPAM),
            ("52", ReportKind.BOUNCED, BounceClass.SPAM),
            ("53", ReportKind.BOUNCED, BounceClass.POLICY),
            ("54", ReportKind.BOUNCED, BounceClass.POLICY),
            ("60", ReportKind.AUTO_REPLIED, None),
            ("70", ReportKind.BOUNCED, BounceClass.SOFT),
            ("80", ReportKind.OTHER, None),
            ("90", ReportKind.UNSUBSCRIBED, None),
            ("100", ReportKind.AUTO_REPLIED, None),
        )
    ),
    Sample(
        "late bounce",
        [event("message_event", "out_of_band", bounce_class="10", raw_reason="550 5.1.1 [internal] unknown")],
        (told(ReportKind.BOUNCED, bounce=BounceClass.HARD, status="5.1.1", event="out_of_band"),),
    ),
    Sample(
        "delay",
        [event("message_event", "delay", raw_reason="454 4.4.4 no route", num_retries="2")],
        (told(ReportKind.DELAYED, status="4.4.4"),),
    ),
    Sample(
        "click",
        [event("track_event", "click", target_link_url="https://shop.example.org/", user_agent="Mozilla/5.0")],
        (told(ReportKind.CLICKED, detail={"url": "https://shop.example.org/"}),),
    ),
    Sample(
        "open by a machine",
        [event("track_event", "open", is_prefetched=True)],
        (told(ReportKind.OPENED, is_machine=True),),
    ),
    Sample(
        "a batch",
        [event("message_event", "delivery"), event("track_event", "open")],
        (told(ReportKind.DELIVERED), told(ReportKind.OPENED)),
    ),
    Sample("the empty one by which an address is tried", [{"msys": {}}], ()),
]
