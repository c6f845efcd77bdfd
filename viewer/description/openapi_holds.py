"""Legal holds in the description of the HTTP API: operations and schemas."""

from __future__ import annotations

from viewer.description.openapi_operation import Operation
from viewer.description.schemas import COUNT, TEXT, TIME, ULID, Json, list_of, object_of, or_null, ref

HOLD_SCHEMAS: dict[str, Json] = {
    "Hold": object_of(
        id=ULID,
        name=TEXT,
        reason=TEXT,
        made_at=TIME,
        made_by=TEXT,
        ended_at=or_null(TIME),
        ended_by=or_null(TEXT),
        messages=COUNT,
    ),
    "Holds": object_of(holds=list_of(ref("Hold"))),
    "HoldChanged": object_of(hold=ref("Hold"), changed=COUNT),
    "NewHold": {
        "type": "object",
        "properties": {"name": TEXT, "reason": TEXT},
        "required": ["name"],
        "additionalProperties": False,
    },
    "HoldPlace": {
        "type": "object",
        "properties": {"q": TEXT, "message_ids": {**list_of(ULID), "minItems": 1, "maxItems": 1000}},
        "additionalProperties": False,
        "description": "Either a search, of what is there now, or ids.",
    },
    "HoldLift": {
        "type": "object",
        "properties": {"message_ids": {**list_of(ULID), "minItems": 1, "maxItems": 1000}},
        "required": ["message_ids"],
        "additionalProperties": False,
    },
}
HOLD_PARAMETERS: dict[str, tuple[Json, str]] = {
    "holds": ({"enum": ["open", "all"], "default": "open"}, "Of holds: the ended ones too."),
}
HOLD_OPERATIONS = (
    Operation("get", "/api/holds", "Legal holds, newest first", "Holds", ("holds",), refusals=(400,)),
    Operation("post", "/api/holds", "Begin a legal hold", "Hold", body="NewHold", status=201, refusals=(400,)),
    Operation(
        "post",
        "/api/holds/{id}/place",
        "Put messages under a hold: nobody can delete them",
        "HoldChanged",
        body="HoldPlace",
        refusals=(400, 404),
    ),
    Operation(
        "post",
        "/api/holds/{id}/lift",
        "Take messages from under a hold",
        "HoldChanged",
        body="HoldLift",
        refusals=(400, 404),
    ),
    Operation("post", "/api/holds/{id}/end", "End a hold", "Hold", ("reason",), refusals=(404, 409)),
)
