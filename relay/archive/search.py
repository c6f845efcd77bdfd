"""Pages of the grid: which messages, in which order, from where. Keyset pages, so that any depth is as fast.

A cursor is base64url of JSON `[way, sort key, is descending, digest of the query, value, seq]`: opaque to callers,
checked when it comes back.
"""

from __future__ import annotations

import base64
import hashlib
import json
from dataclasses import dataclass, replace
from math import prod
from typing import Any

from sqlalchemy import ColumnElement, Select, select, tuple_
from sqlalchemy.ext.asyncio import AsyncConnection

from relay.archive import counting, schema
from relay.archive.api import SORT_KEYS, Estimate, Listing, Page, Sort
from relay.archive.condition import Translation, translate
from relay.archive.lexicon import lexicon
from relay.archive.listing import listings, listings_now
from relay.archive.measuring import in_windows, measured, timeless
from relay.archive.members import HIGHEST, LOWEST, in_window
from relay.archive.query import DATE_FIELDS, And, Query, Term
from relay.archive.walking import ALWAYS, FIRST, GROWTH, Span, walked

_message, _listing = schema.message.c, schema.listing.c

_KEYS: dict[str, ColumnElement[Any]] = {
    "date": _message.received_at,
    "to": _listing.to_key,
    "subject": _listing.subject_key,
    "sender": _listing.sender_key,
    "size": _listing.size,
}
LIMIT = 1000
"""The most rows of one page."""
NEVER = 2**63 - 1
"""No message has a higher number."""


@dataclass(frozen=True, slots=True)
class Cursor:
    """The row after which (`is_forward`) or before which a page begins."""

    is_forward: bool
    value: int | str
    seq: int


def encode(cursor: Cursor, query: Query, sort: Sort) -> str:
    fields = [cursor.is_forward, sort.key, sort.descending, _digest(query), cursor.value, cursor.seq]
    return base64.urlsafe_b64encode(json.dumps(fields).encode()).decode("ascii").rstrip("=")


def decode(text: str, query: Query, sort: Sort) -> Cursor:
    """Raises ValueError for anything that `encode` did not make for this query and sort."""
    try:
        fields = json.loads(base64.urlsafe_b64decode(text.encode("ascii") + b"=" * (-len(text) % 4)))
    except (ValueError, RecursionError) as error:
        raise ValueError("not a cursor") from error
    kind = int if sort.key in ("date", "size") else str
    match fields:
        case [bool(way), sort.key, sort.descending, str(digest), value, int(seq)] if (
            digest == _digest(query) and type(value) is kind and 0 <= seq < 2**63
        ):
            if isinstance(value, int) and not -(2**63) <= value < 2**63:
                raise ValueError("not a cursor")
            return Cursor(way, value, seq)
    raise ValueError("not a cursor of this search")


def _digest(query: Query) -> str:
    return hashlib.sha256(repr(timeless(query.root)).encode("utf-8", "surrogatepass")).hexdigest()[:16]


async def page(
    connection: AsyncConnection, query: Query, sort: Sort, text: str | None, limit: int, count_to: int | None = None
) -> Page:
    """Raises ValueError for an unknown sort key, a limit that is not 1 to LIMIT, or a foreign cursor."""
    if sort.key not in SORT_KEYS:
        raise ValueError(f"sorted by one of {', '.join(SORT_KEYS)}")
    if not 1 <= limit <= LIMIT:
        raise ValueError(f"a page has 1 to {LIMIT} rows")
    cursor = decode(text, query, sort) if text is not None else None
    translation = await measured(connection, query, is_by_date=sort.key == "date")
    keys = await _found(connection, query, translation, sort, cursor, limit + 1)
    has_more = len(keys) > limit
    keys = keys[:limit]
    is_forward = cursor is None or cursor.is_forward
    if not is_forward:
        keys.reverse()
    rows, now = await listings_now(connection, [seq for _, seq in keys])
    has_next = has_more if is_forward else True
    has_previous = cursor is not None if is_forward else has_more
    next_ = encode(Cursor(True, *keys[-1]), query, sort) if keys and has_next else None
    previous = encode(Cursor(False, *keys[0]), query, sort) if keys and has_previous else None
    if not keys and cursor is not None:
        # The rows went while the person read: the only way is back.
        turned = encode(replace(cursor, is_forward=not is_forward), query, sort)
        next_, previous = (None, turned) if is_forward else (turned, None)
    if count_to is None:
        return Page(tuple(rows), next_, previous, progress=now)
    if cursor is None and next_ is None:
        return Page(tuple(rows), estimate=Estimate(len(rows), is_exact=True), progress=now)
    found = await counting.estimate(connection, query, count_to, total=now.last, translation=translation)
    return Page(tuple(rows), next_, previous, replace(found, number=max(found.number, len(rows))), now)


