"""A search as one file, octet by octet: messages are read from the archive and written by a format's writer.

The formats are `relay.rendition.export`'s. Recording that an export is made is the caller's, before the first octet
leaves. The command line uses it as well.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable

from relay.archive.api import Archive, Listing, NotFound, Sort, StoredMessage
from relay.archive.query import Query
from relay.handover.entry import record_of
from relay.rendition.export import WRITERS, Writer, moment
from viewer.errors import FieldError
from viewer.message.discretion import require_originals
from viewer.translation import say

PAGE = 200
AT_ONCE = 8
"""Messages read together."""
SMALL = 64 * 1024
"""Octets of a content that is read and written in one go."""
PIECE = 256 * 1024
MOST = 10_000_000


async def export(
    archive: Archive, query: Query, writer: Writer, progress: Callable[[int], None] = lambda done: None
) -> AsyncIterator[bytes]:
    """The octets of the file: the matching messages in order of capture, but none captured after the call.

    `progress` is told the number of messages written so far.
    """
    number = 0
    waiting = bytearray()
    try:
        async for stored, content in matching(archive, query, wants_content=writer.wants_content):
            number += 1
            if stored.deletion is not None:
                waiting += writer.note(record_of(number, stored))
                progress(number)
                continue
            waiting += writer.begin(record_of(number, stored))
            if content is not None:
                waiting += writer.feed(content)
            elif writer.wants_content:
                async for piece in archive.content_chunks(stored.message.id):
                    waiting += await asyncio.to_thread(writer.feed, piece)
                    yield _taken(waiting)
            waiting += writer.end()
            progress(number)
            if len(waiting) >= PIECE:
                yield _taken(waiting)
        waiting += await asyncio.to_thread(writer.finish)
        yield _taken(waiting)
    finally:
        writer.abandon()


def _taken(waiting: bytearray) -> bytes:
    taken = bytes(waiting)
    waiting.clear()
    return taken


async def matching(
    archive: Archive, query: Query, *, wants_content: bool = False
) -> AsyncIterator[tuple[StoredMessage, bytes | None]]:
    """The messages that match, oldest first, up to the latest one captured before the call.

    With the content of small ones, if that is wanted; big ones are to be read in chunks.
    """
    last = (await archive.progress()).last
    cursor: str | None = None
    while True:
        page = await archive.search(query, sort=Sort("date", descending=False), cursor=cursor, limit=PAGE)
        rows = [row for row in page.rows if row.seq <= last]
        for start in range(0, len(rows), AT_ONCE):
            readings = (_read(archive, row, wants_content) for row in rows[start : start + AT_ONCE])
            for found in await asyncio.gather(*readings):
                if found is not None:
                    yield found
        cursor = page.next
        if cursor is None:
            return


async def _read(archive: Archive, row: Listing, wants_content: bool) -> tuple[StoredMessage, bytes | None] | None:
    """None for a message that has gone since it was listed."""
    try:
        stored = await archive.message(row.id)
        wants_it = wants_content and row.size <= SMALL and stored.deletion is None
        return stored, await archive.content(row.id) if wants_it else None
    except NotFound:
        return None


async def checked_count(archive: Archive, query: Query, form: str) -> int:
    """How many messages the export will have. Raises FieldError for a format that cannot hold them."""
    if form not in WRITERS:
        raise FieldError("format", say("must be one of %(known)s", known=", ".join(WRITERS)))
    if form != "csv":
        require_originals(archive)
    count = await archive.count(query, at_most=MOST)
    if form == "eml" and count != 1:
        raise FieldError("format", say("eml holds one message and %(count)s match; use zip or mbox", count=count))
    if form == "eml" and (await archive.search(query, limit=1)).rows[0].is_deleted:
        raise FieldError("format", say("the content of this message was deleted; csv tells what stays of it"))
    return count


def filename(now: int, form: str) -> str:
    """`mailwitness-20261124T134639Z.zip`."""
    return f"mailwitness-{moment(now):%Y%m%dT%H%M%SZ}.{form}"
