"""The audit history, read by its own indexes: what people did, among millions of events about mail. See `Deeds`.

A page for several kinds is put together from one page for each: every one is a walk along the index that stops.
"""

from __future__ import annotations

import heapq

from sqlalchemy import Select, select, text, tuple_
from sqlalchemy.ext.asyncio import AsyncConnection

from relay.archive import schema
from relay.archive.api.deletion import Deeds
from relay.archive.measuring import measured
from relay.archive.query import Query
from relay.archive.rows import EVENT_COLUMNS, Row, event_of
from relay.model.event import Event, Kind

_event, _message = schema.event.c, schema.message.c
_DEED = text(schema.DEED)
_AT = 2
"""The place of `at` in a row: after `seq` and `id`."""


async def deeds(
    connection: AsyncConnection, which: Deeds, before: tuple[int, int] | None, limit: int, query: Query | None
) -> list[tuple[int, Event]]:
    statement = _chosen(which, before).limit(limit)
    if query is not None:
        matching = select(_message.seq).where((await measured(connection, query)).condition())
        statement = statement.where(matching.where(_message.id == _event.message_id).correlate(schema.event).exists())
    pages = [await _rows(connection, statement, kind) for kind in sorted(which.kinds)] or [
        await _rows(connection, statement, None)
    ]
    newest = heapq.merge(*pages, key=lambda row: (row[_AT], row[0]), reverse=True)
    return [(row[0], event_of(row[1:])) for row, _ in zip(newest, range(limit), strict=False)]


async def _rows(connection: AsyncConnection, statement: Select[tuple[object, ...]], kind: Kind | None) -> list[Row]:
    if kind is not None:
        statement = statement.where(_event.kind == kind.value)
    return list((await connection.execute(statement)).all())


def _chosen(which: Deeds, before: tuple[int, int] | None) -> Select[tuple[object, ...]]:
    statement = select(_event.seq, *(_event[name] for name in EVENT_COLUMNS)).where(_DEED)
    if which.actor:
        statement = statement.where(_event.actor == which.actor)
    if which.message_id:
        statement = statement.where(_event.message_id == which.message_id)
    if which.since is not None:
        statement = statement.where(_event.at >= which.since)
    if which.until is not None:
        statement = statement.where(_event.at < which.until)
    if before is not None:
        statement = statement.where(tuple_(_event.at, _event.seq) < tuple_(*before))
    return statement.order_by(_event.at.desc(), _event.seq.desc())
