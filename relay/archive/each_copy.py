"""The grid with a row for each recipient: one copy of a message each. See `api.view.Views.copies`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, func, literal_column, select, tuple_
from sqlalchemy.ext.asyncio import AsyncConnection

from relay.archive import schema, search
from relay.archive.api.view import Copy, CopyPage
from relay.archive.condition import PENDING_STATES
from relay.archive.listing import listings
from relay.archive.mailings import decoded, encoded
from relay.archive.query import MARKS, PENDING, And, Query, Term
from relay.archive.rows import DELIVERY_COLUMNS, delivery_of
from relay.model.fetch import Verdict
from relay.model.token import TokenKind

LIMIT = 500
MOST_STEPS = 10
"""How often more messages are looked at for one page."""
_message, _delivery, _fetch = schema.message.c, schema.delivery.c, schema.fetch.c
_row: ColumnElement[int] = literal_column("delivery.rowid")


async def page(connection: AsyncConnection, query: Query, cursor: str | None, limit: int) -> CopyPage:
    """Raises ValueError for a limit that is not 1 to LIMIT, or what is not a cursor."""
    if not 1 <= limit <= LIMIT:
        raise ValueError(f"a page has 1 to {LIMIT} rows")
    start = None if cursor is None else _decoded(cursor)
    # The message that the page before ended in may have more recipients.
    end = (start[0], start[1] + 1) if start is not None else None
    rows: list[Any] = []
    for _ in range(MOST_STEPS):
        places = await search.places(connection, query, end, limit)
        rows += await _copies(connection, query, [seq for _, seq in places], start, limit + 1 - len(rows))
        if len(rows) > limit or len(places) < limit:
            break
        end = places[-1]
    shown = rows[:limit]
    messages = {row.seq: row for row in await listings(connection, list(dict.fromkeys(row[1] for row in shown)))}
    copies = [Copy(delivery_of(row[4:], row[3]), messages[row[1]]) for row in shown]
    verdicts = await _verdicts(connection, [copy.delivery.id for copy in copies])
    next_ = encoded(*shown[-1][:3]) if len(rows) > limit else None
    return CopyPage(tuple(_judged(copy, verdicts) for copy in copies), next_)


async def _copies(
    connection: AsyncConnection, query: Query, seqs: Sequence[int], start: tuple[int, int, int] | None, limit: int
) -> list[Any]:
    """Copies of these messages, newest message first; of the one that `start` is of, those after it."""
    columns = (_message.received_at, _message.seq, _row, _message.id, *(_delivery[name] for name in DELIVERY_COLUMNS))
    joined = schema.delivery.join(schema.message, _message.seq == _delivery.message_seq)
    statement = select(*columns).select_from(joined).where(_delivery.message_seq.in_(seqs), *_of_the_copy(query))
    if start is not None:
        statement = statement.where(tuple_(_message.received_at, _message.seq, _row) < tuple_(*start))
    ordered = statement.order_by(_message.received_at.desc(), _message.seq.desc(), _row.desc())
    return list(await connection.execute(ordered.limit(limit)))


def _decoded(cursor: str) -> tuple[int, int, int]:
    first, second, third = decoded(cursor, 3)
    return first, second, third


Verdicts = dict[tuple[str, TokenKind], set[Verdict]]


async def _verdicts(connection: AsyncConnection, delivery_ids: Sequence[str]) -> Verdicts:
    statement = select(_fetch.delivery_id, _fetch.kind, _fetch.verdict).where(_fetch.delivery_id.in_(delivery_ids))
    found: Verdicts = {}
    for delivery_id, kind, verdict in await connection.execute(statement.distinct()):
        found.setdefault((delivery_id, TokenKind(kind)), set()).add(Verdict(verdict))
    return found


def _judged(copy: Copy, verdicts: Verdicts) -> Copy:
    opened, clicked = (verdicts.get((copy.delivery.id, kind), ()) for kind in (TokenKind.OPEN, TokenKind.CLICK))
    return Copy(copy.delivery, copy.listing, frozenset(opened), frozenset(clicked))


def _of_the_copy(query: Query) -> list[ColumnElement[bool]]:
    """What the search asks at its top that can be asked of one copy."""
    terms = query.root.nodes if isinstance(query.root, And) else (query.root,)
    conditions: list[ColumnElement[bool]] = []
    for term in terms:
        if not isinstance(term, Term):
            continue
        value = term.value.lower()
        if term.field == "status" and value in MARKS:
            conditions.append(_delivery[f"{value}_at"].is_not(None))
        elif term.field == "status":
            conditions.append(_delivery.state.in_(PENDING_STATES if value == PENDING else (value,)))
        elif term.field == "bounce":
            conditions.append(_delivery.bounce == value)
        elif term.field == "recipient" and "@" in value.strip("@"):
            conditions.append(func.lower(_delivery.recipient).startswith(value, autoescape=True))
    return conditions
