"""How everything that the HTTP API answers looks, as JSON Schema: values, and the schemas by name.

What answers with which is in `openapi.py`.
"""

from __future__ import annotations

from typing import Any

from relay.model.bounce import BounceClass
from relay.model.delivery import REPORTED_STATES, State
from relay.model.event import Grade, Kind
from relay.model.fetch import Verdict
from relay.model.identifier import ULID_PATTERN
from relay.model.message import Mode, Trait
from relay.model.notification import Standing
from relay.model.signature import Algorithm, Alignment
from relay.model.suppression import Cause
from relay.model.token import TokenKind

Json = dict[str, Any]

ULID = {"type": "string", "pattern": f"^{ULID_PATTERN}$"}
TIME = {"type": "string", "format": "date-time"}
TEXT = {"type": "string"}
COUNT = {"type": "integer", "minimum": 0}
DAY = {"anyOf": [{"type": "string", "format": "date"}, {"enum": [""]}]}
"""In a query; empty, as forms send it, is none."""
FLAG = {"type": "boolean"}
VERDICT = {"enum": [verdict.value for verdict in Verdict]}
BOUNCE = {"enum": [bounce.value for bounce in BounceClass]}
GRADE = {"enum": [grade.value for grade in Grade]}
SHA256 = {"type": "string", "pattern": "^[0-9a-f]{64}$"}


def or_null(schema: Json) -> Json:
    return {"anyOf": [schema, {"type": "null"}]}


def list_of(schema: Json) -> Json:
    return {"type": "array", "items": schema}


def ref(name: str) -> Json:
    return {"$ref": f"#/components/schemas/{name}"}


def object_of(**properties: Json) -> Json:
    """An object that has all of these and nothing else. A trailing `_` keeps Python's own words out of the way."""
    named = {name.rstrip("_"): schema for name, schema in properties.items()}
    return {"type": "object", "properties": named, "required": list(named), "additionalProperties": False}


_ADDRESSEE = object_of(name=TEXT, address=TEXT)
_REFERENCE = object_of(name=TEXT, code=TEXT)

