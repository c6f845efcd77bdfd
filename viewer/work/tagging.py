"""Tags that people give: what a tag may be, and putting it on a message. For many messages: `bulk_kinds.py`."""

from __future__ import annotations

import re
from collections.abc import Sequence

from aiohttp import web

from relay.model.event import Kind
from viewer.errors import FieldError
from viewer.journal import deed
from viewer.security import archive_of
from viewer.translation import say

TAG = re.compile(r"[^\s,\"\x00-\x1f\x7f][^,\"\x00-\x1f\x7f]{0,99}")
MOST_TAGS = 20
"""Put on or taken off in one go."""


def tags_in(field: str, text: str) -> tuple[str, ...]:
    """`billing, vip` -> ("billing", "vip"). Raises FieldError."""
    return checked(field, text.split(","))


def checked(field: str, values: Sequence[str]) -> tuple[str, ...]:
    """Raises FieldError."""
    tags = tuple(dict.fromkeys(tag.strip() for tag in values if tag.strip()))
    if len(tags) > MOST_TAGS or not all(TAG.fullmatch(tag) for tag in tags):
        raise FieldError(
            field,
            say(
                "at most %(most_tags)s tags of 1 to 100 characters, without commas and quotation marks",
                most_tags=MOST_TAGS,
            ),
        )
    return tags


async def change(request: web.Request, message_id: str, add: Sequence[str], remove: Sequence[str]) -> bool:
    """True if the message's tags are others now; after commit. Raises NotFound, FieldError for nothing to do."""
    if not add and not remove:
        raise FieldError("add", say("name at least one tag to put on or to take off"))
    event = deed(request, Kind.TAGGED, message_id, added=list(add), removed=list(remove))
    return bool(await archive_of(request).change_tags([message_id], add, remove, [event]))
