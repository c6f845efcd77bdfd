"""Reads of a content what routes may ask for: its header fields and the tags in them."""

from __future__ import annotations

from relay.archive.api import Archive
from relay.courier.routing import Heading
from relay.rendition.conventions import read_labels
from relay.rendition.decode import decode_field
from relay.rendition.mime import header_fields

MAX_FIELDS = 500


async def read_heading(archive: Archive, message_id: str) -> Heading:
    """The first chunk of the content is read, no more. Never fails because of what is in it. Raises ArchiveError."""
    async for chunk in archive.content_chunks(message_id):
        return heading_of(chunk)
    return Heading()


def heading_of(content: bytes) -> Heading:
    decoded = tuple((one.name, decode_field(one.value(content))) for one in header_fields(content)[:MAX_FIELDS])
    return Heading(decoded, frozenset(read_labels(decoded).tags))
