"""The way through messages in the order of their dates, in windows, for searches that most messages answer.

FTS5 gives its hits by number, the grid wants them by date, and both orders are nearly the same. So hits are gathered
for the numbers that a stretch of dates has, and the stretches grow until the page is full: what stands at the top is
found at once, however many hits there are further down. A search that names dates is walked between them alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, func, select, tuple_
from sqlalchemy.ext.asyncio import AsyncConnection

from relay.archive import schema
from relay.archive.condition import HIGHEST, LOWEST

_message = schema.message.c
Key = tuple[Any, int]
"""(received_at, seq)"""
Span = tuple[int | None, int | None]
"""Dates [first, stop) in UTC microseconds; None: open on that side."""
ALWAYS: Span = (None, None)

FIRST = 2000
"""Messages of the first window."""
GROWTH = 8


@dataclass(frozen=True, slots=True)
class Window:
    """Messages dated from the walk's last place to `bound`, included; None: to the end. Their numbers are between."""

    bound: int | None
    lowest: int
    highest: int


async def walked(
    connection: AsyncConnection,
    statement: Select[Any],
    start: Key | None,
    *,
    is_descending: bool,
    wanted: int,
    span: Span = ALWAYS,
) -> list[Key]:
    """The first `wanted` rows (received_at, seq) of the statement, which is sorted by them, behind `start`.

    `span`: dates that the statement's messages are of, so that no others are looked at.
    """
    found: list[Key] = []
    place, reach = _first_place(start, span, is_descending=is_descending), FIRST
    end = span[0] if is_descending else span[1]
    while True:
        window = await _window(connection, place, end, reach, is_descending=is_descending)
        part = _behind(statement, place, is_descending=is_descending).limit(wanted - len(found))
        if window.bound is not None:
            edge = _message.received_at
            part = part.where(edge >= window.bound if is_descending else edge <= window.bound)
        numbers = {LOWEST: window.lowest, HIGHEST: window.highest}
        found += [(row[0], row[1]) for row in await connection.execute(part, numbers)]
        if window.bound is None or len(found) >= wanted:
            return found
        # Everything of that moment has been seen.
        place = (window.bound, -1 if is_descending else 2**63 - 1)
        reach *= GROWTH


def _first_place(start: Key | None, span: Span, *, is_descending: bool) -> Key | None:
    """Where the walk begins: at the cursor, or at the edge of the dates if that is further on."""
    edge = span[1] if is_descending else span[0]
    if edge is None:
        return start
    # Neither a message of that moment nor one before it in reading order: -1 is no number.
    place = (edge, -1)
    if start is None:
        return place
    return min(start, place) if is_descending else max(start, place)


def _behind(statement: Select[Any], place: Key | None, *, is_descending: bool) -> Select[Any]:
    if place is None:
        return statement
    key = tuple_(_message.received_at, _message.seq)
    return statement.where(key < tuple_(*place) if is_descending else key > tuple_(*place))


async def _window(
    connection: AsyncConnection, place: Key | None, end: int | None, reach: int, *, is_descending: bool
) -> Window:
    """The next `reach` messages, and all others of the last one's moment; none beyond `end`."""
    date = _message.received_at
    dates = _behind(select(date), place, is_descending=is_descending)
    if end is not None:
        dates = dates.where(date >= end if is_descending else date < end)
    order = (date.desc(), _message.seq.desc()) if is_descending else (date, _message.seq)
    bound = await connection.scalar(dates.order_by(*order).offset(reach - 1).limit(1))
    if bound is None and end is None:
        return Window(None, 0, 2**63 - 1)
    if bound is not None:
        inside = select(_message.seq).where(date >= bound if is_descending else date <= bound)
    else:
        inside = select(_message.seq).where(date >= end if is_descending else date < end)
    numbers = _behind(inside, place, is_descending=is_descending).subquery()
    row = (await connection.execute(select(func.min(numbers.c.seq), func.max(numbers.c.seq)))).one()
    # No message at all there: no number is both.
    return Window(bound, 1, 0) if row[0] is None else Window(bound, row[0], row[1])
