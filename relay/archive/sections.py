"""Sections of the archive, of `SIZE` numbers each, with the first and the last date in each.

Messages are numbered as they come and stand in the grid by date. Both orders are nearly the same, but for what was
imported, and where a clock was wrong. Sections say how far they differ, exactly and at little cost: a look at one row
for five hundred messages tells which numbers may have a date, and which dates no other number has. A trigger keeps
them when a message is written; dates never change and messages never go.
"""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncConnection

from relay.archive.members import EARLIEST, HIGHEST, LATEST, LOWEST
from relay.archive.readers import reader_of

SIZE = 512
"""Numbers in a section: section 0 has those from 0 to 511. The trigger has this number too."""

_DATED = "first_at <= :latest AND last_at >= :earliest"
_DOWN = f"""
    WITH top (number) AS (SELECT max(number) FROM section WHERE number <= :start AND {_DATED})
    SELECT number - :reach + 1, number, (
        SELECT max(min(last_at, :latest)) FROM section WHERE number <= top.number - :reach AND {_DATED}
    ) FROM top
"""
_UP = f"""
    WITH bottom (number) AS (SELECT min(number) FROM section WHERE number >= :start AND {_DATED})
    SELECT number, number + :reach - 1, (
        SELECT min(max(first_at, :earliest)) FROM section WHERE number >= bottom.number + :reach AND {_DATED}
    ) FROM bottom
"""


_DATES = "SELECT min(first_at), max(last_at) FROM section WHERE number BETWEEN ? AND ?"


@dataclass(frozen=True, slots=True)
class Window:
    """Numbers from `lowest` to `highest`. `edge`: the date which those beyond are not behind; None: there are none.
    `bound`: what a statement is to be given (`members.py`)."""

    lowest: int
    highest: int
    edge: int | None
    bound: dict[str, int]


async def window(
    connection: AsyncConnection, start: int, reach: int, dates: tuple[int, int], *, is_descending: bool
) -> Window | None:
    """The next `reach` sections from number `start` on, from where the first is that may have these dates, both
    included; None where none is. Descending: lower numbers are beyond, and have no date of these above `edge`."""
    given = {"start": start // SIZE, "reach": reach, "earliest": dates[0], "latest": dates[1]}

    def asked(database: sqlite3.Connection) -> Window | None:
        first, last, edge = database.execute(_DOWN if is_descending else _UP, given).fetchone()
        if first is None:
            return None
        lowest, highest = max(first, 0) * SIZE, (last + 1) * SIZE - 1
        return Window(lowest, highest, edge, bound(database, lowest, highest))

    return await (await reader_of(connection)).ask(asked)


def bound(database: sqlite3.Connection, lowest: int, highest: int) -> dict[str, int]:
    """What a statement is to be given that gathers sets within these numbers."""
    earliest, latest = database.execute(_DATES, (lowest // SIZE, highest // SIZE)).fetchone()
    # No message: none of any date.
    dates = {EARLIEST: earliest, LATEST: latest} if earliest is not None else {EARLIEST: 1, LATEST: 0}
    return {LOWEST: lowest, HIGHEST: highest, **dates}
