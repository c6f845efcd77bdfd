"""Mailings as rows of the grid. See `view_api.py`; what one is, `relay.model.mailing`.

Theory: mailings are ordered by day, and within it by their newest message, so that a page needs no sorting. Whether a
search finds a message of one is tried in that order where the search finds many; where it finds few, their mailings
are gathered first. Counting stops at COUNTED messages of each.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, func, select, tuple_
from sqlalchemy.ext.asyncio import AsyncConnection

from relay.archive import schema, search
from relay.archive.api import Listing, NotFound
from relay.archive.condition import DENSE
from relay.archive.listing import listings
from relay.archive.mailing import DAY
from relay.archive.query import DATE_FIELDS, And, Node, Query, Term
from relay.archive.view_api import COUNTED, COUNTED_ALONE, Mailing, MailingPage
from relay.model.delivery import State

LIMIT = 200
_message, _mailing, _mailed, _delivery = schema.message.c, schema.mailing.c, schema.mailed.c, schema.delivery.c


async def page(connection: AsyncConnection, query: Query, cursor: str | None, limit: int) -> MailingPage:
    """Raises ValueError for a limit that is not 1 to LIMIT, or what is not a cursor."""
    if not 1 <= limit <= LIMIT:
        raise ValueError(f"a page has 1 to {LIMIT} rows")
    condition = None if query.root == And(()) else (await search.measured(connection, query)).condition()
    statement = select(_mailing.id, _mailing.day, _mailing.last_seq)
    if condition is not None:
        statement = statement.where(await _found(connection, query, condition))
    if cursor is not None:
        statement = statement.where(tuple_(_mailing.day, _mailing.last_seq) < tuple_(*decoded(cursor)))
    ordered = statement.order_by(_mailing.day.desc(), _mailing.last_seq.desc()).limit(limit + 1)
    places = [tuple(row) for row in await connection.execute(ordered)]
    shown = places[:limit]
    rows = await _mailings(connection, [place[0] for place in shown], condition, COUNTED)
    next_ = encoded(shown[-1][1], shown[-1][2]) if len(places) > limit else None
    return MailingPage(tuple(rows), next_)


async def one(connection: AsyncConnection, mailing_id: int, query: Query) -> Mailing:
    condition = None if query.root == And(()) else (await search.measured(connection, query)).condition()
    rows = await _mailings(connection, [mailing_id], condition, COUNTED_ALONE)
    if not rows:
        raise NotFound(f"no mailing {mailing_id}")
    return rows[0]


async def _found(connection: AsyncConnection, query: Query, condition: ColumnElement[bool]) -> ColumnElement[bool]:
    """Whether a message of the mailing matches."""
    matching = select(_message.seq).where(condition)
    some = select(func.count()).select_from(matching.limit(DENSE).subquery())
    if await connection.scalar(some) < DENSE:
        ids = select(_mailed.mailing).where(_mailed.seq.in_(matching)).distinct()
        found = [row[0] for row in await connection.execute(ids) if row[0] is not None]
        return _mailing.id.in_(found)
    tried = select(_mailed.seq).join_from(schema.mailed, schema.message, _message.seq == _mailed.seq)
    is_tried = tried.where(_mailed.mailing == _mailing.id, condition).correlate(schema.mailing).exists()
    return and_(is_tried, *_days(query.root))


def _days(root: Node) -> list[ColumnElement[bool]]:
    """What the search says of the day, so that the index leaves the others out."""
    terms = root.nodes if isinstance(root, And) else (root,)
    conditions: list[ColumnElement[bool]] = []
    for term in terms:
        if isinstance(term, Term) and term.field in DATE_FIELDS and term.span is not None:
            start, stop = term.span
            conditions += [_mailing.day >= start // DAY] if start is not None else []
            conditions += [_mailing.day <= stop // DAY] if stop is not None else []
    return conditions


async def _mailings(
    connection: AsyncConnection, ids: Sequence[int], condition: ColumnElement[bool] | None, counted: int
) -> list[Mailing]:
    """The mailings in this order, without those of which nothing matches."""
    facts = {row[0]: row for row in await connection.execute(_facts(ids))}
    counts = {one: await _counts(connection, one, condition, counted) for one in ids if one in facts}
    newest = await _newest(connection, [seqs[0] for seqs, _ in counts.values() if seqs])
    made = []
    for mailing_id, (seqs, states) in counts.items():
        if not seqs:
            continue
        _, name, source, application, messages = facts[mailing_id]
        is_exact = len(seqs) <= counted
        # Only who sees all of it may be told how much there is.
        number = messages if condition is None else min(len(seqs), counted)
        made.append(Mailing(mailing_id, name, source, application, number, is_exact, states, newest[seqs[0]]))
    return made


def _facts(ids: Sequence[int]) -> Select[Any]:
    columns = (_mailing.id, _mailing.name, _mailing.source, _mailing.application, _mailing.messages)
    return select(*columns).where(_mailing.id.in_(ids))


async def _newest(connection: AsyncConnection, seqs: Sequence[int]) -> dict[int, Listing]:
    return {row.seq: row for row in await listings(connection, seqs)}


async def _counts(
    connection: AsyncConnection, mailing_id: int, condition: ColumnElement[bool] | None, counted: int
) -> tuple[list[int], dict[State, int]]:
    """(its newest messages that match, one more than `counted` at most; states of the deliveries of the first)."""
    chosen = select(_mailed.seq).where(_mailed.mailing == mailing_id)
    if condition is not None:
        chosen = chosen.join_from(schema.mailed, schema.message, _message.seq == _mailed.seq).where(condition)
    seqs = [row[0] for row in await connection.execute(chosen.order_by(_mailed.seq.desc()).limit(counted + 1))]
    if len(seqs) <= 1:
        # One message says in its own row how it fares.
        return seqs, {}
    states: dict[State, int] = {}
    for start in range(0, min(len(seqs), counted), 1000):
        among = seqs[start : min(start + 1000, counted)]
        statement = select(_delivery.state, func.count()).where(_delivery.message_seq.in_(among))
        for state, number in await connection.execute(statement.group_by(_delivery.state)):
            states[State(state)] = states.get(State(state), 0) + number
    return seqs, states


def encoded(*place: int) -> str:
    return base64.urlsafe_b64encode(json.dumps(place).encode()).decode("ascii").rstrip("=")


def decoded(cursor: str) -> tuple[int, int]:
    """Raises ValueError for what `encoded` did not make."""
    try:
        fields = json.loads(base64.urlsafe_b64decode(cursor.encode("ascii") + b"=" * (-len(cursor) % 4)))
    except (ValueError, RecursionError) as error:
        raise ValueError("not a cursor") from error
    match fields:
        case [int(first), int(second)] if all(type(one) is int and 0 <= one < 2**63 for one in fields):
            return first, second
    raise ValueError("not a cursor")
