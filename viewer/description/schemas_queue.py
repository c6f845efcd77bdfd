"""The schemas of what waits, what people turn, and what came back. The others, and the values, are in `schemas.py`."""

from __future__ import annotations

from relay.archive.api.waiting import WAITING_STATES
from relay.model.bounce import BounceClass
from relay.model.event import Grade
from relay.model.message import Mode
from relay.model.report import ReportKind
from relay.model.upstream import Health
from viewer.description.schemas import COUNT, FLAG, SCHEMAS, TEXT, TIME, ULID, Json, list_of, object_of, or_null, ref

_PAUSE = or_null(object_of(by=TEXT, at=TIME, reason=TEXT))
_DELIVERY = {name: schema for name, schema in SCHEMAS["Delivery"]["properties"].items() if name != "attempts"}
_WAY = {**or_null(TEXT), "description": "Of reroute: the upstream; without it, as the routes say."}
_FILTER = {
    "q": {**TEXT, "description": "Only deliveries of messages that this search finds."},
    "state": {"enum": ["", *(state.value for state in WAITING_STATES)]},
    "lane": TEXT,
    "upstream": TEXT,
    "application": TEXT,
    "domain": {**TEXT, "description": "Of the recipient."},
}

QUEUE_SCHEMAS: dict[str, Json] = {
    "Waiting": object_of(**_DELIVERY, application=TEXT, sender=TEXT, subject=TEXT, attempt_count=COUNT, waits=TEXT),
    "Queue": object_of(deliveries=list_of(ref("Waiting")), next=or_null(TEXT)),
    "QueueGroups": object_of(
        groups=list_of(
            object_of(
                lane=TEXT,
                upstream=TEXT,
                state={"enum": [state.value for state in WAITING_STATES]},
                count=COUNT,
                oldest=TIME,
                next_due=or_null(TIME),
            )
        )
    ),
    "QueueChange": {
        "type": "object",
        "properties": {"delivery_ids": list_of(TEXT), "way": _WAY},
        "required": ["delivery_ids"],
        "additionalProperties": False,
    },
    "QueueChangeAll": {
        "type": "object",
        "properties": {**_FILTER, "way": _WAY},
        "additionalProperties": False,
        "description": "All that match; without any name, all that waits. What comes in later is not meant.",
    },
    "QueueChanged": object_of(changed=list_of(ULID), left=list_of(object_of(delivery_id=TEXT, reason=TEXT))),
    "QueueJob": object_of(
        id=ULID,
        operation=TEXT,
        total=COUNT,
        done=COUNT,
        changed=COUNT,
        left={"type": "object", "additionalProperties": COUNT},
        state={"enum": ["waiting", "running", "finished", "failed", "cancelled"]},
    ),
    "Upstreams": object_of(
        paused=_PAUSE,
        upstreams=list_of(
            object_of(
                name=TEXT,
                health=or_null({"enum": [health.value for health in Health]}),
                since=or_null(TIME),
                error=TEXT,
                sessions=COUNT,
                running=COUNT,
                waiting=COUNT,
                paused=_PAUSE,
            )
        ),
    ),
    "Pause": {
        "type": "object",
        "properties": {"upstream": {**TEXT, "description": "Without it, all sending."}, "reason": TEXT},
        "additionalProperties": False,
    },
    "Resume": {
        "type": "object",
        "properties": {"upstream": {**TEXT, "description": "Without it, all sending."}},
        "additionalProperties": False,
    },
    "ApplicationMode": object_of(
        name=TEXT,
        mode={"enum": [mode.value for mode in Mode]},
        configured={"enum": [mode.value for mode in Mode]},
        is_switched=FLAG,
        redirect_to=list_of(TEXT),
    ),
    "Applications": object_of(applications=list_of(ref("ApplicationMode"))),
    "ModeChange": {
        "type": "object",
        "properties": {"mode": or_null({"enum": [mode.value for mode in Mode]})},
        "required": ["mode"],
        "additionalProperties": False,
    },
    "Report": object_of(
        id=ULID,
        payload_id=ULID,
        at=TIME,
        kind={"enum": [kind.value for kind in ReportKind]},
        delivery_id=or_null(ULID),
        recipient=TEXT,
        source=TEXT,
        grade={"enum": [grade.value for grade in Grade]},
        verdict=TEXT,
        bounce=or_null({"enum": [bounce.value for bounce in BounceClass]}),
        status=TEXT,
        diagnostic=TEXT,
        explanation=TEXT,
        action=TEXT,
        provider_id=TEXT,
    ),
    "Reports": object_of(reports=list_of(ref("Report"))),
    "Payload": object_of(
        id=ULID,
        received_at=TIME,
        source=TEXT,
        grade={"enum": [grade.value for grade in Grade]},
        verdict=TEXT,
        peer=TEXT,
        headers=list_of(object_of(name=TEXT, value=TEXT)),
        body={**TEXT, "contentEncoding": "base64"},
    ),
}
