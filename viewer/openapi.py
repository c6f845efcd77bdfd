"""The description of the HTTP API, OpenAPI 3.1, made from one table: `OPERATIONS`.

Does not serve it (`api/description.py`) and does not check requests by it; a test compares it with the routes and with
real answers.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from relay.archive.api import SORT_KEYS
from relay.model.delivery import State
from relay.model.event import Grade, Kind
from relay.model.fetch import Verdict
from relay.model.message import Mode, Trait
from relay.model.signature import Algorithm, Alignment
from relay.model.token import TokenKind

Json = dict[str, Any]

_ULID = {"type": "string", "pattern": "^[0-7][0-9A-HJKMNP-TV-Z]{25}$"}
_TIME = {"type": "string", "format": "date-time"}
_TEXT = {"type": "string"}
_COUNT = {"type": "integer", "minimum": 0}
_FLAG = {"type": "boolean"}
_VERDICT = {"enum": [verdict.value for verdict in Verdict]}
_SHA256 = {"type": "string", "pattern": "^[0-9a-f]{64}$"}


def _or_null(schema: Json) -> Json:
    return {"anyOf": [schema, {"type": "null"}]}


def _list(schema: Json) -> Json:
    return {"type": "array", "items": schema}


def _ref(name: str) -> Json:
    return {"$ref": f"#/components/schemas/{name}"}


def _object(**properties: Json) -> Json:
    """An object that has all of these and nothing else. A trailing `_` keeps Python's own words out of the way."""
    named = {name.rstrip("_"): schema for name, schema in properties.items()}
    return {"type": "object", "properties": named, "required": list(named), "additionalProperties": False}


_ADDRESSEE = _object(name=_TEXT, address=_TEXT)
_REFERENCE = _object(name=_TEXT, code=_TEXT)

