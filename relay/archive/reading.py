"""Selects that answer the reading methods: contents, events, queue, people. A message whole: `whole.py`."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from sqlalchemy import func, select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from relay.archive import schema
from relay.archive.api import Gone, NotFound, QueueFacts
from relay.archive.api.reindexing import Progress
from relay.archive.cipher import frame_label, is_sealed
from relay.archive.measuring import measured
from relay.archive.query import Query
from relay.archive.readers import reader_of
from relay.archive.rows import EVENT_COLUMNS, event_of
from relay.archive.vault import KeyRow, Vault
from relay.model.delivery import State
from relay.model.event import Event

_message, _delivery, _event = schema.message.c, schema.delivery.c, schema.event.c
_HASH_AND_FRAMES = (
    "SELECT message.sha256, content.frame, data_key.master, data_key.wrapped FROM message "
    "JOIN content ON content.message_seq = message.seq LEFT JOIN data_key ON data_key.owner = message.id "
    "WHERE message.id = ? ORDER BY content.n"
)
_DUE = text("due_at IS NOT NULL AND state IN ('queued', 'deferred', 'unconfirmed')")
_AT_WORK = (State.QUEUED, State.SENDING, State.DEFERRED, State.UNCONFIRMED, State.HELD)


async def seq_and_sha256(connection: AsyncConnection, message_id: str) -> tuple[int, bytes]:
    """Raises NotFound."""
    row = (await connection.execute(select(_message.seq, _message.sha256).where(_message.id == message_id))).first()
    if row is None:
        raise NotFound(f"no message {message_id}")
    return row[0], row[1]


async def opened(connection: AsyncConnection, vault: Vault, owner: str, label: bytes, octets: bytes) -> bytes:
    """The octets, decrypted if they are encrypted. Raises ArchiveError."""
    if not is_sealed(octets):
        return octets
    key = schema.data_key.c
    row = (await connection.execute(select(key.master, key.wrapped).where(key.owner == owner))).one_or_none()
    return vault.opened(owner, None if row is None else (row[0], row[1]), label, octets)


async def hash_and_frames(connection: AsyncConnection, message_id: str) -> tuple[bytes, list[bytes], KeyRow | None]:
    """The recorded SHA-256 of one content, all its frames as kept, and their key if encrypted. Raises NotFound.

    One statement, straight to the driver: the courier reads every content that it sends, and SQLAlchemy costs more
    than the read.
    """
    rows, _ = await (await reader_of(connection)).execute(_HASH_AND_FRAMES, (message_id,))
    if not rows:
        await seq_and_sha256(connection, message_id)
        raise Gone(f"the content of {message_id} was deleted")
    sha256, _, master, wrapped = rows[0]
    return sha256, [row[1] for row in rows], None if master is None else (master, wrapped)


async def frame(connection: AsyncConnection, vault: Vault, seq: int, message_id: str, n: int) -> bytes | None:
    """One frame, decrypted. Raises ArchiveError: it cannot be opened as what it is, the last one or not."""
    content = schema.content.c
    octets = await connection.scalar(select(content.frame).where(content.message_seq == seq, content.n == n))
    if octets is None or not is_sealed(octets):
        return octets
    following = select(content.n).where(content.message_seq == seq, content.n == n + 1)
    is_last = await connection.scalar(following) is None
    return await opened(connection, vault, message_id, frame_label(n, is_last=is_last), octets)


async def events(
    connection: AsyncConnection, message_id: str | None, after: int, limit: int, query: Query | None = None
) -> list[tuple[int, Event]]:
    statement = select(_event.seq, *(_event[name] for name in EVENT_COLUMNS)).where(_event.seq > after)
    if message_id is not None:
        statement = statement.where(_event.message_id == message_id)
    if query is not None:
        matching = select(_message.seq).where((await measured(connection, query)).condition())
        statement = statement.where(matching.where(_message.id == _event.message_id).correlate(schema.event).exists())
    rows = await connection.execute(statement.order_by(_event.seq).limit(limit))
    return [(row[0], event_of(row[1:])) for row in rows]


async def is_any_expired(connection: AsyncConnection, now: int) -> bool:
    found = select(_delivery.id).where(_DUE, _delivery.expires_at <= now).limit(1)
    return await connection.scalar(found) is not None


async def queue_facts(connection: AsyncConnection) -> QueueFacts:
    counted = select(_delivery.state, func.count()).where(_delivery.state.in_(_AT_WORK)).group_by(_delivery.state)
    depth = {State(state): count for state, count in await connection.execute(counted)}
    oldest = select(func.min(_delivery.created_at)).where(_DUE)
    return QueueFacts(depth, await connection.scalar(oldest))


async def unindexed(connection: AsyncConnection, limit: int) -> list[tuple[int, str, int]]:
    queue = schema.index_queue
    statement = select(_message.seq, _message.id, _message.size).select_from(
        queue.join(schema.message, queue.c.seq == _message.seq)
    )
    rows = await connection.execute(statement.order_by(queue.c.seq).limit(limit))
    return [(row[0], row[1], row[2]) for row in rows]


ENDS = select(
    select(func.max(_message.seq)).scalar_subquery(), select(func.min(schema.index_queue.c.seq)).scalar_subquery()
)
"""The newest message, and the first that waits to be read."""


async def progress(connection: AsyncConnection) -> Progress:
    return progress_of((await connection.execute(ENDS)).one())


def progress_of(ends: Sequence[Any]) -> Progress:
    """Of the row of `ENDS`."""
    newest, first_waiting = ends
    last = newest or 0
    return Progress(last, last if first_waiting is None else first_waiting - 1)


async def setting(connection: AsyncConnection, key: str) -> Any:
    value = await connection.scalar(select(schema.setting.c.value).where(schema.setting.c.key == key))
    return None if value is None else json.loads(value)
