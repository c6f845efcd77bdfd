"""Selects that answer for the figures: from the rows that are kept, or counted anew where those cannot tell."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from sqlalchemy import ColumnElement, and_, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from relay.archive import schema
from relay.archive.api.figure import COUNTED
from relay.archive.figure import Changes, Counted
from relay.archive.figure_counting import BY_AUTHOR, KEYS, WHOLE, counting, domain_of
from relay.archive.measuring import measured
from relay.archive.query import Query
from relay.archive.readers import reader_of
from relay.archive.rows import Row
from relay.archive.scoping import within
from relay.model.access import Scope
from relay.model.event import Kind
from relay.model.figure import DAY, NAMES, By, Facet, Figure, FigureChoice, FigureSheet, Sums

_message, _listing = schema.message.c, schema.listing.c
_NO_CHANGE = (Kind.VIEWED, Kind.DOWNLOADED, Kind.EXPORTED, Kind.NOTICE)
"""Events of messages that change no figure."""

_BY = {
    By.DAY: "day",
    By.APPLICATION: "application",
    By.AUTHOR: "author",
    By.DOMAIN: domain_of("author"),
    By.VALUE: "figure.value",
}
_SUMS = ", ".join(f"max({name})" if name == "slowest" else f"sum({name})" for name in NAMES)
CHANGED = f"""
SELECT message.received_at / {DAY}, min(event.at) FROM event CROSS JOIN message ON message.id = event.message_id
WHERE event.seq > ? AND event.seq <= ? AND event.kind NOT IN ({", ".join(f"'{kind.value}'" for kind in _NO_CHANGE)})
GROUP BY 1"""
_DAY_ROWS = counting("message.received_at >= ? AND message.received_at < ?", whole=Facet)
_CHOSEN_ROWS = {facet: counting("message.seq IN (SELECT value FROM json_each(?))", (facet,)) for facet in Facet}


async def figures(connection: AsyncConnection, choice: FigureChoice) -> FigureSheet:
    applications = applications_of(choice.scope)
    if applications is None or (_is_of_authors(choice) and choice.facet not in BY_AUTHOR):
        return await figures_of(connection, Query(), choice)
    return FigureSheet(
        await _kept(connection, choice, applications), await _as_of(connection, choice.first, choice.stop)
    )


def _is_of_authors(choice: FigureChoice) -> bool:
    return bool(choice.author) or By.AUTHOR in choice.by or By.DOMAIN in choice.by


def applications_of(scope: Scope) -> tuple[str, ...] | None:
    """The applications that a scope comes to, () for all; None if it is not made of applications alone."""
    if scope.shares is None:
        return ()
    asking = [share for share in scope.shares if share.is_asking]
    if any(share.senders or share.tags for share in asking):
        return None
    return tuple(dict.fromkeys(name for share in asking for name in share.applications)) or None


async def _kept(connection: AsyncConnection, choice: FigureChoice, applications: tuple[str, ...]) -> tuple[Figure, ...]:
    keys = [_BY[by] for by in choice.by]
    source, conditions, values = _source(choice)
    if applications:
        conditions.append("application IN (SELECT value FROM json_each(?))")
        values.append(json.dumps(applications))
    if choice.application:
        conditions.append("application = ?")
        values.append(choice.application)
    if choice.author:
        conditions.append(f"{domain_of('author')} = ?" if choice.author.startswith("@") else "author = ?")
        values.append(choice.author.removeprefix("@"))
    grouped = ", ".join(str(n) for n in range(1, len(keys) + 1))
    order = f"sum(copies) DESC, {grouped}" if choice.limit else grouped
    statement = f"SELECT {', '.join([*keys, _SUMS])} FROM {source} WHERE {' AND '.join(conditions)}" + (
        f" GROUP BY {grouped} ORDER BY {order}" if keys else " HAVING count(*)"
    )
    if choice.limit:
        statement += f" LIMIT {choice.limit}"
    rows = await connection.exec_driver_sql(statement, tuple(values))
    return tuple(_figure(row, len(keys)) for row in rows)


def _source(choice: FigureChoice) -> tuple[str, list[str], list[Any]]:
    """Where the rows are, the first conditions and their values. A few values are looked up day by day."""
    facet = choice.facet.value if _is_of_authors(choice) else WHOLE + choice.facet.value
    if choice.values is None:
        return "figure", ["facet = ?", "day >= ?", "day < ?"], [facet, choice.first, choice.stop]
    days = json.dumps(list(range(choice.first, choice.stop)))
    source = "json_each(?) AS of_day CROSS JOIN json_each(?) AS of_value CROSS JOIN figure"
    conditions = ["facet = ?", "day = of_day.value", "figure.value = of_value.value"]
    return source, conditions, [days, json.dumps(choice.values), facet]


def _figure(row: Row, keys: int) -> Figure:
    return Figure(tuple(row[:keys]), Sums(*(value or 0 for value in row[keys:])))


async def _as_of(connection: AsyncConnection, first: int, stop: int) -> int | None:
    row = (
        await connection.exec_driver_sql(
            "SELECT (SELECT min(since) FROM figure_day WHERE day >= ? AND day < ?), "
            "(SELECT at FROM event WHERE seq > (SELECT event_seq FROM figure_cursor) ORDER BY seq LIMIT 1)",
            (first, stop),
        )
    ).one()
    return min((at for at in row if at is not None), default=None)


# -- counted anew --------------------------------------------------------------------------------------------
async def figures_of(connection: AsyncConnection, query: Query, choice: FigureChoice) -> FigureSheet:
    seqs = await chosen(connection, query, choice)
    is_cut = len(seqs) > COUNTED
    rows = await connection.exec_driver_sql(_CHOSEN_ROWS[choice.facet], (json.dumps(seqs[:COUNTED]),))
    wanted = None if choice.values is None else set(choice.values)
    sums: dict[tuple[Any, ...], Sums] = {}
    for row in rows:
        facts = dict(zip(KEYS, row, strict=False))
        if wanted is None or facts["value"] in wanted:
            key = tuple(_KEY[by](facts) for by in choice.by)
            sums[key] = sums.get(key, Sums()) + Sums(*(value or 0 for value in row[len(KEYS) :]))
    found = [Figure(key, sums[key]) for key in sorted(sums)]
    if choice.limit:
        found = sorted(found, key=lambda figure: -figure.sums.copies)[: choice.limit]
    return FigureSheet(tuple(found), counted=COUNTED if is_cut else None)


_KEY: dict[By, Callable[[dict[str, Any]], Any]] = {
    By.DAY: lambda facts: facts["day"],
    By.APPLICATION: lambda facts: facts["application"],
    By.AUTHOR: lambda facts: facts["author"],
    By.DOMAIN: lambda facts: facts["author"].rpartition("@")[2].lower(),
    By.VALUE: lambda facts: facts["value"],
}


async def chosen(
    connection: AsyncConnection, query: Query, choice: FigureChoice, limit: int = COUNTED + 1
) -> list[int]:
    """The newest messages within the choice's days, scope, application and author that the query finds."""
    condition = (await measured(connection, within(query, choice.scope))).condition()
    source = schema.message.outerjoin(schema.listing, _listing.seq == _message.seq)
    statement = select(_message.seq).select_from(source).where(condition, *_narrowing(choice))
    statement = statement.order_by(_message.received_at.desc(), _message.seq.desc()).limit(limit)
    return [row[0] for row in await connection.execute(statement)]


