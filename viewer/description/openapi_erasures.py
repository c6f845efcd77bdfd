"""Erasure of persons in the description of the HTTP API: operations and schemas."""

from __future__ import annotations

from relay.model.erasure import Standing
from viewer.description.openapi_operation import Operation
from viewer.description.schemas import COUNT, FLAG, TEXT, TIME, ULID, Json, list_of, object_of, or_null, ref
from viewer.work.erasure import MOST_ADDRESSES

_ADDRESSES: Json = {**list_of(TEXT), "minItems": 1, "maxItems": MOST_ADDRESSES}
_PLACE = {"enum": ["recipient", "sender", "content", "text"]}
_FOUND = object_of(
    message_id=ULID,
    received_at=TIME,
    places=list_of(_PLACE),
    content_goes=FLAG,
    kept_by=TEXT,
    holds=list_of(ULID),
)
ERASURE_SCHEMAS: dict[str, Json] = {
    "Erasure": object_of(
        id=ULID,
        address=or_null(TEXT),
        reason=TEXT,
        standing={"enum": [standing.value for standing in Standing]},
        asked_at=TIME,
        asked_by=TEXT,
        decided_at=or_null(TIME),
        decided_by=or_null(TEXT),
        ended_at=or_null(TIME),
        erased=COUNT,
        kept=COUNT,
        progress=or_null(object_of(looked=COUNT, all=COUNT, done=COUNT, named=COUNT)),
    ),
    "Erasures": object_of(erasures=list_of(ref("Erasure"))),
    "NewErasure": {
        "type": "object",
        "properties": {"addresses": _ADDRESSES, "reason": TEXT, "suppress": FLAG},
        "required": ["addresses", "reason"],
        "additionalProperties": False,
        "description": "One request for each address. `suppress`: nothing more is sent to them, from now on.",
    },
    "NewErasureLook": {
        "type": "object",
        "properties": {"addresses": _ADDRESSES},
        "required": ["addresses"],
        "additionalProperties": False,
    },
    "ErasureLook": object_of(
        id=ULID,
        state={"enum": ["waiting", "running", "finished", "failed", "cancelled"]},
        done=COUNT,
        total=COUNT,
        found=list_of(ref("ErasureFound")),
    ),
    "ErasureFound": object_of(
        address=TEXT,
        messages=COUNT,
        whole=COUNT,
        parts=COUNT,
        kept=COUNT,
        first_at=or_null(TIME),
        last_at=or_null(TIME),
        places=object_of(recipient=COUNT, sender=COUNT, content=COUNT, text=COUNT),
        facts=object_of(reports=COUNT, events=COUNT, views=COUNT, others=COUNT),
        suppressions=COUNT,
        set_up=list_of(object_of(kind=TEXT, name=TEXT)),
        holds=list_of(object_of(id=ULID, name=TEXT, messages=COUNT)),
        going=list_of(_FOUND),
        staying=list_of(_FOUND),
    ),
}
ERASURE_OPERATIONS = (
    Operation(
        "get",
        "/api/erasures",
        "Requests to erase persons, newest first",
        "Erasures",
        ("requests",),
        refusals=(400,),
    ),
    Operation(
        "post",
        "/api/erasures",
        "Have persons erased from everything that is kept, or ask for it where another person has to approve",
        "Erasures",
        body="NewErasure",
        status=202,
        refusals=(400,),
    ),
    Operation("get", "/api/erasures/{id}", "One request, and how far it is", "Erasure", refusals=(404,)),
    Operation(
        "post",
        "/api/erasures/{id}/approve",
        "Have done what another person asked for",
        "Erasure",
        status=202,
        refusals=(404, 409),
    ),
    Operation(
        "post",
        "/api/erasures/{id}/refuse",
        "Close a request without erasing; one's own is withdrawn so",
        "Erasure",
        ("reason",),
        refusals=(400, 404, 409),
    ),
    Operation(
        "post",
        "/api/erasures/looks",
        "Look where persons are named, in the background; nothing is changed",
        "ErasureLook",
        body="NewErasureLook",
        status=202,
        refusals=(400,),
    ),
    Operation(
        "get",
        "/api/erasures/looks/{id}",
        "How far that is, and what was found",
        "ErasureLook",
        refusals=(404,),
    ),
)