SCHEMAS: dict[str, Json] = {
    "Error": object_of(
        error={
            "type": "object",
            "properties": {"status": {"type": "integer"}, "message": TEXT, "field": TEXT},
            "required": ["status", "message"],
            "additionalProperties": False,
        }
    ),
    "Reply": object_of(code={"type": "integer"}, enhanced=or_null(TEXT), text=TEXT, is_local=FLAG),
    "Listing": object_of(
        id=ULID,
        seq=COUNT,
        received_at=TIME,
        sender=TEXT,
        recipients=list_of(TEXT),
        recipient_count=COUNT,
        subject=TEXT,
        snippet=TEXT,
        application=TEXT,
        states={
            "type": "object",
            "propertyNames": {"enum": [state.value for state in State]},
            "additionalProperties": COUNT,
        },
        references=list_of(_REFERENCE),
        tags=list_of(TEXT),
        size=COUNT,
        attachment_count=COUNT,
        parent_id=or_null(ULID),
        opened=list_of(VERDICT),
        clicked=list_of(VERDICT),
        reports=list_of(
            object_of(
                state={"enum": sorted(state.value for state in REPORTED_STATES)},
                bounce=or_null(BOUNCE),
                grade=GRADE,
                source=TEXT,
                count=COUNT,
            )
        ),
        complained=COUNT,
        unsubscribed=COUNT,
        is_deleted=FLAG,
        imported={**FLAG, "description": "Taken over from elsewhere; nothing of its sending was witnessed."},
    ),
    "Attempt": object_of(
        id=ULID,
        number={"type": "integer", "minimum": 1},
        upstream=TEXT,
        began_at=TIME,
        finished_at=or_null(TIME),
        reply=or_null(ref("Reply")),
        is_uncertain=FLAG,
        edits=list_of(object_of(start=COUNT, stop=COUNT, step=TEXT)),
        wire_sha256=SHA256,
        wire_size=COUNT,
        provider_id=or_null(TEXT),
        peer=or_null(TEXT),
        tls_version=or_null(TEXT),
        tls_cipher=or_null(TEXT),
    ),
    "Delivery": object_of(
        id=ULID,
        message_id=ULID,
        recipient=TEXT,
        state={"enum": [state.value for state in State]},
        created_at=TIME,
        due_at=or_null(TIME),
        expires_at=or_null(TIME),
        reply=or_null(ref("Reply")),
        upstream=or_null(TEXT),
        original_recipient=or_null(TEXT),
        priority={"type": "integer"},
        lane=or_null(TEXT),
        wanted_upstream=or_null(TEXT),
        why=or_null(TEXT),
        bounce=or_null(BOUNCE),
        grade=GRADE,
        source=or_null(TEXT),
        standing={**TEXT, "description": "The state with its source and grade of evidence, in words."},
        explanation=TEXT,
        action=TEXT,
        complained_at=or_null(TIME),
        unsubscribed_at=or_null(TIME),
        attempts=list_of(ref("Attempt")),
    ),
    "SentDelivery": object_of(
        delivery=ref("Delivery"),
        copy=or_null(ref("Copy")),
        tokens=list_of(ref("Token")),
    ),
    "Copy": object_of(
        attempt={"type": "integer", "minimum": 1},
        is_verified=FLAG,
        edits=list_of(object_of(start=COUNT, stop=COUNT, step=TEXT, size=COUNT, replacement=or_null(TEXT))),
        signatures=list_of(
            object_of(
                domain=TEXT,
                selector=TEXT,
                algorithm={"enum": [algorithm.value for algorithm in Algorithm]},
                public_key=TEXT,
                alignment={"enum": [alignment.value for alignment in Alignment]},
            )
        ),
    ),
    "Token": object_of(
        kind={"enum": [kind.value for kind in TokenKind]},
        url=TEXT,
        part=COUNT,
        attempt=COUNT,
        created_at=TIME,
        fetches=list_of(ref("Fetch")),
    ),
    "Fetch": object_of(
        id=ULID,
        at=TIME,
        method=TEXT,
        address=TEXT,
        network=TEXT,
        user_agent=TEXT,
        signals=list_of(object_of(name=TEXT, value=TEXT)),
        verdict=VERDICT,
        reason=TEXT,
        rules_version=COUNT,
        count=COUNT,
        grade={"enum": [Grade.HEURISTIC.value]},
    ),
    "Envelope": object_of(
        sender=TEXT,
        recipients=list_of(object_of(address=TEXT, notify=or_null(TEXT), orcpt=or_null(TEXT))),
        body=or_null(TEXT),
        smtputf8=FLAG,
        declared_size=or_null(COUNT),
        ret=or_null(TEXT),
        envid=or_null(TEXT),
        auth=or_null(TEXT),
    ),
    "Reception": object_of(
        peer=TEXT,
        helo=TEXT,
        protocol=TEXT,
        listener=TEXT,
        tls_version=or_null(TEXT),
        tls_cipher=or_null(TEXT),
        auth_user=or_null(TEXT),
        via_proxy=or_null(TEXT),
    ),
    "Message": object_of(
        id=ULID,
        seq=COUNT,
        received_at=TIME,
        application=TEXT,
        mode={"enum": [mode.value for mode in Mode]},
        imported=FLAG,
        size=COUNT,
        sha256=SHA256,
        traits=list_of({"enum": [trait.value for trait in Trait]}),
        hops=COUNT,
        parent_id=or_null(ULID),
        children=list_of(ULID),
        envelope=ref("Envelope"),
        reception=ref("Reception"),
        is_indexed=FLAG,
        subject=TEXT,
        from_=list_of(_ADDRESSEE),
        to=list_of(_ADDRESSEE),
        cc=list_of(_ADDRESSEE),
        reply_to=list_of(_ADDRESSEE),
        header_message_id=TEXT,
        in_reply_to=TEXT,
        date=or_null(TIME),
        snippet=TEXT,
        filenames=list_of(TEXT),
        attachment_count=COUNT,
        tags=list_of(TEXT),
        metadata=list_of(object_of(name=TEXT, value=TEXT)),
        references=list_of(_REFERENCE),
        defects=list_of(TEXT),
        deletion=or_null(ref("Deletion")),
        deliveries=list_of(ref("Delivery")),
    ),
    "Event": object_of(
        number=COUNT,
        id=ULID,
        at=TIME,
        kind={"enum": [kind.value for kind in Kind]},
        actor=TEXT,
        message_id=or_null(ULID),
        delivery_id=or_null(ULID),
        grade={"enum": [grade.value for grade in Grade]},
        data={"type": "object"},
    ),
    "Part": object_of(
        number=COUNT,
        depth=COUNT,
        content_type=TEXT,
        disposition=TEXT,
        transfer_encoding=TEXT,
        filename=TEXT,
        size=COUNT,
        is_multipart=FLAG,
        defects=list_of(TEXT),
    ),
    "Endpoint": object_of(
        name=TEXT,
        url=TEXT,
        waiting=COUNT,
        failed=COUNT,
        delivered=COUNT,
        delivered_at=or_null(TIME),
        oldest_waiting=or_null(TIME),
        next_due=or_null(TIME),
        error=TEXT,
        error_at=or_null(TIME),
        gone_at=or_null(TIME),
    ),
    "Endpoints": object_of(endpoints=list_of(ref("Endpoint"))),
    "Notification": object_of(
        id=ULID,
        type={**TEXT, "description": "The kind of event, or `trial`."},
        event_id=or_null(ULID),
        message_id=or_null(ULID),
        recipient=TEXT,
        standing={"enum": list(Standing)},
        attempts=COUNT,
        created_at=TIME,
        tried_at=or_null(TIME),
        due_at=or_null(TIME),
        status=or_null(COUNT),
        error=TEXT,
    ),
    "Notifications": object_of(notifications=list_of(ref("Notification")), next=or_null(TEXT)),
    "Replay": {
        "type": "object",
        "properties": {
            "ids": {**list_of(TEXT), "description": "Of notifications."},
            "failed": {**FLAG, "description": "All that was given up."},
            "since": {**TEXT, "description": "All made since a date or RFC 3339 time."},
        },
        "additionalProperties": False,
    },
    "Replayed": object_of(count=COUNT),
    "Tried": object_of(id=ULID),
    "Suppression": object_of(
        id=ULID,
        address=TEXT,
        application=TEXT,
        cause={"enum": [cause.value for cause in Cause]},
        reason=TEXT,
        created_at=TIME,
        created_by=TEXT,
        expires_at=or_null(TIME),
        message_id=or_null(ULID),
        delivery_id=or_null(ULID),
    ),
    "Suppressions": object_of(suppressions=list_of(ref("Suppression")), next=or_null(TEXT)),
    "NewSuppression": {
        "type": "object",
        "properties": {
            "address": TEXT,
            "application": {**TEXT, "description": "Whose mail is not sent there; without it, that of all."},
            "reason": TEXT,
            "expires_at": {**TEXT, "description": "A date or RFC 3339 time; without it, until removed."},
        },
        "required": ["address"],
        "additionalProperties": False,
    },
    "Import": {
        "type": "object",
        "properties": {
            "csv": {**TEXT, "description": "Lines as the export has them, or one address a line."},
            "skip_bad": {**FLAG, "description": "Leave out lines that are wrong, and import the others."},
        },
        "required": ["csv"],
        "additionalProperties": False,
    },
    "Imported": object_of(
        read=COUNT,
        imported=COUNT,
        problems=list_of(object_of(line=COUNT, message=TEXT)),
    ),
    "Messages": object_of(messages=list_of(ref("Listing")), next=or_null(TEXT), previous=or_null(TEXT)),
    "Events": object_of(events=list_of(ref("Event"))),
    "Parts": object_of(parts=list_of(ref("Part"))),
    "Resend": {
        "type": "object",
        "properties": {
            "recipients": {
                **list_of(TEXT),
                "description": "Forward-paths; without it, those of the message. Needed when `to` or `cc` is edited.",
            },
            "edit": {
                "type": "object",
                "properties": {"subject": TEXT, "to": TEXT, "cc": TEXT, "text": TEXT, "html": TEXT},
                "minProperties": 1,
                "additionalProperties": False,
                "description": "Makes the copy a new message with this one as parent; without it, the same octets.",
            },
        },
        "additionalProperties": False,
    },
    "Decided": object_of(message_id=ULID, delivery_ids=list_of(ULID)),
    "Resent": object_of(message_id=ULID, delivery_ids=list_of(ULID), parent_id=or_null(ULID)),
}
