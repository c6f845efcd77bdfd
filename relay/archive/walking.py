"""The way through messages in the order of their dates, in windows, for searches that most messages answer.

An index gives the members of a set by number, the grid wants them by date, and both orders are nearly the same. So
members are gathered for the numbers that a stretch of dates has. The first stretch reaches as far as it must if the
orders are the same, the others grow until the page is full: what stands at the top is found at once, however many
members there are further down. A search that names dates is walked between them alone.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import ceil, prod
from typing import Any

from sqlalchemy import Select, func, select, tuple_
from sqlalchemy.ext.asyncio import AsyncConnection

from relay.archive import schema
from relay.archive.condition import HIGHEST, LOWEST, Members

_message = schema.message.c
Key = tuple[Any, int]
"""(received_at, seq)"""
Span = tuple[int | None, int | None]
"""Dates [first, stop) in UTC microseconds; None: open on that side."""
ALWAYS: Span = (None, None)

FIRST = 2000
"""Messages of the first window, where no set tells how far it should reach."""
GROWTH = 8
MOST_LED = 20_000
"""Members of a set by which it is told how far the first window should reach."""


@dataclass(frozen=True, slots=True)
class Window:
    """Messages dated from the walk's last place to `bound`, included; None: to the end. So many (0: not counted), with
    numbers between the two."""

    bound: int | None
    lowest: int
    highest: int
    messages: int = 0


async def walked(
    connection: AsyncConnection,
    statement: Callable[[], Select[Any]],
    start: Key | None,
    *,
    is_descending: bool,
    wanted: int,
    span: Span = ALWAYS,
    leading: Sequence[Members] = (),
) -> list[Key]:
    """The first `wanted` rows (received_at, seq) of the statement, which is sorted by them, behind `start`.

    `span`: dates that the statement's messages are of, so that no others are looked at. `leading`: sets that they are
    all in, each with its share. The rarest tells how far the first window should reach; what it has there is visited.
    """
    found: list[Key] = []
    place, reach = _first_place(start, span, is_descending=is_descending), FIRST
    end = span[0] if is_descending else span[1]
    bound = await _led(connection, leading, place, wanted, is_descending=is_descending) if leading else None
    rarest = min(leading, key=_share) if bound is not None else None
    while True:
        if bound is None:
            bound = await _bound(connection, place, end, reach, is_descending=is_descending)
        window = await _window(connection, place, end, bound, is_descending=is_descending)
        part = _behind(_visiting(statement, rarest), place, is_descending=is_descending).limit(wanted - len(found))
        rarest = None
        if window.bound is not None:
            edge = _message.received_at
            part = part.where(edge >= window.bound if is_descending else edge <= window.bound)
        numbers = {LOWEST: window.lowest, HIGHEST: window.highest}
        more = [(row[0], row[1]) for row in await connection.execute(part, numbers)]
        found += more
        if window.bound is None or len(found) >= wanted:
            return found
        # Everything of that moment has been seen.
        place, bound = (window.bound, -1 if is_descending else 2**63 - 1), None
        # As far again for as many again, and half as much to be sure.
        growth = min(ceil(1.5 * (wanted - len(found)) / max(len(more), 1)), GROWTH)
        reach = max(reach, window.messages) * growth


def _share(members: Members) -> float:
    return members.share


def _visiting(statement: Callable[[], Select[Any]], members: Members | None) -> Select[Any]:
    """The statement that visits what the set has in the window, instead of looking whether each message is in it."""
    if members is None:
        return statement()
    members.is_visited = True
    try:
        return statement()
    finally:
        members.is_visited = False


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


async def _bound(
    connection: AsyncConnection, place: Key | None, end: int | None, reach: int, *, is_descending: bool
) -> int | None:
    """The date of the `reach`-th message from there; None if there are not so many before `end`."""
    date = _message.received_at
    dates = _behind(select(date), place, is_descending=is_descending)
    if end is not None:
        dates = dates.where(date >= end if is_descending else date < end)
    order = (date.desc(), _message.seq.desc()) if is_descending else (date, _message.seq)
    found: int | None = await connection.scalar(dates.order_by(*order).offset(reach - 1).limit(1))
    return found


async def _led(
    connection: AsyncConnection, leading: Sequence[Members], place: Key | None, wanted: int, *, is_descending: bool
) -> int | None:
    """The date where the window would be full if dates and numbers had the same order, by the set with the fewest.

    None where that is not behind `place`.
    """
    rarest, *others = sorted(leading, key=_share)
    # Of several sets half as many again: how they go together is not known.
    number = min(ceil(wanted * (1.5 if others else 1) / prod(one.share for one in others)), MOST_LED)
    chosen = rarest.chosen if rarest.is_text else rarest.chosen.distinct()
    if place is not None:
        last = await _number_at(connection, place, is_descending=is_descending)
        chosen = chosen.where(rarest.seq < last if is_descending else rarest.seq > last)
    chosen = chosen.order_by(rarest.seq.desc() if is_descending else rarest.seq).limit(number)
    date = _message.received_at
    farthest = select(func.min(date) if is_descending else func.max(date)).where(_message.seq.in_(chosen))
    found: int | None = await connection.scalar(farthest)
    if found is None or place is None:
        return found
    return found if (found <= place[0] if is_descending else found >= place[0]) else None


async def _number_at(connection: AsyncConnection, place: Key, *, is_descending: bool) -> int:
    """The number from which on, in the direction of reading, messages are about as old as there."""
    date, seq = place
    if seq >= 0:
        return seq
    # The edge of a day, and no message.
    numbers = select(_message.seq).limit(1)
    if is_descending:
        before = numbers.where(_message.received_at < date).order_by(_message.received_at.desc(), _message.seq.desc())
        return int(await connection.scalar(before) or 0) + 1
    after = numbers.where(_message.received_at >= date).order_by(_message.received_at, _message.seq)
    return int(await connection.scalar(after) or 2**63 - 1) - 1


async def _window(
    connection: AsyncConnection, place: Key | None, end: int | None, bound: int | None, *, is_descending: bool
) -> Window:
    """From the place to `bound`, and all others of that moment; none beyond `end`."""
    date = _message.received_at
    if bound is not None and end is not None and (bound < end if is_descending else bound >= end):
        bound = None
    if bound is None and end is None:
        return Window(None, 0, 2**63 - 1)
    if bound is not None:
        inside = select(_message.seq).where(date >= bound if is_descending else date <= bound)
    else:
        inside = select(_message.seq).where(date >= end if is_descending else date < end)
    numbers = _behind(inside, place, is_descending=is_descending).subquery()
    ends = select(func.min(numbers.c.seq), func.max(numbers.c.seq), func.count())
    lowest, highest, messages = (await connection.execute(ends.select_from(numbers))).one()
    # No message at all there: no number is both.
    return Window(bound, 1, 0) if lowest is None else Window(bound, lowest, highest, messages)
