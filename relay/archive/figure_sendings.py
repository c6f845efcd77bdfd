"""Selects of all that was sent to one address: a page of it, and the sum of it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from relay.archive import schema
from relay.archive.api.figure import COUNTED_TO, Sending, SendingPage, SentTo
from relay.archive.measuring import measured
from relay.archive.query import Query
from relay.archive.rows import DELIVERY_COLUMNS, delivery_of
from relay.archive.scoping import within
from relay.model.access import Scope
from relay.model.delivery import State

_message, _addressed = schema.message.c, schema.addressed.c
_FIELDS = ", ".join(f"delivery.{name}" for name in DELIVERY_COLUMNS)


def _fetched(kind: str) -> str:
    return (
        "EXISTS (SELECT 1 FROM fetch WHERE fetch.message_seq = delivery.message_seq "
        f"AND fetch.delivery_id = delivery.id AND fetch.kind = '{kind}' AND fetch.verdict = 'likely-human')"
    )


_COPIES = """
FROM json_each(?) AS wanted CROSS JOIN message ON message.seq = wanted.value
CROSS JOIN delivery ON delivery.message_seq = message.seq AND lower(delivery.recipient) = ?
LEFT JOIN listing ON listing.seq = message.seq"""
_PAGE = f"""
SELECT message.id, message.seq, message.received_at, message.application, coalesce(listing.sender, message.sender),
  coalesce(listing.subject, ''), {_fetched("open")}, {_fetched("click")}, {_FIELDS}
{_COPIES} ORDER BY message.seq DESC, delivery.id DESC"""
_SUM = f"""
SELECT delivery.state, count(*), sum({_fetched("open")}), sum({_fetched("click")}), min(message.received_at),
  max(message.received_at)
{_COPIES} GROUP BY 1"""


async def page(connection: AsyncConnection, address: str, scope: Scope, cursor: str | None, limit: int) -> SendingPage:
    before = _place(cursor)
    seqs = await _seqs(connection, address, scope, before, limit + 1)
    rows: Sequence[Any] = (await connection.exec_driver_sql(_PAGE, (json.dumps(seqs[:limit]), _lower(address)))).all()
    sendings = tuple(Sending(*[delivery_of(row[8:], row[0]), *row[1:6], bool(row[6]), bool(row[7])]) for row in rows)
    return SendingPage(sendings, str(seqs[limit - 1]) if len(seqs) > limit else None)


async def sums(connection: AsyncConnection, address: str, scope: Scope) -> SentTo:
    seqs = await _seqs(connection, address, scope, None, COUNTED_TO + 1)
    rows: Sequence[Any] = (
        await connection.exec_driver_sql(_SUM, (json.dumps(seqs[:COUNTED_TO]), _lower(address)))
    ).all()
    return SentTo(
        {State(row[0]): row[1] for row in rows},
        sum(row[2] for row in rows),
        sum(row[3] for row in rows),
        min((row[4] for row in rows), default=None),
        max((row[5] for row in rows), default=None),
        len(seqs) > COUNTED_TO,
    )


async def _seqs(connection: AsyncConnection, address: str, scope: Scope, before: int | None, limit: int) -> list[int]:
    condition = (await measured(connection, within(Query(), scope))).condition()
    source = schema.addressed.join(schema.message, _message.seq == _addressed.seq)
    statement = select(_addressed.seq).select_from(source).where(_addressed.address == _lower(address), condition)
    if before is not None:
        statement = statement.where(_addressed.seq < before)
    return [row[0] for row in await connection.execute(statement.order_by(_addressed.seq.desc()).limit(limit))]


def _lower(address: str) -> str:
    """As SQLite's lower() has it: ASCII alone."""
    return "".join(char.lower() if char.isascii() else char for char in address)


def _place(cursor: str | None) -> int | None:
    if cursor is not None and not (cursor.isascii() and cursor.isdigit() and len(cursor) < 19):
        raise ValueError("not a cursor")
    return None if cursor is None else int(cursor)