def _narrowing(choice: FigureChoice) -> Iterable[ColumnElement[bool]]:
    yield and_(_message.received_at >= choice.first * DAY, _message.received_at < choice.stop * DAY)
    if choice.application:
        yield _message.application == choice.application
    if choice.author.startswith("@"):
        yield func.substr(_listing.author, -len(choice.author)) == choice.author
    elif choice.author:
        yield _listing.author == choice.author


# -- for who keeps them --------------------------------------------------------------------------------------
async def changes(connection: AsyncConnection, limit: int) -> tuple[Changes | None, bool]:
    """What the next events tell of, None if there are none; whether there may be more."""
    cursor = (await connection.exec_driver_sql("SELECT event_seq FROM figure_cursor")).scalar_one()
    last = (await connection.exec_driver_sql("SELECT max(seq) FROM event")).scalar_one() or 0
    until = min(last, cursor + limit)
    if until <= cursor:
        return None, False
    rows: Sequence[Any] = (await connection.exec_driver_sql(CHANGED, (cursor, until))).all()
    return Changes({row[0]: row[1] for row in rows}, until), until < last


async def days_to_count(connection: AsyncConnection) -> Sequence[int]:
    rows = await connection.exec_driver_sql("SELECT day FROM figure_day ORDER BY day DESC")
    return [row[0] for row in rows]


async def counted(connection: AsyncConnection, day: int) -> Counted | None:
    """What is new of the day; None if it need not be counted."""
    mark = (await connection.exec_driver_sql("SELECT mark FROM figure_day WHERE day = ?", (day,))).scalar()
    if mark is None:
        return None
    facets = json.dumps([*BY_AUTHOR, *(WHOLE + facet for facet in Facet)])
    columns = ", ".join((*KEYS, *NAMES))
    reader = await reader_of(connection)
    kept, _ = await reader.execute(
        f"SELECT {columns} FROM figure WHERE facet IN (SELECT value FROM json_each(?)) AND day = ?", (facets, day)
    )
    found, _ = await reader.execute(_DAY_ROWS, (day * DAY, (day + 1) * DAY))
    # A day has thousands: compared beside the loop, which meanwhile answers.
    gone, new = await asyncio.to_thread(_differences, kept, found)
    return Counted(day, mark, gone, new)


def _differences(kept: Sequence[Row], found: Sequence[Row]) -> tuple[Sequence[Row], Sequence[Row]]:
    """The keys of what does not hold any more, and the rows that are new."""
    old = set(kept)
    new: set[tuple[Any, ...]] = {
        tuple(value or 0 if n >= len(KEYS) else value for n, value in enumerate(row)) for row in found
    }
    return [row[: len(KEYS)] for row in old - new], sorted(new - old)
