"""What an export says of one message: its row for people, and the line of the volume's list for programs."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

from relay.archive.api import Archive, Gone, Listing, NotFound, StoredMessage
from relay.archive.query import Query
from relay.model.deletion import Deletion
from relay.rendition.export import Record, moment

PAGE = 200
AT_ONCE = 8
"""Messages read together."""
SMALL = 64 * 1024
"""Octets of a content that is read in one go."""


@dataclass(frozen=True, slots=True)
class Found:
    """A message to be exported. `leaf`: index of its first fact in the log, None where it has none.

    `content`: the octets of a small one; None: to be read in chunks, or deleted.
    """

    stored: StoredMessage
    leaf: int | None
    content: bytes | None


async def found(archive: Archive, query: Query, since: int, until: int) -> AsyncIterator[Found]:
    """Matching messages by order of capture, sequence numbers above `since` and up to `until`."""
    while True:
        rows = [row for row in await archive.newer(query, since, PAGE) if row.seq <= until]
        for start in range(0, len(rows), AT_ONCE):
            for one in await asyncio.gather(*(_read(archive, row) for row in rows[start : start + AT_ONCE])):
                if one is not None:
                    yield one
        if len(rows) < PAGE:
            return
        since = rows[-1].seq


async def number(archive: Archive, query: Query, since: int, until: int) -> int:
    """How many messages `found` will give, as far as is known now."""
    count = 0
    while True:
        rows = [row for row in await archive.newer(query, since, PAGE) if row.seq <= until]
        count += len(rows)
        if len(rows) < PAGE:
            return count
        since = rows[-1].seq


async def _read(archive: Archive, row: Listing) -> Found | None:
    """None for a message that has gone since it was listed."""
    try:
        stored = await archive.message(row.id)
        # The leaf of an event is one less than its number (`api/ledger.py`); reading the leaves would open them all.
        events = await archive.events(message_id=row.id, limit=1)
        is_small = row.size <= SMALL and stored.deletion is None
        content = await archive.content(row.id) if is_small else None
    except Gone:
        return await _read(archive, row)
    except NotFound:
        return None
    return Found(stored, events[0][0] - 1 if events else None, content)


def record_of(number: int, stored: StoredMessage) -> Record:
    """`number` counts from 1 within the export."""
    message, summary = stored.message, stored.summary
    states = sorted({delivery.state.value for delivery in stored.deliveries})
    return Record(
        number=number,
        id=message.id,
        received_at=message.received_at,
        sender=message.envelope.sender,
        author=", ".join(str(author) for author in summary.senders) if summary else "",
        recipients=tuple(recipient.address for recipient in message.envelope.recipients),
        subject=summary.subject if summary else "",
        application=message.application,
        status=", ".join(states),
        references=tuple(reference.code for reference in summary.references) if summary else (),
        tags=stored.tags,
        attachment_count=summary.attachment_count if summary else 0,
        size=message.size,
        sha256=message.sha256.hex(),
        header_message_id=summary.header_message_id if summary else "",
        parent_id=message.parent_id or "",
        deleted=_told(stored.deletion) if stored.deletion else "",
    )


def _told(deletion: Deletion) -> str:
    """`2026-11-24T13:46:39+00:00 user:anna: asked by the customer`."""
    return f"{moment(deletion.at).isoformat(timespec='seconds')} {deletion.by}: {deletion.reason}"


def line_of(record: Record, one: Found, volume: str, file: str) -> dict[str, Any]:
    """The message as the list of a volume has it; canonical JSON can say all of it.

    `file`: name of its content, '' where it was deleted; `volume`: the file or folder that this is in.
    """
    sent = [
        {"attempt": attempt.id, "sha256": attempt.wire_sha256.hex(), "size": attempt.wire_size}
        for attempt in one.stored.attempts
    ]
    return {
        "id": record.id,
        "at": record.received_at,
        "date": moment(record.received_at).isoformat(timespec="microseconds"),
        "sender": _plain(record.sender),
        "recipients": [_plain(recipient) for recipient in record.recipients],
        "subject": _plain(record.subject),
        "message_id": _plain(record.header_message_id),
        "application": record.application,
        "sha256": record.sha256,
        "size": record.size,
        "sent": sent,
        "leaf": one.leaf,
        "volume": volume,
        "file": "" if record.deleted else file,
        "deleted": _plain(record.deleted),
    }


def _plain(text: str) -> str:
    """Without halves of characters, which no JSON can say."""
    return text.encode("utf-8", "replace").decode()
