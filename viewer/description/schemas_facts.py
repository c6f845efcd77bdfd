"""The schemas of deletion, tags, the audit history, settings and alerts. The values are in `schemas.py`."""

from __future__ import annotations

from relay.model.deletion import Standing
from viewer.description.schemas import FLAG, TEXT, TIME, ULID, Json, list_of, object_of, or_null, ref

FACT_SCHEMAS: dict[str, Json] = {
    "Deletion": object_of(at=TIME, by=TEXT, asked_by=TEXT, reason=TEXT, erased_at=or_null(TIME)),
    "DeletionAsked": object_of(
        message_id=ULID,
        standing={"enum": ["deleted", "asked"], "description": "asked: another person has to approve."},
        request_id=or_null(ULID),
    ),
    "DeletionRequest": object_of(
        id=ULID,
        message_id=ULID,
        asked_at=TIME,
        asked_by=TEXT,
        reason=TEXT,
        standing={"enum": [standing.value for standing in Standing]},
        decided_at=or_null(TIME),
        decided_by=or_null(TEXT),
        answer=TEXT,
    ),
    "DeletionRequests": object_of(requests=list_of(ref("DeletionRequest")), next=or_null(TEXT)),
    "Deeds": object_of(
        deeds=list_of(
            {
                "type": "object",
                "properties": {"sentence": TEXT},
                "required": ["id", "at", "kind", "actor", "sentence"],
                "description": "As an event, with what happened in a sentence.",
            }
        ),
        next=or_null(TEXT),
    ),
    "Settings": object_of(
        settings=list_of(
            object_of(
                key=TEXT,
                value={**TEXT, "description": "As text; of a secret only whether it is set."},
                origin={**TEXT, "description": "A file, an environment variable, `settings` or `default`."},
            )
        )
    ),
    "Alerts": object_of(alerts=list_of(object_of(name=TEXT, words=TEXT, raised_at=TIME, is_calm=FLAG))),
    "TagChange": {
        "type": "object",
        "properties": {"add": {**list_of(TEXT), "maxItems": 20}, "remove": {**list_of(TEXT), "maxItems": 20}},
        "additionalProperties": False,
        "description": "Tags to put on and to take off, in any case.",
    },
    "Tags": object_of(message_id=ULID, tags=list_of(TEXT)),
}
