"""How many messages match: exactly where that is quick, else an estimate from the newest ones.

Counted in windows of numbers, newest first, that grow: what has been counted when time is up stands for the rest.
"""

from __future__ import annotations

from dataclasses import dataclass
from time import monotonic

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from relay.archive import schema
from relay.archive.api import Estimate
from relay.archive.condition import HIGHEST, LOWEST, Translation
from relay.archive.query import And, Query
from relay.archive.search import measured

_message = schema.message.c
FIRST = 5000
GROWTH = 3


@dataclass(slots=True)
class _Tally:
    found: int
    seen: int
    """Numbers that were looked at, of `total`."""
    total: int

    @property
    def guess(self) -> int:
        """What the whole has if it is like the part that was seen, in two figures."""
        number = self.found * self.total // max(self.seen, 1)
        unit = int(10 ** max(len(str(number)) - 2, 0))
        return max(round(number / unit) * unit, self.found)


async def count(connection: AsyncConnection, query: Query, at_most: int) -> int:
    tally = await _tally(connection, query, at_most, None)
    return min(tally.found, max(at_most, 0))


async def estimate(connection: AsyncConnection, query: Query, at_most: int, seconds: float) -> Estimate:
    tally = await _tally(connection, query, at_most, monotonic() + seconds)
    is_exact = tally.seen >= tally.total
    return Estimate(tally.found if is_exact else tally.guess, is_exact)


async def _tally(connection: AsyncConnection, query: Query, at_most: int, until: float | None) -> _Tally:
    """Stops when more than `at_most` were found or at `until`; then `seen` is below `total`."""
    total = await connection.scalar(select(func.max(_message.seq))) or 0
    if query.root == And(()):
        # Messages are numbered without gaps and never go.
        return _Tally(total, total, total)
    translation = await measured(connection, query)
    if len(translation.members) == 1 and translation.condition == translation.members[0].condition:
        # One set and nothing else is counted as it is. A message is in it once for each of its deliveries.
        inner = translation.members[0].chosen.distinct().limit(max(at_most, 0) + 1).subquery()
        found = await connection.scalar(select(func.count()).select_from(inner)) or 0
        if found <= at_most or until is None:
            return _Tally(found, total, total)
    return await _in_windows(connection, translation, total, at_most, until)


async def _in_windows(
    connection: AsyncConnection, translation: Translation, total: int, at_most: int, until: float | None
) -> _Tally:
    statement = select(func.count()).select_from(schema.message).where(translation.condition())
    tally, top, reach = _Tally(0, 0, total), total, FIRST
    while top > 0:
        lowest = max(top - reach, 0)
        part = statement.where(_message.seq > lowest, _message.seq <= top)
        tally.found += await connection.scalar(part, {LOWEST: lowest + 1, HIGHEST: top}) or 0
        tally.seen = total - lowest
        top, reach = lowest, reach * GROWTH
        if top and (tally.found > at_most or (until is not None and monotonic() >= until)):
            break
    return tally