SCHEMAS: dict[str, Json] = {
    "Error": _object(
        error={
            "type": "object",
            "properties": {"status": {"type": "integer"}, "message": _TEXT, "field": _TEXT},
            "required": ["status", "message"],
            "additionalProperties": False,
        }
    ),
    "Reply": _object(code={"type": "integer"}, enhanced=_or_null(_TEXT), text=_TEXT, is_local=_FLAG),
    "Listing": _object(
        id=_ULID,
        seq=_COUNT,
        received_at=_TIME,
        sender=_TEXT,
        recipients=_list(_TEXT),
        recipient_count=_COUNT,
        subject=_TEXT,
        snippet=_TEXT,
        application=_TEXT,
        states={
            "type": "object",
            "propertyNames": {"enum": [state.value for state in State]},
            "additionalProperties": _COUNT,
        },
        references=_list(_REFERENCE),
        tags=_list(_TEXT),
        size=_COUNT,
        attachment_count=_COUNT,
        parent_id=_or_null(_ULID),
        opened=_list(_VERDICT),
        clicked=_list(_VERDICT),
    ),
    "Attempt": _object(
        id=_ULID,
        number={"type": "integer", "minimum": 1},
        upstream=_TEXT,
        began_at=_TIME,
        finished_at=_or_null(_TIME),
        reply=_or_null(_ref("Reply")),
        is_uncertain=_FLAG,
        edits=_list(_object(start=_COUNT, stop=_COUNT, step=_TEXT)),
        wire_sha256=_SHA256,
        wire_size=_COUNT,
        peer=_or_null(_TEXT),
        tls_version=_or_null(_TEXT),
        tls_cipher=_or_null(_TEXT),
    ),
    "Delivery": _object(
        id=_ULID,
        message_id=_ULID,
        recipient=_TEXT,
        state={"enum": [state.value for state in State]},
        created_at=_TIME,
        due_at=_or_null(_TIME),
        expires_at=_or_null(_TIME),
        reply=_or_null(_ref("Reply")),
        upstream=_or_null(_TEXT),
        attempts=_list(_ref("Attempt")),
    ),
    "SentDelivery": _object(
        delivery=_ref("Delivery"),
        copy=_or_null(_ref("Copy")),
        tokens=_list(_ref("Token")),
    ),
    "Copy": _object(
        attempt={"type": "integer", "minimum": 1},
        is_verified=_FLAG,
        edits=_list(_object(start=_COUNT, stop=_COUNT, step=_TEXT, size=_COUNT, replacement=_or_null(_TEXT))),
        signatures=_list(
            _object(
                domain=_TEXT,
                selector=_TEXT,
                algorithm={"enum": [algorithm.value for algorithm in Algorithm]},
                public_key=_TEXT,
                alignment={"enum": [alignment.value for alignment in Alignment]},
            )
        ),
    ),
    "Token": _object(
        kind={"enum": [kind.value for kind in TokenKind]},
        url=_TEXT,
        part=_COUNT,
        attempt=_COUNT,
        created_at=_TIME,
        fetches=_list(_ref("Fetch")),
    ),
    "Fetch": _object(
        id=_ULID,
        at=_TIME,
        method=_TEXT,
        address=_TEXT,
        network=_TEXT,
        user_agent=_TEXT,
        signals=_list(_object(name=_TEXT, value=_TEXT)),
        verdict=_VERDICT,
        reason=_TEXT,
        rules_version=_COUNT,
        count=_COUNT,
        grade={"enum": [Grade.HEURISTIC.value]},
    ),
    "Envelope": _object(
        sender=_TEXT,
        recipients=_list(_object(address=_TEXT, notify=_or_null(_TEXT), orcpt=_or_null(_TEXT))),
        body=_or_null(_TEXT),
        smtputf8=_FLAG,
        declared_size=_or_null(_COUNT),
        ret=_or_null(_TEXT),
        envid=_or_null(_TEXT),
        auth=_or_null(_TEXT),
    ),
    "Reception": _object(
        peer=_TEXT,
        helo=_TEXT,
        protocol=_TEXT,
        listener=_TEXT,
        tls_version=_or_null(_TEXT),
        tls_cipher=_or_null(_TEXT),
        auth_user=_or_null(_TEXT),
        via_proxy=_or_null(_TEXT),
    ),
    "Message": _object(
        id=_ULID,
        seq=_COUNT,
        received_at=_TIME,
        application=_TEXT,
        mode={"enum": [mode.value for mode in Mode]},
        size=_COUNT,
        sha256=_SHA256,
        traits=_list({"enum": [trait.value for trait in Trait]}),
        hops=_COUNT,
        parent_id=_or_null(_ULID),
        children=_list(_ULID),
        envelope=_ref("Envelope"),
        reception=_ref("Reception"),
        is_indexed=_FLAG,
        subject=_TEXT,
        from_=_list(_ADDRESSEE),
        to=_list(_ADDRESSEE),
        cc=_list(_ADDRESSEE),
        reply_to=_list(_ADDRESSEE),
        header_message_id=_TEXT,
        in_reply_to=_TEXT,
        date=_or_null(_TIME),
        snippet=_TEXT,
        filenames=_list(_TEXT),
        attachment_count=_COUNT,
        tags=_list(_TEXT),
        metadata=_list(_object(name=_TEXT, value=_TEXT)),
        references=_list(_REFERENCE),
        defects=_list(_TEXT),
        deliveries=_list(_ref("Delivery")),
    ),
    "Event": _object(
        number=_COUNT,
        id=_ULID,
        at=_TIME,
        kind={"enum": [kind.value for kind in Kind]},
        actor=_TEXT,
        message_id=_or_null(_ULID),
        delivery_id=_or_null(_ULID),
        grade={"enum": [grade.value for grade in Grade]},
        data={"type": "object"},
    ),
    "Part": _object(
        number=_COUNT,
        depth=_COUNT,
        content_type=_TEXT,
        disposition=_TEXT,
        transfer_encoding=_TEXT,
        filename=_TEXT,
        size=_COUNT,
        is_multipart=_FLAG,
        defects=_list(_TEXT),
    ),
    "Messages": _object(messages=_list(_ref("Listing")), next=_or_null(_TEXT), previous=_or_null(_TEXT)),
    "Events": _object(events=_list(_ref("Event"))),
    "Parts": _object(parts=_list(_ref("Part"))),
    "Resend": {
        "type": "object",
        "properties": {
            "recipients": {
                **_list(_TEXT),
                "description": "Forward-paths; without it, those of the message. Needed when `to` or `cc` is edited.",
            },
            "edit": {
                "type": "object",
                "properties": {"subject": _TEXT, "to": _TEXT, "cc": _TEXT, "text": _TEXT, "html": _TEXT},
                "minProperties": 1,
                "additionalProperties": False,
                "description": "Makes the copy a new message with this one as parent; without it, the same octets.",
            },
        },
        "additionalProperties": False,
    },
    "Decided": _object(message_id=_ULID, delivery_ids=_list(_ULID)),
    "Resent": _object(message_id=_ULID, delivery_ids=_list(_ULID), parent_id=_or_null(_ULID)),
}


@dataclass(frozen=True, slots=True)
class Operation:
    """One method of one path. `answer`: a schema's name, or a media type for octets."""

    method: str
    path: str
    summary: str
    answer: str
    parameters: tuple[str, ...] = ()
    body: str = ""
    status: int = 200
    refusals: tuple[int, ...] = ()


