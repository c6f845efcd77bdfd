"""Selects that answer the reading methods about tokens and fetches."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Select, func, select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from relay.archive import schema
from relay.archive.tracking import FETCH_COLUMNS, TOKEN_COLUMNS, fetch_of, token_of
from relay.model.fetch import Fetch, Verdict
from relay.model.token import Token, TokenKind

_token, _fetch, _message, _deletion = schema.token.c, schema.fetch.c, schema.message.c, schema.deletion.c
_PORTION = 500
"""Ids asked for at once: SQLite allows a thousand and more parameters, and this is as fast."""

VERDICTS = "\nUNION ALL\n".join(
    f"SELECT value, '{kind.value}', '{verdict.value}' FROM json_each(:seqs) WHERE EXISTS (SELECT 1 FROM fetch "
    f"WHERE kind = '{kind.value}' AND verdict = '{verdict.value}' AND message_seq = json_each.value)"
    for kind in (TokenKind.OPEN, TokenKind.CLICK)
    for verdict in Verdict
)
"""For messages with the sequence numbers `:seqs` (JSON): which verdicts there are about pixels and about links.

One look into an index for each message, kind and verdict, however many fetches there are. As text: putting it together
anew for each page took longer than the looks.
"""


def _tokens() -> Select[Any]:
    joined = schema.token.join(schema.message, _message.seq == _token.message_seq)
    return select(_message.id, *(_token[name] for name in TOKEN_COLUMNS)).select_from(joined)


def _fetches() -> Select[Any]:
    return select(*(_fetch[name] for name in FETCH_COLUMNS))


async def tokens(connection: AsyncConnection, token_ids: Sequence[str]) -> dict[str, Token]:
    found: dict[str, Token] = {}
    # Looked up for each: a list of all that were erased would be made anew for every request.
    erased = select(_deletion.erased_at).where(_deletion.message_seq == _token.message_seq).scalar_subquery()
    for start in range(0, len(token_ids), _PORTION):
        wanted = _token.id.in_(token_ids[start : start + _PORTION])
        statement = _tokens().where(wanted, erased.is_(None))
        found |= {row[1]: token_of(row[1:], row[0]) for row in await connection.execute(statement)}
    return found


async def tokens_of(connection: AsyncConnection, message_id: str, delivery_id: str | None) -> list[Token]:
    statement = _tokens().where(_message.id == message_id)
    if delivery_id is not None:
        statement = statement.where(_token.delivery_id == delivery_id)
    rows = await connection.execute(statement.order_by(text("token.rowid")))
    return [token_of(row[1:], row[0]) for row in rows]


async def fetches(connection: AsyncConnection, message_id: str, delivery_id: str | None) -> list[Fetch]:
    # By its deliveries: an index on the message too would cost every fetch that is written.
    copies = schema.delivery.join(schema.message, _message.seq == schema.delivery.c.message_seq)
    among = select(schema.delivery.c.id).select_from(copies).where(_message.id == message_id)
    statement = _fetches().where(_fetch.delivery_id.in_(among))
    if delivery_id is not None:
        statement = statement.where(_fetch.delivery_id == delivery_id)
    rows = await connection.execute(statement.order_by(_fetch.at, _fetch.id))
    return [fetch_of(row) for row in rows]


def verdicts_of(rows: Sequence[Any]) -> dict[tuple[int, TokenKind], list[Verdict]]:
    """By message and kind, from the rows of `VERDICTS`."""
    found: dict[tuple[int, TokenKind], list[Verdict]] = {}
    for seq, kind_value, verdict_value in rows:
        found.setdefault((seq, TokenKind(kind_value)), []).append(Verdict(verdict_value))
    return found


async def clicks_near(connection: AsyncConnection, delivery_ids: Sequence[str], start: int, stop: int) -> list[Fetch]:
    found: list[Fetch] = []
    kinds = (TokenKind.CLICK.value, TokenKind.HONEYPOT.value)
    for first in range(0, len(delivery_ids), _PORTION):
        wanted = _fetch.delivery_id.in_(delivery_ids[first : first + _PORTION])
        statement = _fetches().where(wanted, _fetch.at >= start, _fetch.at < stop, _fetch.kind.in_(kinds))
        found += [fetch_of(row) for row in await connection.execute(statement)]
    return sorted(found, key=lambda fetch: (fetch.at, fetch.id))


async def link_counts(connection: AsyncConnection, delivery_ids: Sequence[str]) -> dict[str, int]:
    counts = dict.fromkeys(delivery_ids, 0)
    for first in range(0, len(delivery_ids), _PORTION):
        wanted = _token.delivery_id.in_(delivery_ids[first : first + _PORTION])
        statement = select(_token.delivery_id, func.count()).where(wanted, _token.kind == TokenKind.CLICK.value)
        counts |= {row[0]: row[1] for row in await connection.execute(statement.group_by(_token.delivery_id))}
    return counts


async def fetches_judged_before(connection: AsyncConnection, version: int, after: str, limit: int) -> list[Fetch]:
    statement = _fetches().where(_fetch.rules_version < version, _fetch.id > after).order_by(_fetch.id).limit(limit)
    return [fetch_of(row) for row in await connection.execute(statement)]
