"""Selects over what waits: pages, counts, groups. See `api/waiting.py`.

Theory: the index `delivery_state` is ordered by (state, message, row), so one state is read in the order of capture
from any place on without sorting. A page over several states reads each so far as one page may need, then merges.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from heapq import merge
from typing import Any

from sqlalchemy import ColumnElement, Select, func, literal_column, select, tuple_
from sqlalchemy.ext.asyncio import AsyncConnection

from relay.archive import schema
from relay.archive.api.waiting import EVERYTHING, WAITING_STATES, WaitingFilter, WaitingGroup, WaitingPage, WaitingRow
from relay.archive.measuring import measured
from relay.archive.query import Query
from relay.archive.rows import DELIVERY_COLUMNS, delivery_of
from relay.model.delivery import State

_message, _listing, _delivery = schema.message.c, schema.listing.c, schema.delivery.c
_row: ColumnElement[int] = literal_column("delivery.rowid")
_upstream = func.coalesce(_delivery.wanted_upstream, _delivery.upstream, "")
_COLUMNS = (
    _delivery.message_seq,
    _row,
    _message.id,
    _message.application,
    _message.sender,
    func.coalesce(_listing.subject, ""),
    *(_delivery[name] for name in DELIVERY_COLUMNS),
)
_JOINED = schema.delivery.join(schema.message, _message.seq == _delivery.message_seq).outerjoin(
    schema.listing, _listing.seq == _delivery.message_seq
)
LIMIT = 1000
"""The most rows of one page."""


async def page(connection: AsyncConnection, wanted: WaitingFilter, cursor: str | None, limit: int) -> WaitingPage:
    """Raises ValueError for a limit that is not 1 to LIMIT, or what is not a cursor."""
    if not 1 <= limit <= LIMIT:
        raise ValueError(f"a page has 1 to {LIMIT} rows")
    place = None if cursor is None else _decoded(cursor)
    conditions = await _conditions(connection, wanted)
    found: list[list[Any]] = []
    for state in wanted.states or WAITING_STATES:
        statement = select(*_COLUMNS).select_from(_JOINED).where(_delivery.state == state.value, *conditions)
        if place is not None:
            statement = statement.where(tuple_(_delivery.message_seq, _row) > tuple_(*place))
        ordered = statement.order_by(_delivery.message_seq, _row).limit(limit + 1)
        found.append(list(await connection.execute(ordered)))
    rows = list(merge(*found, key=lambda row: (row[0], row[1])))
    shown = rows[:limit]
    next_ = _encoded(shown[-1][0], shown[-1][1]) if len(rows) > limit else None
    return WaitingPage(tuple(map(_waiting, shown)), next_)


async def count(connection: AsyncConnection, wanted: WaitingFilter, at_most: int) -> int:
    conditions = await _conditions(connection, wanted)
    joined = schema.delivery.join(schema.message, _message.seq == _delivery.message_seq)
    chosen = select(_delivery.message_seq).select_from(joined).where(_in(wanted.states), *conditions)
    limited = chosen.limit(max(at_most, 0)).subquery()
    return int((await connection.execute(select(func.count()).select_from(limited))).scalar_one())


async def groups(connection: AsyncConnection, query: Query) -> list[WaitingGroup]:
    lane = func.coalesce(_delivery.lane, "")
    statement: Select[Any] = (
        select(lane, _upstream, _delivery.state, func.count(), func.min(_delivery.created_at), _next_due())
        .where(_in(()), *await _of_messages(connection, query))
        .group_by(lane, _upstream, _delivery.state)
        .order_by(lane, _upstream, _delivery.state)
    )
    return [
        WaitingGroup(name, upstream, State(state), number, oldest, due)
        for name, upstream, state, number, oldest, due in await connection.execute(statement)
    ]


async def of(connection: AsyncConnection, delivery_ids: Sequence[str]) -> list[WaitingRow]:
    found: dict[str, WaitingRow] = {}
    for start in range(0, len(delivery_ids), LIMIT):
        some = delivery_ids[start : start + LIMIT]
        statement = select(*_COLUMNS).select_from(_JOINED).where(_delivery.id.in_(some), _in(()))
        found |= {row.delivery.id: row for row in map(_waiting, await connection.execute(statement))}
    return [found[delivery_id] for delivery_id in dict.fromkeys(delivery_ids) if delivery_id in found]


def _next_due() -> ColumnElement[int | None]:
    return func.min(_delivery.due_at)


def _in(states: Sequence[State]) -> ColumnElement[bool]:
    return _delivery.state.in_([state.value for state in states or WAITING_STATES])


async def _conditions(connection: AsyncConnection, wanted: WaitingFilter) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    if wanted.lane:
        conditions.append(_delivery.lane == wanted.lane)
    if wanted.upstream:
        conditions.append(_upstream == wanted.upstream)
    if wanted.application:
        conditions.append(_message.application == wanted.application)
    if wanted.domain:
        domain = wanted.domain.lower()
        conditions.append(func.lower(func.substr(_delivery.recipient, -len(domain) - 1)) == f"@{domain}")
    if wanted.query != EVERYTHING:
        conditions.append((await measured(connection, wanted.query)).condition())
    return conditions


async def _of_messages(connection: AsyncConnection, query: Query) -> list[ColumnElement[bool]]:
    """That the delivery is of a matching message, which the statement need not have joined."""
    if query == EVERYTHING:
        return []
    matching = select(_message.seq).where((await measured(connection, query)).condition())
    return [matching.where(_message.seq == _delivery.message_seq).correlate(schema.delivery).exists()]


def _waiting(row: Any) -> WaitingRow:
    return WaitingRow(delivery_of(row[6:], row[2]), row[3], row[4], row[5])


def _encoded(seq: int, row: int) -> str:
    return base64.urlsafe_b64encode(json.dumps([seq, row]).encode()).decode("ascii").rstrip("=")


def _decoded(cursor: str) -> tuple[int, int]:
    try:
        fields = json.loads(base64.urlsafe_b64decode(cursor.encode("ascii") + b"=" * (-len(cursor) % 4)))
    except (ValueError, RecursionError) as error:
        raise ValueError("not a cursor") from error
    match fields:
        case [int(seq), int(row)] if all(type(one) is int and 0 <= one < 2**63 for one in fields):
            return seq, row
    raise ValueError("not a cursor of the queue")
