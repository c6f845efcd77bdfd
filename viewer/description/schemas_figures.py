"""The schemas of reports. The others, and the values, are in `schemas.py`."""

from __future__ import annotations

from relay.model.delivery import State
from viewer.description.schemas import COUNT, FLAG, TEXT, TIME, ULID, Json, list_of, object_of, or_null
from viewer.figures.bounces import CLASSES
from viewer.figures.table import Form

DATE = {"type": "string", "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}$"}
NUMBER = {"type": "number"}
CELL: Json = {
    "type": "object",
    "properties": {
        "value": {"anyOf": [TEXT, NUMBER, {"type": "null"}]},
        "q": {**TEXT, "description": "The search for the messages behind it."},
        "hits": {**COUNT, "description": "Of a rate: how many of `among`."},
        "among": COUNT,
        "low": {**NUMBER, "description": "The 95 % interval of a rate."},
        "high": NUMBER,
    },
    "required": ["value"],
    "additionalProperties": False,
}

FIGURE_SCHEMAS: dict[str, Json] = {
    "Figures": object_of(
        report=TEXT,
        from_=DATE,
        to=DATE,
        as_of={**or_null(TIME), "description": "What happened since is not counted yet; null: everything is."},
        counted={**or_null(COUNT), "description": "Only the newest so many messages were looked at; null: all."},
        sentences=list_of(TEXT),
        tables=list_of(
            object_of(
                name=TEXT,
                columns=list_of(
                    object_of(key=TEXT, title=TEXT, form={"enum": [form.value for form in Form]}, hint=TEXT)
                ),
                rows=list_of(list_of(CELL)),
            )
        ),
    ),
    "DomainFacts": object_of(
        facts=list_of(
            object_of(
                what={"enum": ["SPF", "DMARC", "DKIM"]},
                name=TEXT,
                record=TEXT,
                tone={"enum": ["good", "warn", "bad", "quiet"]},
                verdict=TEXT,
            )
        )
    ),
    "SuppressLine": {
        "type": "object",
        "properties": {
            "domain": TEXT,
            "class": {"enum": list(CLASSES)},
            "reason": {**TEXT, "description": "As the line of the table `reasons` has it."},
            "application": {**TEXT, "description": "Whose mail is kept off them; empty or left out: of all."},
        },
        "required": ["domain", "class", "reason"],
        "additionalProperties": False,
    },
    "LineSuppressed": object_of(suppressed=COUNT),
    "RecipientFigures": object_of(
        address=TEXT,
        states={
            "type": "object",
            "propertyNames": {"enum": [state.value for state in State]},
            "additionalProperties": COUNT,
        },
        opened=COUNT,
        clicked=COUNT,
        first_at=or_null(TIME),
        last_at=or_null(TIME),
        is_cut=FLAG,
        suppressions=list_of(ULID),
        sendings=list_of(
            object_of(
                message_id=ULID,
                delivery_id=ULID,
                received_at=TIME,
                application=TEXT,
                sender=TEXT,
                subject=TEXT,
                state={"enum": [state.value for state in State]},
                opened=FLAG,
                clicked=FLAG,
                reply=TEXT,
                complained_at=or_null(TIME),
                unsubscribed_at=or_null(TIME),
            )
        ),
        next=or_null(TEXT),
    ),
}
