"""Mailings as rows of the grid. See `api/view.py`; what one is, `relay.model.mailing`.

Theory: without a search mailings are ordered by day, and within it by their newest message, so that a page needs no
sorting. With one, the matching messages are walked newest first and the mailings noted that they are of; a mailing of
which a newer message matches was on an earlier page. Counting stops at COUNTED messages of each.
"""

from __future__ import annotations

import base64
import json
from collections import Counter
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Select, func, select, tuple_
from sqlalchemy.ext.asyncio import AsyncConnection

from relay.archive import schema, search
from relay.archive.api import NotFound
from relay.archive.api.view import COUNTED, COUNTED_ALONE, Mailing, MailingPage
from relay.archive.listing import listings
from relay.archive.measuring import measured
from relay.archive.query import And, Query
from relay.model.delivery import State

LIMIT = 200
STEP, MOST_STEPS = 400, 8
"""Messages walked at once, and how often, for one page."""
PORTION = 5000
"""Messages asked about at once."""
_message, _mailing, _mailed, _delivery = schema.message.c, schema.mailing.c, schema.mailed.c, schema.delivery.c


async def page(connection: AsyncConnection, query: Query, cursor: str | None, limit: int) -> MailingPage:
    """Raises ValueError for a limit that is not 1 to LIMIT, or what is not a cursor."""
    if not 1 <= limit <= LIMIT:
        raise ValueError(f"a page has 1 to {LIMIT} rows")
    start = None if cursor is None else _decoded(cursor)
    if query.root != And(()):
        return await _walked(connection, query, start, limit)
    statement = select(_mailing.id, _mailing.day, _mailing.last_seq)
    if start is not None:
        statement = statement.where(tuple_(_mailing.day, _mailing.last_seq) < tuple_(*start))
    ordered = statement.order_by(_mailing.day.desc(), _mailing.last_seq.desc()).limit(limit + 1)
    places = [tuple(row) for row in await connection.execute(ordered)]
    shown = places[:limit]
    rows = await _mailings(connection, [place[0] for place in shown], query, COUNTED)
    next_ = encoded(shown[-1][1], shown[-1][2]) if len(places) > limit else None
    return MailingPage(tuple(rows), next_)


def _decoded(cursor: str) -> tuple[int, int]:
    first, second = decoded(cursor)
    return first, second


async def _walked(connection: AsyncConnection, query: Query, start: tuple[int, int] | None, limit: int) -> MailingPage:
    """The mailings of the matching messages before `start`, by the newest of them."""
    found: dict[int, None] = {}
    end, before = start, start[1] if start is not None else None
    for _ in range(MOST_STEPS):
        places = await search.places(connection, query, end, STEP)
        among = select(_mailed.seq, _mailed.mailing).where(_mailed.seq.in_([seq for _, seq in places]))
        of = {row[0]: row[1] for row in await connection.execute(among)}
        for at, seq in places:
            mailing = of.get(seq)
            if mailing is not None and mailing not in found and len(found) == limit:
                rows = await _mailings(connection, list(found), query, COUNTED)
                return MailingPage(_new(rows, before), encoded(*end) if end else None)
            if mailing is not None:
                found[mailing] = None
            end = (at, seq)
        if len(places) < STEP:
            end = None
            break
    rows = await _mailings(connection, list(found), query, COUNTED)
    return MailingPage(_new(rows, before), encoded(*end) if end else None)


def _new(rows: Sequence[Mailing], before: int | None) -> tuple[Mailing, ...]:
    """Those that were not on an earlier page."""
    return tuple(row for row in rows if before is None or row.newest.seq < before)


async def one(connection: AsyncConnection, mailing_id: int, query: Query) -> Mailing:
    rows = await _mailings(connection, [mailing_id], query, COUNTED_ALONE)
    if not rows:
        raise NotFound(f"no mailing {mailing_id}")
    return rows[0]


