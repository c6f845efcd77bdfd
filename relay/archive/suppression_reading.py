"""Selects that answer the reading methods about the suppression list."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Select, func, or_, select, tuple_
from sqlalchemy.ext.asyncio import AsyncConnection

from relay.archive import schema
from relay.archive.api import NotFound
from relay.archive.api.suppression import Selection, SuppressionPage, Unsubscribing
from relay.archive.suppression import SUPPRESSION_COLUMNS, suppressed_of
from relay.model.suppression import Cause, Suppressed, suppression_key

_entry = schema.suppression.c
_PORTION = 500
"""Addresses asked for at once."""


def _entries() -> Select[Any]:
    return select(*(_entry[name] for name in SUPPRESSION_COLUMNS))


def _meant(statement: Select[Any], selection: Selection) -> Select[Any]:
    if selection.is_expired:
        statement = statement.where(_entry.expires_at <= selection.now)
    else:
        statement = statement.where(or_(_entry.expires_at.is_(None), _entry.expires_at > selection.now))
    if selection.cause is not None:
        statement = statement.where(_entry.cause == selection.cause.value)
    if selection.application is not None:
        statement = statement.where(_entry.application == selection.application)
    if selection.applications is not None:
        statement = statement.where(_entry.application.in_(selection.applications))
    if selection.text:
        text = selection.text.strip()
        in_reason = func.instr(func.lower(_entry.reason), text.lower()) > 0
        # As it is written too: a part of an address is not always a key of its own (`jürg`, `@büch`).
        in_address = func.instr(_entry.key, text.casefold()) > 0, func.instr(_entry.address, text) > 0
        statement = statement.where(or_(func.instr(_entry.key, suppression_key(text)) > 0, *in_address, in_reason))
    return statement


async def entry(connection: AsyncConnection, entry_id: str) -> Suppressed:
    row = (await connection.execute(_entries().where(_entry.id == entry_id))).first()
    if row is None:
        raise NotFound(f"no entry {entry_id} on the suppression list")
    return suppressed_of(row)


async def page(connection: AsyncConnection, selection: Selection, cursor: str | None, limit: int) -> SuppressionPage:
    statement = _meant(_entries(), selection).order_by(_entry.created_at.desc(), _entry.id.desc())
    if cursor is not None:
        statement = statement.where(tuple_(_entry.created_at, _entry.id) < tuple_(*_place(cursor)))
    rows = (await connection.execute(statement.limit(limit + 1))).all()
    found = tuple(suppressed_of(row) for row in rows[:limit])
    return SuppressionPage(found, f"{found[-1].created_at}.{found[-1].id}" if len(rows) > limit else None)


def _place(cursor: str) -> tuple[int, str]:
    at, dot, entry_id = cursor.partition(".")
    if not dot or not at.isdecimal() or len(at) > 18:
        raise ValueError("not a cursor of the suppression list")
    return int(at), entry_id


async def count(connection: AsyncConnection, selection: Selection, at_most: int) -> int:
    meant = _meant(select(_entry.id), selection).limit(at_most).subquery()
    return await connection.scalar(select(func.count()).select_from(meant)) or 0


async def entries_of(
    connection: AsyncConnection, addresses: Sequence[str], application: str, now: int
) -> dict[str, tuple[Suppressed, ...]]:
    keys = {address: suppression_key(address) for address in addresses}
    wanted = sorted(set(keys.values()))
    found: dict[str, list[Suppressed]] = {}
    for start in range(0, len(wanted), _PORTION):
        statement = _meant(_entries(), Selection(now)).where(_entry.application.in_(("", application)))
        statement = statement.where(_entry.key.in_(wanted[start : start + _PORTION]))
        for row in await connection.execute(statement.order_by(_entry.created_at.desc(), _entry.id.desc())):
            one = suppressed_of(row)
            found.setdefault(suppression_key(one.address), []).append(one)
    return {address: tuple(found[key]) for address, key in keys.items() if key in found}


async def unsubscribing(connection: AsyncConnection, delivery_id: str, now: int) -> Unsubscribing:
    delivery, message, listing = schema.delivery.c, schema.message.c, schema.listing.c
    joined = schema.delivery.join(schema.message, message.seq == delivery.message_seq)
    statement = (
        select(delivery.recipient, message.application, func.coalesce(listing.sender, message.sender))
        .select_from(joined.outerjoin(schema.listing, listing.seq == message.seq))
        .where(delivery.id == delivery_id)
    )
    row = (await connection.execute(statement)).first()
    if row is None:
        raise NotFound(f"no delivery {delivery_id}")
    recipient, application, sender = row
    entries = (await entries_of(connection, [recipient], application, now)).get(recipient, ())
    return Unsubscribing(sender, recipient, any(one.cause is Cause.UNSUBSCRIBE for one in entries))
