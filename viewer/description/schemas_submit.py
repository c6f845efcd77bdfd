"""How a message handed in by HTTP looks, and the answer to it, as JSON Schema."""

from __future__ import annotations

from relay.model.delivery import State
from viewer.description.schemas import FLAG, TEXT, ULID, Json, list_of, object_of
from viewer.work.composing import MOST_FIELDS, MOST_TAGS

_MAILBOX: Json = {
    "anyOf": [
        {**TEXT, "description": "`ann@example.org` or `Ann <ann@example.org>`"},
        {
            "type": "object",
            "properties": {"name": TEXT, "address": TEXT},
            "required": ["address"],
            "additionalProperties": False,
        },
    ]
}
_MAILBOXES: Json = {"anyOf": [_MAILBOX, list_of(_MAILBOX)]}
_TEXTS: Json = {"type": "object", "additionalProperties": TEXT, "maxProperties": MOST_FIELDS}
_ATTACHMENT: Json = {
    "type": "object",
    "properties": {
        "filename": TEXT,
        "content": {**TEXT, "contentEncoding": "base64"},
        "content_type": {**TEXT, "description": "`application/octet-stream` without it"},
        "content_id": {**TEXT, "description": "Makes it one to be embedded in the HTML as `cid:…`"},
    },
    "additionalProperties": False,
}
SUBMIT_SCHEMAS: dict[str, Json] = {
    "NewMessage": {
        "type": "object",
        "properties": {
            "from": _MAILBOX,
            "to": _MAILBOXES,
            "cc": _MAILBOXES,
            "bcc": _MAILBOXES,
            "reply_to": _MAILBOXES,
            "sender": {**TEXT, "description": "Where bounces go; the address of `from` without it"},
            "subject": TEXT,
            "text": TEXT,
            "html": TEXT,
            "headers": {**_TEXTS, "description": "Header fields besides those that the other members make"},
            "attachments": list_of(_ATTACHMENT),
            "tags": {**list_of(TEXT), "maxItems": MOST_TAGS},
            "metadata": _TEXTS,
            "application": {**TEXT, "description": "Whose mail it is; for a person's token"},
            "priority": {"enum": ["urgent", "normal", "bulk"]},
            "send_at": {**TEXT, "description": "`2026-12-24T18:00:00Z` or `+2h`"},
        },
        "required": ["from"],
        "additionalProperties": False,
    },
    "Submitted": object_of(
        id=ULID,
        deliveries=list_of(object_of(id=ULID, recipient=TEXT, state={"enum": [state.value for state in State]})),
        is_repeated={**FLAG, "description": "The same request came before; nothing was sent again."},
    ),
}