async def _found(
    connection: AsyncConnection, query: Query, translation: Translation, sort: Sort, cursor: Cursor | None, wanted: int
) -> list[tuple[Any, int]]:
    """The keys of the first `wanted` matching messages from the cursor on."""
    if sort.key == "date" and in_windows(translation, for_page=True):
        is_descending = _is_read_descending(sort, cursor)
        condition, leading = translation.condition(), translation.visited
        statement = _keys(query, condition, Sort("date", is_descending), None)
        # Never by date: an index would visit all of these dates, for each window.
        statement = statement.with_hint(schema.message, "NOT INDEXED", "sqlite")
        return await walked(
            connection,
            statement if leading is not None else in_window(statement, _message.seq),
            (cursor.value, cursor.seq) if cursor is not None else None,
            is_descending=is_descending,
            wanted=wanted,
            span=dates_of(query),
            leading=leading,
            others=prod(one.share for one in translation.members if one.is_needed and one.share and one is not leading),
        )
    statement = _keys(query, translation.condition(), sort, cursor).limit(wanted)
    return [(row[0], row[1]) for row in await connection.execute(statement)]


def dates_of(query: Query) -> Span:
    """Dates that every message found must be of, as far as the search's top says so."""
    first, stop = ALWAYS
    for node in query.root.nodes if isinstance(query.root, And) else (query.root,):
        if isinstance(node, Term) and node.field in DATE_FIELDS and node.span is not None:
            start, end = node.span
            first = start if first is None or (start is not None and start > first) else first
            stop = end if stop is None or (end is not None and end < stop) else stop
    return first, stop


def _is_read_descending(sort: Sort, cursor: Cursor | None) -> bool:
    return sort.descending if cursor is None or cursor.is_forward else not sort.descending


def _keys(query: Query, condition: ColumnElement[bool], sort: Sort, cursor: Cursor | None) -> Select[tuple[Any, int]]:
    """(sort key, seq) of the matching messages from the cursor on, in the direction of reading."""
    key, seq = _KEYS[sort.key], _message.seq if sort.key == "date" else _listing.seq
    is_descending = _is_read_descending(sort, cursor)
    statement = _source(query, sort, select(key, seq)).where(condition)
    if cursor is not None:
        place = tuple_(key, seq)
        bound = tuple_(cursor.value, cursor.seq)
        statement = statement.where(place < bound if is_descending else place > bound)
    if is_descending:
        return statement.order_by(key.desc(), seq.desc())
    return statement.order_by(key, seq)


def _source(query: Query, sort: Sort, columns: Select[tuple[Any, int]]) -> Select[tuple[Any, int]]:
    """Sorted by date, messages not indexed yet are there too; otherwise they come when they are."""
    if sort.key == "date":
        return columns.select_from(schema.message)
    if query.root == And(()):
        return columns.select_from(schema.listing)
    return columns.select_from(schema.listing.join(schema.message, _message.seq == _listing.seq))


async def places(
    connection: AsyncConnection, query: Query, start: tuple[int, int] | None, wanted: int
) -> list[tuple[int, int]]:
    """(received_at, seq) of the newest `wanted` matching messages, those before `start`."""
    translation = await measured(connection, query)
    cursor = Cursor(True, *start) if start is not None else None
    return await _found(connection, query, translation, Sort(), cursor, wanted)


async def newer(connection: AsyncConnection, query: Query, seq: int, limit: int) -> list[Listing]:
    found = await captured(connection, query, seq, NEVER, min(limit, LIMIT))
    return await listings(connection, [number for number, _ in found])


async def captured(
    connection: AsyncConnection, query: Query, after: int, until: int, limit: int
) -> list[tuple[int, str]]:
    """(seq, id) of matching messages in order of capture, numbers above `after` and up to `until`."""
    translation = translate(query.root, await lexicon(connection, query.root))
    for members in translation.members:
        members.only_after(after)
    span = _message.seq.between(after + 1, until)
    statement = select(_message.seq, _message.id).where(span, translation.condition()).order_by(_message.seq)
    return [(seq, id_) for seq, id_ in await connection.execute(statement.limit(limit))]


async def older(connection: AsyncConnection, query: Query, seq: int, limit: int) -> list[Listing]:
    """In stretches of numbers that grow, as pages are found (`walking.py`)."""
    condition = (await measured(connection, query)).condition()
    statement = select(_message.seq).where(condition).order_by(_message.seq.desc())
    found: list[int] = []
    reach, wanted = FIRST, min(limit, LIMIT)
    while seq > 0 and len(found) < wanted:
        lowest = max(seq - reach, 0)
        part = statement.where(_message.seq >= lowest, _message.seq < seq).limit(wanted - len(found))
        found += [row[0] for row in await connection.execute(part, {LOWEST: lowest, HIGHEST: seq - 1})]
        seq, reach = lowest, reach * GROWTH
    return await listings(connection, found)
