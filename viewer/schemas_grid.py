"""The schemas of bulk work, saved views and mailings. The others, and the values, are in `schemas.py`."""

from __future__ import annotations

from viewer.bulk import MOST_CHOSEN
from viewer.bulk_kinds import KINDS
from viewer.schemas import COUNT, TEXT, ULID, Json, list_of, object_of

_ASKS = {
    ask.name: {"enum": [value for value, _ in ask.choices]} if ask.choices else {**TEXT, "maxLength": 500}
    for kind in KINDS.values()
    for ask in kind.asks
}

GRID_SCHEMAS: dict[str, Json] = {
    "Bulk": {
        "type": "object",
        "properties": {
            "q": {**TEXT, "description": "All messages that this search finds now; '' for all there are."},
            "message_ids": {**list_of(ULID), "minItems": 1, "maxItems": MOST_CHOSEN},
            **_ASKS,
        },
        "additionalProperties": False,
        "description": "Either q or message_ids; and what the kind asks for.",
    },
    "BulkBegun": object_of(
        kind={"enum": list(KINDS)}, total=COUNT, address={**TEXT, "description": "Of the task, or of the export."}
    ),
    "BulkTask": object_of(
        id=ULID,
        kind={"enum": list(KINDS)},
        q=TEXT,
        total=COUNT,
        done=COUNT,
        changed=COUNT,
        left={"type": "object", "additionalProperties": COUNT},
        state={"enum": ["waiting", "running", "finished", "failed", "cancelled"]},
    ),
}