async def _mailings(connection: AsyncConnection, ids: Sequence[int], query: Query, counted: int) -> list[Mailing]:
    """The mailings in this order, without those of which nothing matches."""
    facts = {row[0]: row for row in await connection.execute(_facts(ids))}
    small = [one for one in ids if one in facts and facts[one][4] <= counted]
    members = await _members(connection, small)
    members = {one: members.get(one) or await _newest_of(connection, one, counted + 1) for one in ids if one in facts}
    matching = await _matching(connection, [seq for seqs in members.values() for seq in seqs], query)
    found = {one: [seq for seq in seqs if matching is None or seq in matching] for one, seqs in members.items()}
    several = [seq for seqs in found.values() if len(seqs) > 1 for seq in seqs[:counted]]
    states = await _states(connection, several)
    newest = {row.seq: row for row in await listings(connection, [seqs[0] for seqs in found.values() if seqs])}
    made = []
    for mailing_id, seqs in found.items():
        if not seqs:
            continue
        _, name, source, application, messages = facts[mailing_id]
        is_exact = len(members[mailing_id]) <= counted
        # Only who sees all of it may be told how much there is.
        number = messages if matching is None else min(len(seqs), counted)
        fates: Counter[State] = Counter()
        for seq in seqs[:counted]:
            fates.update(states.get(seq, {}))
        made.append(Mailing(mailing_id, name, source, application, number, is_exact, dict(fates), newest[seqs[0]]))
    return made


async def _members(connection: AsyncConnection, ids: Sequence[int]) -> dict[int, list[int]]:
    """All messages of each mailing, newest first."""
    statement = select(_mailed.mailing, _mailed.seq).where(_mailed.mailing.in_(ids))
    found: dict[int, list[int]] = {}
    for mailing_id, seq in await connection.execute(statement.order_by(_mailed.seq.desc())):
        found.setdefault(mailing_id, []).append(seq)
    return found


async def _newest_of(connection: AsyncConnection, mailing_id: int, limit: int) -> list[int]:
    """Its newest messages, newest first."""
    statement = select(_mailed.seq).where(_mailed.mailing == mailing_id).order_by(_mailed.seq.desc()).limit(limit)
    return [row[0] for row in await connection.execute(statement)]


async def _matching(connection: AsyncConnection, seqs: Sequence[int], query: Query) -> set[int] | None:
    """Those of these messages that match; None: all do."""
    if query.root == And(()):
        return None
    translation = await measured(connection, query)
    for members in translation.members:
        # Few are asked about: each is tried.
        members.is_common = members.is_text and members.is_dense
    condition = translation.condition()
    found: set[int] = set()
    for start in range(0, len(seqs), PORTION):
        among = _message.seq.in_(seqs[start : start + PORTION])
        found |= {row[0] for row in await connection.execute(select(_message.seq).where(among, condition))}
    return found


async def _states(connection: AsyncConnection, seqs: Sequence[int]) -> dict[int, dict[State, int]]:
    """How many deliveries of each message are in which state."""
    found: dict[int, dict[State, int]] = {}
    for start in range(0, len(seqs), PORTION):
        among = _delivery.message_seq.in_(seqs[start : start + PORTION])
        statement = select(_delivery.message_seq, _delivery.state, func.count()).where(among)
        for seq, state, number in await connection.execute(statement.group_by(_delivery.message_seq, _delivery.state)):
            found.setdefault(seq, {})[State(state)] = number
    return found


def _facts(ids: Sequence[int]) -> Select[Any]:
    columns = (_mailing.id, _mailing.name, _mailing.source, _mailing.application, _mailing.messages)
    return select(*columns).where(_mailing.id.in_(ids))


def encoded(*place: int) -> str:
    return base64.urlsafe_b64encode(json.dumps(place).encode()).decode("ascii").rstrip("=")


def decoded(cursor: str, count: int = 2) -> tuple[int, ...]:
    """The numbers of a cursor. Raises ValueError for what `encoded` did not make."""
    try:
        fields = json.loads(base64.urlsafe_b64decode(cursor.encode("ascii") + b"=" * (-len(cursor) % 4)))
    except (ValueError, RecursionError) as error:
        raise ValueError("not a cursor") from error
    is_sound = isinstance(fields, list) and len(fields) == count
    if not is_sound or not all(type(one) is int and 0 <= one < 2**62 for one in fields):
        raise ValueError("not a cursor")
    return tuple(fields)
