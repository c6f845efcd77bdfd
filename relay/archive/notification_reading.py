"""Selects that answer the reading methods about endpoints and notifications."""

from __future__ import annotations

import json
from typing import Any

from sqlalchemy import Select, case, func, select, tuple_
from sqlalchemy.ext.asyncio import AsyncConnection

from relay.archive import schema
from relay.archive.api.notification import Due, EndpointState, Fact, NotificationPage, NotificationRow
from relay.archive.notification import NOTIFICATION_COLUMNS, notification_of
from relay.archive.rows import EVENT_COLUMNS, Row, event_of
from relay.model.notification import Standing, Subject

_endpoint, _one, _event = schema.endpoint.c, schema.notification.c, schema.event.c
_message, _delivery, _listing = schema.message.c, schema.delivery.c, schema.listing.c
_COLUMNS = [_one[name] for name in NOTIFICATION_COLUMNS]
_FACT = [
    *(_event[name] for name in EVENT_COLUMNS),
    *(_message.application, _delivery.recipient, _message.sender, _listing.subject, _message.tags),
]
_ABOUT = (
    schema.event.outerjoin(schema.message, _message.id == _event.message_id)
    .outerjoin(schema.listing, _listing.seq == _message.seq)
    .outerjoin(schema.delivery, _delivery.id == _event.delivery_id)
)


async def endpoints(connection: AsyncConnection) -> list[EndpointState]:
    standing = {
        row[0]: row[1:]
        for row in await connection.execute(
            select(
                _one.endpoint,
                _counted(Standing.WAITING),
                _counted(Standing.FAILED),
                _counted(Standing.DELIVERED),
                func.min(case((_one.standing == Standing.WAITING.value, _one.created_at))),
                func.min(_one.due_at),
            ).group_by(_one.endpoint)
        )
    }
    columns = (_endpoint.delivered_at, _endpoint.error, _endpoint.error_at, _endpoint.gone_at)
    rows = await connection.execute(select(_endpoint.name, _endpoint.url, *columns).order_by(_endpoint.name))
    found = []
    for name, url, delivered_at, error, error_at, gone_at in rows:
        waiting, failed, delivered, oldest, due = standing.get(name, (0, 0, 0, None, None))
        found.append(
            EndpointState(name, url, waiting, failed, delivered, delivered_at, oldest, due, error, error_at, gone_at)
        )
    return found


def _counted(standing: Standing) -> Any:
    return func.count(case((_one.standing == standing.value, 1)))


async def cursors(connection: AsyncConnection) -> dict[str, int]:
    rows = await connection.execute(select(_endpoint.name, _endpoint.event_seq).where(_endpoint.gone_at.is_(None)))
    return {row[0]: row[1] for row in rows}


async def facts(connection: AsyncConnection, after: int, limit: int) -> list[Fact]:
    statement = select(_event.seq, *_FACT).select_from(_ABOUT).where(_event.seq > after)
    rows = await connection.execute(statement.order_by(_event.seq).limit(limit))
    return [_fact(row) for row in rows]


def _fact(row: Row) -> Fact:
    event = event_of(row[1 : 1 + len(EVENT_COLUMNS)])
    application, recipient, sender, subject, tags = row[1 + len(EVENT_COLUMNS) :]
    named = event.data.get("application")
    about = Subject(
        application if application is not None else named if isinstance(named, str) else "",
        recipient or "",
        sender or "",
        subject or "",
        tuple(json.loads(tags)) if tags else (),
    )
    return Fact(row[0], event, about)


async def due(connection: AsyncConnection, endpoint: str, now: int, limit: int) -> list[Due]:
    gone = select(_endpoint.gone_at).where(_endpoint.name == endpoint)
    if await connection.scalar(gone) is not None:
        return []
    statement = select(*_COLUMNS).where(_one.endpoint == endpoint, _one.due_at.is_not(None), _one.due_at <= now)
    rows = await connection.execute(statement.order_by(_one.due_at).limit(limit))
    found = [notification_of(row) for row in rows]
    numbers = [notification.event_seq for notification in found if notification.event_seq]
    about = select(_event.seq, *_FACT).select_from(_ABOUT).where(_event.seq.in_(numbers))
    known = {row[0]: _fact(row) for row in await connection.execute(about)}
    return [Due(notification, known.get(notification.event_seq)) for notification in found]


async def page(
    connection: AsyncConnection, endpoint: str, standing: Standing | None, cursor: str | None, limit: int
) -> NotificationPage:
    joined = schema.notification.outerjoin(schema.event, _event.seq == _one.event_seq).outerjoin(
        schema.delivery, _delivery.id == _event.delivery_id
    )
    statement: Select[Any] = (
        select(*_COLUMNS, _event.kind, _event.id, _event.message_id, _delivery.recipient)
        .select_from(joined)
        .where(_one.endpoint == endpoint)
        .order_by(_one.created_at.desc(), _one.id.desc())
    )
    if standing is not None:
        statement = statement.where(_one.standing == standing.value)
    if cursor is not None:
        statement = statement.where(tuple_(_one.created_at, _one.id) < tuple_(*_place(cursor)))
    rows = (await connection.execute(statement.limit(limit + 1))).all()
    found = tuple(NotificationRow(notification_of(row), *(value or "" for value in row[11:])) for row in rows[:limit])
    last = found[-1].notification if found else None
    return NotificationPage(found, f"{last.created_at}.{last.id}" if last and len(rows) > limit else None)


def _place(cursor: str) -> tuple[int, str]:
    at, dot, last = cursor.partition(".")
    if not dot or not at.isdecimal() or len(at) > 18 or len(last) > 64:
        raise ValueError("not a cursor")
    return int(at), last
