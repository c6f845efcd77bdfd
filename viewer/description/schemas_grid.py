"""The schemas of bulk work, saved views and mailings. The others, and the values, are in `schemas.py`."""

from __future__ import annotations

from viewer.description.schemas import COUNT, FLAG, TEXT, TIME, ULID, Json, list_of, object_of, or_null, ref
from viewer.grid.columns import COLUMNS
from viewer.grid.place import ROWS
from viewer.grid.saved_views import LONGEST_NAME
from viewer.work.bulk import MOST_CHOSEN
from viewer.work.bulk_kinds import KINDS

_ASKS = {
    ask.name: {"enum": [value for value, _ in ask.choices]} if ask.choices else {**TEXT, "maxLength": 500}
    for kind in KINDS.values()
    for ask in kind.asks
}

_VIEW: dict[str, Json] = {
    "name": {**TEXT, "maxLength": LONGEST_NAME},
    "q": TEXT,
    "sort": {**TEXT, "description": "A column, with - before it for descending; '' for newest first."},
    "rows": {"enum": list(ROWS), "description": "What a row is: a message, one recipient's copy, a mailing."},
    "columns": or_null(list_of({"enum": list(COLUMNS)})),
    "shared": FLAG,
}

GRID_SCHEMAS: dict[str, Json] = {
    "View": object_of(id=ULID, owner=TEXT, **_VIEW),
    "Suggestions": object_of(start=COUNT, stop=COUNT, suggestions=list_of(TEXT)),
    "Views": object_of(views=list_of(ref("View"))),
    "NewView": {"type": "object", "properties": _VIEW, "additionalProperties": False},
    "Mailing": object_of(
        id=COUNT,
        name=TEXT,
        source={"enum": ["header", "tag", "subject"]},
        application=TEXT,
        messages=COUNT,
        is_exact={**FLAG, "description": "False: more than were counted; the figures are of the newest."},
        states={"type": "object", "additionalProperties": COUNT},
        newest=object_of(id=ULID, received_at=TIME),
    ),
    "Mailings": object_of(mailings=list_of(ref("Mailing")), next=or_null(TEXT)),
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