PARAMETERS: dict[str, tuple[Json, str]] = {
    "q": (_TEXT, "Search; everything without it. The language is the grid's."),
    "sort": ({"enum": list(SORT_KEYS), "default": "date"}, "What the messages are sorted by."),
    "order": ({"enum": ["desc", "asc"], "default": "desc"}, "In which direction."),
    "limit": ({"type": "integer", "minimum": 1, "maximum": 1000}, "Most rows in one answer; messages: 500."),
    "cursor": (_TEXT, "`next` or `previous` of an answer to the same search and order."),
    "after": (_COUNT, "Only events with a greater number."),
    "attempt": ({"type": "integer", "minimum": 1}, "The number of the attempt; without it, the latest."),
    "inline": ({"enum": ["1"]}, "Show instead of save; only for PNG, JPEG, GIF and WebP images."),
    "format": ({"enum": ["zip", "mbox", "csv", "eml"], "default": "zip"}, "`eml` only when one message matches."),
}
PATH_PARAMETERS: dict[str, Json] = {"id": _ULID, "delivery_id": _ULID, "number": _COUNT}

OPERATIONS = (
    Operation("get", "/api/messages", "Search", "Messages", ("q", "sort", "order", "limit", "cursor"), refusals=(400,)),
    Operation("get", "/api/messages/{id}", "One message", "Message", refusals=(404,)),
    Operation(
        "get", "/api/messages/{id}/events", "What happened to it", "Events", ("after", "limit"), refusals=(400, 404)
    ),
    Operation("get", "/api/messages/{id}/content", "The original, octet for octet", "message/rfc822", refusals=(404,)),
    Operation(
        "get",
        "/api/messages/{id}/deliveries/{delivery_id}/content",
        "The copy as it was sent, rebuilt and checked",
        "message/rfc822",
        ("attempt",),
        refusals=(404,),
    ),
    Operation(
        "get",
        "/api/messages/{id}/deliveries/{delivery_id}",
        "One delivery: the edits of a copy, its signatures, pixel and links with their fetches",
        "SentDelivery",
        ("attempt",),
        refusals=(400, 404),
    ),
    Operation("get", "/api/messages/{id}/parts", "Its MIME parts", "Parts", refusals=(404,)),
    Operation(
        "get",
        "/api/messages/{id}/parts/{number}",
        "The decoded data of one part",
        "application/octet-stream",
        ("inline",),
        refusals=(404,),
    ),
    Operation(
        "post",
        "/api/messages/{id}/resend",
        "Send again, exactly or edited",
        "Resent",
        body="Resend",
        status=202,
        refusals=(400, 404, 409),
    ),
    Operation(
        "post",
        "/api/messages/{id}/approve",
        "Send what is held",
        "Decided",
        status=202,
        refusals=(404, 409),
    ),
    Operation("post", "/api/messages/{id}/reject", "Never send what is held", "Decided", refusals=(404, 409)),
    Operation("get", "/api/events", "The journal", "Events", ("after", "limit"), refusals=(400,)),
    Operation(
        "get", "/api/export", "A search as one file", "application/octet-stream", ("q", "format"), refusals=(400,)
    ),
    Operation("get", "/api/openapi.json", "This description", "application/json"),
)


def description(version: str) -> Json:
    """The OpenAPI document."""
    paths: dict[str, Json] = {}
    for operation in OPERATIONS:
        paths.setdefault(operation.path, {})[operation.method] = _operation(operation)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Mailwitness",
            "version": version,
            "description": "Times are RFC 3339 in UTC. A bearer token comes from `mailwitness token add`. A request "
            "that changes something with a session instead carries the page's token as X-CSRF-Token.",
        },
        "paths": paths,
        "components": {
            "schemas": SCHEMAS,
            "securitySchemes": {
                "token": {"type": "http", "scheme": "bearer"},
                "session": {"type": "apiKey", "in": "cookie", "name": "mailwitness"},
            },
        },
        "security": [{"token": []}, {"session": []}],
    }


def _operation(operation: Operation) -> Json:
    described: Json = {
        "operationId": _identifier(operation),
        "summary": operation.summary,
        "parameters": [*_path_parameters(operation.path), *map(_query_parameter, operation.parameters)],
        "responses": {str(operation.status): _answer(operation.answer)}
        | {str(status): _answer("Error") for status in sorted({401, 403, *operation.refusals})},
    }
    if operation.body:
        described["requestBody"] = {"content": {"application/json": {"schema": _ref(operation.body)}}}
    return described


def _identifier(operation: Operation) -> str:
    """`get /api/messages/{id}/parts` -> `get_messages_id_parts`."""
    return "_".join([operation.method, *re.findall(r"\w+", operation.path.removeprefix("/api"))])


def _path_parameters(path: str) -> list[Json]:
    names = re.findall(r"{(\w+)}", path)
    return [{"name": name, "in": "path", "required": True, "schema": PATH_PARAMETERS[name]} for name in names]


def _query_parameter(name: str) -> Json:
    schema, meaning = PARAMETERS[name]
    return {"name": name, "in": "query", "schema": schema, "description": meaning}


def _answer(name: str) -> Json:
    if "/" in name:
        return {"description": "As asked for", "content": {name: {}}}
    meaning = "Refused" if name == "Error" else "As asked for"
    return {"description": meaning, "content": {"application/json": {"schema": _ref(name)}}}
