"""SparkPost: signs nothing; HTTP basic authentication or a bearer token. Lists of `{"msys": {class: event}}`. Pure.

`bounce_class` is the best such table of all providers; some of its classes are no bounces.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from relay.feedback.webhooks.document import at, flag, parsed, rows, text
from relay.feedback.webhooks.proof import shared_secret
from relay.feedback.webhooks.provider import Provider
from relay.feedback.webhooks.told import identifier_in, key_of, report, since_1970
from relay.model.bounce import BounceClass
from relay.model.report import Payload, Report, ReportKind

_KINDS = {
    "injection": ReportKind.ACCEPTED,
    "delay": ReportKind.DELAYED,
    "delivery": ReportKind.DELIVERED,
    "bounce": ReportKind.BOUNCED,
    "out_of_band": ReportKind.BOUNCED,
    "policy_rejection": ReportKind.DROPPED,
    "generation_failure": ReportKind.DROPPED,
    "generation_rejection": ReportKind.DROPPED,
    "spam_complaint": ReportKind.COMPLAINED,
    "list_unsubscribe": ReportKind.UNSUBSCRIBED,
    "link_unsubscribe": ReportKind.UNSUBSCRIBED,
    "open": ReportKind.OPENED,
    "initial_open": ReportKind.OPENED,
    "amp_open": ReportKind.OPENED,
    "amp_initial_open": ReportKind.OPENED,
    "click": ReportKind.CLICKED,
    "amp_click": ReportKind.CLICKED,
}
_CLASSES: dict[str, tuple[ReportKind, BounceClass | None]] = {
    "10": (ReportKind.BOUNCED, BounceClass.HARD),
    "22": (ReportKind.BOUNCED, BounceClass.QUOTA),
    "23": (ReportKind.BOUNCED, BounceClass.POLICY),
    "25": (ReportKind.BOUNCED, BounceClass.POLICY),
    "30": (ReportKind.BOUNCED, BounceClass.HARD),
    "50": (ReportKind.BOUNCED, BounceClass.BLOCK),
    "51": (ReportKind.BOUNCED, BounceClass.SPAM),
    "52": (ReportKind.BOUNCED, BounceClass.SPAM),
    "53": (ReportKind.BOUNCED, BounceClass.POLICY),
    "54": (ReportKind.BOUNCED, BounceClass.POLICY),
    "60": (ReportKind.AUTO_REPLIED, None),
    "80": (ReportKind.OTHER, None),
    "90": (ReportKind.UNSUBSCRIBED, None),
    "100": (ReportKind.AUTO_REPLIED, None),
}
_SOFT = (ReportKind.BOUNCED, BounceClass.SOFT)
"""The rest: undetermined, soft, DNS, timeout, generic, transient."""


def read(payload: Payload) -> list[Report]:
    """A report for each event; none for the empty ones by which SparkPost tries the address. Raises Malformed."""
    found = [at(one, "msys") for one in rows(parsed(payload.body))]
    events = [event for one in found if isinstance(one, dict) for event in one.values() if isinstance(event, dict)]
    return [_report(event) for event in events]


def _report(event: Mapping[str, Any]) -> Report:
    name, code = text(event, "type"), text(event, "bounce_class")
    kind, bounce = _KINDS.get(name, ReportKind.OTHER), None
    if kind is ReportKind.BOUNCED:
        kind, bounce = _CLASSES.get(code, _SOFT)
    words = text(event, "raw_reason") or text(event, "reason")
    return report(
        kind,
        text(event, "event_id") or key_of(*sorted(map(str, event.items()))),
        since_1970(event, "timestamp"),
        event=name,
        recipient=text(event, "raw_rcpt_to") or text(event, "rcpt_to"),
        identifier=identifier_in(at(event, "rcpt_meta")),
        provider_id=text(event, "message_id"),
        bounce=bounce,
        is_exact=code in _CLASSES,
        diagnostic="" if kind is ReportKind.DROPPED else words,
        explanation=f"SparkPost did not try: {words}" if kind is ReportKind.DROPPED and words else "",
        is_machine=True if flag(event, "is_prefetched") else None,
        more={
            "class": code,
            "url": text(event, "target_link_url"),
            "agent": text(event, "user_agent"),
        },
    )


SPARKPOST = Provider(shared_secret, read)
