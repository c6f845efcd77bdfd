"""The reports in a mail that came back, as the archive keeps them. Pure.

One for each recipient that it names; of an automatic reply, one. What is no report at all (spam to a return path) is
kept as OTHER: it is a fact that it came.
"""

from __future__ import annotations

import hashlib
from typing import Any

from relay.feedback.returned.reader import read
from relay.feedback.returned.values import Action, Fate, Returned, ReturnedKind
from relay.model.report import Payload, Report, ReportKind
from relay.rendition.dates import parse_date
from relay.rendition.diagnosis import classify
from relay.rendition.findings import Finding

_OF_ACTION = {
    Action.FAILED: ReportKind.BOUNCED,
    Action.DELAYED: ReportKind.DELAYED,
    Action.DELIVERED: ReportKind.DELIVERED,
    Action.RELAYED: ReportKind.RELAYED,
    Action.EXPANDED: ReportKind.EXPANDED,
}
_OF_KIND = {
    ReturnedKind.COMPLAINT: ReportKind.COMPLAINED,
    ReturnedKind.AUTO_REPLY: ReportKind.AUTO_REPLIED,
    ReturnedKind.CHALLENGE: ReportKind.AUTO_REPLIED,
}
_MONTH = 31 * 24 * 3600 * 1_000_000
_IN_WORDS = {
    ReturnedKind.COMPLAINT: "The recipient, or their provider for them, called the message spam.",
    ReturnedKind.AUTO_REPLY: "An automatic reply, such as an out-of-office note: it says nothing of the delivery.",
    ReturnedKind.CHALLENGE: "The recipient's system asks the sender to confirm the message before it is shown.",
    ReturnedKind.RECEIPT: "The recipient's mail program says what was done with the message.",
    ReturnedKind.OTHER: "A mail that came to the return path and says nothing of the delivery.",
}
_TO_DO = {
    ReturnedKind.COMPLAINT: "Do not send to this recipient again.",
    ReturnedKind.CHALLENGE: "Follow the instructions in the mail, if the message has to arrive.",
}
_HOW_IT_GOES = {
    Action.DELAYED: "Not delivered yet; the reporting server is still trying.",
    Action.DELIVERED: "The recipient's server reports that it delivered the message.",
    Action.RELAYED: "The message was passed to a server that does not report.",
    Action.EXPANDED: "The message was passed to the members of a list or to another address.",
}


def read_returned(payload: Payload) -> list[Report]:
    """The reports in a payload whose body is a mail. Ids are empty: whoever keeps them fills them in."""
    returned = read(payload.body)
    key = _key(payload, returned)
    if returned.kind is ReturnedKind.BOUNCE:
        fates = {(fate.addressee.casefold(), fate.action): fate for fate in reversed(returned.fates)}
        return [_fate(payload, returned, key, fate) for fate in reversed(fates.values())]
    if returned.kind is ReturnedKind.COMPLAINT and returned.fates:
        return [_other(payload, returned, key, fate.addressee) for fate in returned.fates]
    return [_other(payload, returned, key, "")]


def _fate(payload: Payload, returned: Returned, key: str, fate: Fate) -> Report:
    is_failure = fate.action is Action.FAILED
    verdict = classify(fate.code, fate.status, fate.diagnostic)
    explanation = verdict.explanation if is_failure else _HOW_IT_GOES[fate.action]
    if fate.action is Action.DELAYED and verdict.finding not in (Finding.UNKNOWN, Finding.TEMPORARY):
        explanation = f"{explanation} {verdict.explanation}"
    return Report(
        id="",
        payload_id=payload.id,
        at=_at(payload, parse_date(fate.last_attempt) or returned.date),
        kind=_OF_ACTION[fate.action],
        event_key=f"{key}:{fate.action}:{fate.addressee.casefold()}"[:500],
        recipient=fate.addressee,
        header_message_id=returned.header_message_id,
        bounce=verdict.bounce if is_failure else None,
        status=fate.status,
        diagnostic=fate.diagnostic,
        explanation=explanation,
        action=verdict.action if is_failure else "",
        detail=_detail(returned, fate),
    )


def _other(payload: Payload, returned: Returned, key: str, recipient: str) -> Report:
    return Report(
        id="",
        payload_id=payload.id,
        at=_at(payload, returned.date),
        kind=_OF_KIND.get(returned.kind, ReportKind.OTHER),
        event_key=f"{key}:{returned.kind}:{recipient.casefold()}"[:500],
        recipient=recipient,
        header_message_id=returned.header_message_id,
        explanation=_IN_WORDS[returned.kind],
        action=_TO_DO.get(returned.kind, ""),
        detail=_detail(returned, None),
    )


def _key(payload: Payload, returned: Returned) -> str:
    """The same for a mail that comes again by another way: by its Message-ID, which a system gives each one anew."""
    name = returned.own_message_id.encode("utf-8", "replace") or payload.body
    return hashlib.sha256(payload.return_token.encode("utf-8", "replace") + b"\0" + name).hexdigest()[:40]


def _at(payload: Payload, said: int | None) -> int:
    """When it happened, as reported; when it came, if what is reported cannot be."""
    is_plausible = said is not None and payload.received_at - _MONTH <= said <= payload.received_at
    return said if said is not None and is_plausible else payload.received_at


def _detail(returned: Returned, fate: Fate | None) -> dict[str, Any]:
    detail = {
        "form": returned.form,
        "kind": returned.kind.value,
        "reporting_mta": returned.reporting_mta,
        "feedback_type": returned.feedback_type,
        "envelope_id": returned.envelope_id,
    }
    if fate is not None:
        detail["final_recipient"] = fate.recipient if fate.recipient != fate.addressee else ""
        detail["remote_mta"] = fate.remote_mta
        detail["will_retry_until"] = fate.will_retry_until
    return {name: value[:500] for name, value in detail.items() if value}
