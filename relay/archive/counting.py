"""How many messages match: exactly where that is quick, else an estimate from the newest ones.

Of words that are in much of the newest mail it is known how much, without counting (`measuring.py`). Everything else
is counted in windows of numbers, newest first, that grow: what was counted when time is up stands for the rest.
"""

from __future__ import annotations

from dataclasses import dataclass
from time import monotonic

from sqlalchemy import Select, func, select
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection

from relay.archive import schema
from relay.archive.api import Estimate
from relay.archive.condition import HIGHEST, LOWEST, Translation
from relay.archive.measuring import measured
from relay.archive.query import And, Query
from relay.archive.readers import is_interrupted, limited

_message = schema.message.c
FIRST = 5000
GROWTH = 3
SURELY = 3
"""A share that tells of so many times what may be counted exactly is told without counting."""


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
    total, translation = await _prepared(connection, query)
    if translation is None:
        return min(total, max(at_most, 0))
    counting = _at_once(translation, at_most)
    if counting is not None:
        found: int = await connection.scalar(counting) or 0
    else:
        tally = await _in_windows(connection, translation, total, at_most, None)
        found = tally.found
    return min(found, max(at_most, 0))


async def estimate(connection: AsyncConnection, query: Query, at_most: int, seconds: float) -> Estimate:
    total, translation = await _prepared(connection, query)
    if translation is None:
        return Estimate(total, is_exact=True)
    counting, until = _at_once(translation, at_most), monotonic() + seconds
    if counting is not None:
        share = translation.members[0].share if translation.members else 0.0
        if share * total > SURELY * at_most:
            return Estimate(_Tally(round(share * total), total, total).guess, is_exact=False)
        found = await _within(connection, counting, seconds)
        if found is not None and found <= at_most:
            return Estimate(found, is_exact=True)
        if share:
            return Estimate(_Tally(round(share * total), total, total).guess, is_exact=False)
    tally = await _in_windows(connection, translation, total, at_most, until)
    is_exact = tally.seen >= tally.total
    return Estimate(tally.found if is_exact else tally.guess, is_exact)


async def _prepared(connection: AsyncConnection, query: Query) -> tuple[int, Translation | None]:
    """How many messages there are, and what is to be counted of them; None: all."""
    # Messages are numbered without gaps and never go.
    total = await connection.scalar(select(func.max(_message.seq))) or 0
    return total, None if query.root == And(()) else await measured(connection, query)


def _at_once(translation: Translation, at_most: int) -> Select[int] | None:
    """Counts to one more than `at_most` what is one set and nothing else, or no set at all; None where it is neither.

    A message is in a set once for each of its deliveries.
    """
    if not translation.members:
        chosen = select(_message.seq).where(translation.condition())
    elif len(translation.members) == 1 and translation.condition == translation.members[0].condition:
        members = translation.members[0]
        chosen = members.chosen if members.is_text else members.chosen.distinct()
    else:
        return None
    return select(func.count()).select_from(chosen.limit(max(at_most, 0) + 1).subquery())


async def _in_windows(
    connection: AsyncConnection, translation: Translation, total: int, at_most: int, until: float | None
) -> _Tally:
    """Stops when more than `at_most` were found or at `until`; then `seen` is below `total`."""
    counted = select(func.count()).select_from(schema.message).where(translation.condition())
    # By number: an index would visit all that it has, for each window.
    counted = counted.with_hint(schema.message, "NOT INDEXED", "sqlite")
    tally, top, reach = _Tally(0, 0, total), total, FIRST
    while top > 0 and tally.found <= at_most:
        lowest = max(top - reach, 0)
        part = counted.where(_message.seq > lowest, _message.seq <= top).params({LOWEST: lowest + 1, HIGHEST: top})
        # The first stands for all, if need be.
        left = max(until - monotonic(), 0.0) if until is not None and tally.seen else None
        found = await _within(connection, part, left)
        if found is None:
            break
        tally.found += found
        tally.seen = total - lowest
        top, reach = lowest, reach * GROWTH
    return tally


async def _within(connection: AsyncConnection, statement: Select[int], seconds: float | None) -> int | None:
    """The number; None if the time was not enough to count it."""
    try:
        async with limited(connection, seconds):
            return await connection.scalar(statement) or 0
    except DBAPIError as error:
        if seconds is not None and is_interrupted(error):
            return None
        raise
