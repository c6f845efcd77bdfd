"""A message explained, in the description of the HTTP API: operations and schemas."""

from __future__ import annotations

from viewer.description.openapi_operation import Operation
from viewer.description.schemas import COUNT, FLAG, TEXT, TIME, Json, list_of, object_of, or_null, ref

_PATH = "/api/messages/{id}"

EXPLAINED_OPERATIONS = (
    Operation(
        "get", f"{_PATH}/headers", "Its header fields, each explained, and its way", "HeadersExplained", refusals=(404,)
    ),
    Operation(
        "get", f"{_PATH}/conversation", "How it came and went by SMTP, as kept", "Conversations", refusals=(404,)
    ),
    Operation("get", f"{_PATH}/calendar", "What its calendar parts say", "Calendars", refusals=(404,)),
    Operation("get", f"{_PATH}/related", "Messages that belong to it", "Related", refusals=(404,)),
)

EXPLAINED_SCHEMAS: dict[str, Json] = {
    "HeadersExplained": object_of(
        fields=list_of(
            object_of(
                name=TEXT,
                value=TEXT,
                meaning={**TEXT, "description": "What it is for; empty where that is not known."},
                items=list_of(object_of(name=TEXT, value=TEXT, meaning=TEXT)),
            )
        ),
        is_cut=FLAG,
        hops=list_of(
            object_of(
                **{"from": TEXT, "by": TEXT, "with": TEXT, "for": TEXT},
                at=or_null(TIME),
                seconds={**or_null({"type": "number"}), "description": "Since the step before."},
            )
        ),
    ),
    "Conversations": object_of(
        sessions=list_of(
            object_of(
                title=TEXT,
                at=TIME,
                is_open={**FLAG, "description": "No end of it is known."},
                lines=list_of(object_of(side={"enum": ["client", "server", "aside"]}, text=TEXT)),
            )
        )
    ),
    "Calendars": object_of(
        calendars=list_of(
            object_of(
                part=COUNT,
                method=TEXT,
                problem={**TEXT, "description": "Why nothing, or not all, can be told of it."},
                events=list_of(
                    object_of(
                        title=TEXT,
                        start={**TEXT, "description": "As the sender gave it, in words."},
                        end=TEXT,
                        start_at=or_null(TIME),
                        end_at=or_null(TIME),
                        place=TEXT,
                        organizer=TEXT,
                        attendees=list_of(object_of(name=TEXT, answer=TEXT)),
                        more_attendees=COUNT,
                        status=TEXT,
                        repeats=TEXT,
                        text=TEXT,
                        uid=TEXT,
                    )
                ),
            )
        )
    ),
    "Related": object_of(
        related=list_of(
            object_of(
                kind={"enum": ["resent", "thread", "reference", "mailing"]},
                q={**TEXT, "description": "A search that finds all of them; empty where none can."},
                has_more=FLAG,
                messages=list_of(ref("Listing")),
            )
        )
    ),
}
