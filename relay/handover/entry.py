"""What an export says of one message: its row for people, and the line of the volume's list for programs."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

from relay.archive.api import Archive, StoredMessage
from relay.archive.api.export import Whole
from relay.archive.query import Query
from relay.model.deletion import Deletion
from relay.rendition.export import Record, moment

PAGE = 10_000
"""Messages found at once; of each only number and id are in memory."""
AT_ONCE = 50
"""Messages read together."""
SMALL = 64 * 1024
"""Octets of a content that is read in one go."""


async def found(archive: Archive, query: Query, since: int, until: int) -> AsyncIterator[Whole]:
    """Matching messages by order of capture, sequence numbers above `since` and up to `until`."""
    async for rows in _captured(archive, query, since, until):
        for start in range(0, len(rows), AT_ONCE):
            for one in await archive.whole([id_ for _, id_ in rows[start : start + AT_ONCE]], SMALL):
                yield one


async def number(archive: Archive, query: Query, since: int, until: int) -> int:
    """How many messages `found` will give, as far as is known now."""
    count = 0
    async for rows in _captured(archive, query, since, until):
        count += len(rows)
    return count


async def _captured(archive: Archive, query: Query, since: int, until: int) -> AsyncIterator[list[tuple[int, str]]]:
    while rows := await archive.captured(query, after=since, until=until, limit=PAGE):
        yield rows
        since = rows[-1][0]


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


def line_of(record: Record, one: Whole, volume: str, file: str) -> dict[str, Any]:
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
