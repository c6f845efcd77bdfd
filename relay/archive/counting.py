"""How many messages match: exactly where that is quick, else an estimate from the newest ones.

Of words that are in much of the newest mail it is known how much, without counting (`measuring.py`). Everything else
is counted in windows of numbers, newest first, that grow; what was counted when time is up stands for the rest. Of many
messages, stretches from all their time are counted: what became of the newest is not what became of those before.
"""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from time import monotonic

from sqlalchemy import Select, func, select
from sqlalchemy.dialects.sqlite import dialect
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection

from relay.archive import schema
from relay.archive.api import Estimate
from relay.archive.condition import Translation
from relay.archive.measuring import fewest, in_windows, measured, timeless
from relay.archive.members import Members, in_window
from relay.archive.query import And, Query
from relay.archive.readers import is_interrupted, limited, reader_of
from relay.archive.reading import progress
from relay.archive.recollection import Recollection
from relay.archive.sections import bound

_message = schema.message.c
SECONDS = 0.02
"""That an estimate may take, or not much longer."""
FIRST = 5000
GROWTH = 3
MANY = 100_000
STRETCHES = (1000, 4000)
"""Messages of a stretch; at first, and where that found fewer than `ENOUGH` in all."""
ENOUGH = 100
PLACES = (0.0, 1.0, 0.5, 0.25, 0.75)
"""Of the stretches that stand for all of many messages, from newest to oldest. If need be the first stands for all."""
SURELY = 3
"""A share that tells of so many times what may be counted exactly is told without counting."""

_told: Recollection[Estimate] = Recollection()


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


async def estimate(
    connection: AsyncConnection,
    query: Query,
    at_most: int,
    seconds: float = SECONDS,
    total: int | None = None,
    translation: Translation | None = None,
) -> Estimate:
    """`total`: of all messages, and `translation`: the query's, where they are known already."""
    key = (repr(timeless(query.root)), at_most)
    if (known := _told.get(connection, key)) is not None:
        return known
    found = await _estimated(connection, query, at_most, seconds, total, translation)
    if not found.is_exact:
        _told.put(connection, key, found)
    return found


async def _estimated(
    connection: AsyncConnection,
    query: Query,
    at_most: int,
    seconds: float,
    total: int | None,
    translation: Translation | None,
) -> Estimate:
    total, translation = await _prepared(connection, query, total, translation)
    if translation is None:
        return Estimate(total, is_exact=True)
    counting, until = _at_once(translation, at_most), monotonic() + seconds
    if counting is not None:
        # Of text alone: what became of the newest messages is not what became of those before.
        only = _only_set(translation)
        share = only.share if only is not None and only.is_text and only.is_dense else 0.0
        if share * total > SURELY * at_most:
            return Estimate(_Tally(round(share * total), total, total).guess, is_exact=False)
        found = await _within(connection, counting, seconds)
        if found is not None and found <= at_most:
            return Estimate(found, is_exact=True)
        if share:
            return Estimate(_Tally(round(share * total), total, total).guess, is_exact=False)
    if total > MANY:
        tally = await _in_stretches(connection, translation, total, until)
    else:
        tally = await _in_windows(connection, translation, total, at_most, until)
    is_exact = tally.seen >= tally.total
    return Estimate(tally.found if is_exact else tally.guess, is_exact)


async def _prepared(
    connection: AsyncConnection, query: Query, total: int | None = None, translation: Translation | None = None
) -> tuple[int, Translation | None]:
    """How many messages there are, and what is to be counted of them; None: all."""
    if total is None:
        total = (await progress(connection)).last
    if query.root == And(()):
        return total, None
    translation = translation or await measured(connection, query)
    in_windows(translation)
    return total, translation


def _at_once(translation: Translation, at_most: int) -> Select[int] | None:
    """Counts to one more than `at_most` what is one set and nothing else, or no set at all, or cannot be more than a
    small set has; None where it is neither.

    A message is in a set once for each of its deliveries.
    """
    if (only := _only_set(translation)) is not None:
        chosen = only.chosen if only.is_single else only.chosen.distinct()
    elif any(members.is_windowed for members in translation.members):
        return None
    elif not translation.members or fewest(translation) is not None:
        chosen = select(_message.seq).where(translation.condition())
    else:
        return None
    return select(func.count()).select_from(chosen.limit(max(at_most, 0) + 1).subquery())


def _only_set(translation: Translation) -> Members | None:
    """The set that the query is, if it is one and nothing else."""
    if len(translation.members) == 1 and translation.condition == translation.members[0].condition:
        return translation.members[0]
    return None


async def _in_windows(
    connection: AsyncConnection, translation: Translation, total: int, at_most: int, until: float | None
) -> _Tally:
    """Stops when more than `at_most` were found or at `until`; then `seen` is below `total`."""
    tally, top, reach = _Tally(0, 0, total), total, FIRST
    while top > 0 and tally.found <= at_most:
        lowest = max(top - reach, 0)
        if not await _counted(connection, translation, tally, (lowest, top), until):
            break
        top, reach = lowest, reach * GROWTH
    return tally


async def _in_stretches(connection: AsyncConnection, translation: Translation, total: int, until: float) -> _Tally:
    """Counts a part of many messages, taken from all of them, in one trip to the reader's thread."""
    counted = _counting(translation).compile(
        dialect=dialect(paramstyle="named"), compile_kwargs={"render_postcompile": True}
    )
    tally = _Tally(0, 0, total)

    def asked(database: sqlite3.Connection) -> None:
        seen = 0
        for size in STRETCHES:
            for place in PLACES:
                if tally.seen and (monotonic() >= until or (seen and tally.found >= ENOUGH)):
                    return
                top = total - round(place * (total - STRETCHES[-1]))
                given = counted.construct_params(bound(database, top - size + 1, top - seen))
                tally.found += database.execute(str(counted), given).fetchone()[0]
                tally.seen += size - seen
            seen = size

    await (await reader_of(connection)).ask(asked)
    return tally


async def _counted(
    connection: AsyncConnection, translation: Translation, tally: _Tally, numbers: tuple[int, int], until: float | None
) -> bool:
    """Adds what has a number above the first and up to the second; False if time was up before."""
    lowest, top = numbers
    reader = await reader_of(connection)
    given = await reader.ask(lambda database: bound(database, lowest + 1, top))
    part = _counting(translation).params(given)
    # The first part stands for all, if need be.
    left = max(until - monotonic(), 0.0) if until is not None and tally.seen else None
    found = await _within(connection, part, left)
    if found is None:
        return False
    tally.found += found
    tally.seen += top - lowest
    return True


def _counting(translation: Translation) -> Select[int]:
    """Counts what has a number from LOWEST to HIGHEST, which are to be bound."""
    only = _only_set(translation)
    if only is not None and only.is_windowed:
        return in_window(only.chosen.with_only_columns(func.count(only.seq.distinct())), only.seq)
    # By number: an index would visit all that it has, for each window.
    counted = select(func.count()).select_from(schema.message).where(translation.condition())
    counted = counted.with_hint(schema.message, "NOT INDEXED", "sqlite")
    return in_window(counted, _message.seq) if translation.visited is None else counted


async def _within(connection: AsyncConnection, statement: Select[int], seconds: float | None) -> int | None:
    """The number; None if the time was not enough to count it."""
    try:
        async with limited(connection, seconds):
            return await connection.scalar(statement) or 0
    except DBAPIError as error:
        if seconds is not None and is_interrupted(error):
            return None
        raise
