"""The way through messages in the order of their dates, in windows, for searches that most messages answer.

An index gives the members of a set by number, the grid wants them by date, and both orders are nearly the same
(`sections.py`). So members are gathered for a window of numbers and sorted by date; those stand where they do for good
that are before any date beyond the window. The first window reaches as far as it must if the orders are the same, the
others grow until the page is full: what stands at the top is found at once, however many members there are further
down. A search that names dates is walked between them alone.
"""

from __future__ import annotations

from math import ceil
from typing import Any

from sqlalchemy import Select, func, select, tuple_
from sqlalchemy.ext.asyncio import AsyncConnection

from relay.archive import schema
from relay.archive.members import Members
from relay.archive.sections import SIZE, window

_message = schema.message.c
Key = tuple[Any, int]
"""(received_at, seq)"""
Span = tuple[int | None, int | None]
"""Dates [first, stop) in UTC microseconds; None: open on that side."""
ALWAYS: Span = (None, None)

FIRST = 2000
"""Messages of the first window, where no set tells how far it should reach."""
GROWTH = 8
NEWEST = 2**63 - 1
"""No message has a higher number, or a later date."""
ALL = 2**40
"""More sections than any archive has."""
MOST_LED = 20_000
"""Members of a set by which it is told how far the first window should reach."""


async def walked(
    connection: AsyncConnection,
    statement: Select[Any],
    start: Key | None,
    *,
    is_descending: bool,
    wanted: int,
    span: Span = ALWAYS,
    leading: Members | None = None,
    others: float = 1.0,
) -> list[Key]:
    """The first `wanted` rows (received_at, seq) of the statement, which is sorted by them, behind `start`.

    The statement finds what has a number from LOWEST to HIGHEST and a date in `span`. `leading`: a set that they are
    all in, by which it is told how far the first window reaches if so much of it (`others`) is found.
    """
    place = _first_place(start, span, is_descending=is_descending)
    dates = _dates(place, span, is_descending=is_descending)
    reach = ceil(FIRST / SIZE)
    if leading is not None:
        # Of several sets half as many again: how they go together is not known.
        asked = min(ceil(wanted * (1.5 if others < 1 else 1) / others), MOST_LED)
        reach = await _led(connection, leading, place, asked, dates, is_descending=is_descending)
    number, found = NEWEST if is_descending else 0, list[Key]()
    part = _behind(statement, place, is_descending=is_descending).limit(wanted)
    while seen := await window(connection, number, reach, dates, is_descending=is_descending):
        more = [(row[0], row[1]) for row in await connection.execute(part, seen.bound)]
        found = sorted([*found, *more], reverse=is_descending)[:wanted]
        # Of the same date, those beyond come later by their numbers.
        edge, last = seen.edge, found[-1][0] if len(found) == wanted else None
        if edge is None or (last is not None and (last >= edge if is_descending else last <= edge)):
            break
        number = seen.lowest - 1 if is_descending else seen.highest + 1
        # As far again for as many again, and half as much to be sure.
        reach *= max(min(ceil(1.5 * (wanted - len(found)) / max(len(more), 1)), GROWTH), 1)
    return found


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


def _dates(place: Key | None, span: Span, *, is_descending: bool) -> tuple[int, int]:
    """The dates, both included, that messages behind the place may have."""
    first, stop = span
    earliest, latest = -NEWEST if first is None else first, NEWEST if stop is None else stop - 1
    if place is None:
        return earliest, latest
    return (earliest, min(place[0], latest)) if is_descending else (max(place[0], earliest), latest)


def _behind(statement: Select[Any], place: Key | None, *, is_descending: bool) -> Select[Any]:
    if place is None:
        return statement
    key = tuple_(_message.received_at, _message.seq)
    return statement.where(key < tuple_(*place) if is_descending else key > tuple_(*place))


async def _led(
    connection: AsyncConnection,
    leading: Members,
    place: Key | None,
    wanted: int,
    dates: tuple[int, int],
    *,
    is_descending: bool,
) -> int:
    """So many sections have the next `wanted` members, if messages have the same order by number as by date."""
    start = None if place is None else place[1]
    if start is not None and start < 0:
        # The edge of a day, and no message: somewhere in the section.
        nearest = await window(connection, NEWEST if is_descending else 0, 1, dates, is_descending=is_descending)
        start = None if nearest is None else nearest.highest if is_descending else nearest.lowest
    chosen = leading.chosen if leading.is_single else leading.chosen.distinct()
    order, first = (leading.seq, start) if leading.dated is None else (leading.dated, place and place[0])
    if first is not None:
        chosen = chosen.where(order <= first if is_descending else order >= first)
    chosen = chosen.order_by(order.desc() if is_descending else order).limit(wanted)
    members = chosen.subquery()
    last = func.min(members.c[0]) if is_descending else func.max(members.c[0])
    newest = select(func.max(_message.seq)).scalar_subquery()
    size, last_number, highest = (await connection.execute(select(func.count(), last, newest))).one()
    if size < wanted:
        return ALL
    if start is None:
        start = highest if is_descending else 0
    return int(abs(start // SIZE - last_number // SIZE)) + 1
