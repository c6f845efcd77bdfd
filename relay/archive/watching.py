"""Selects about what alerts watch for. See `api.alert.Watching`."""

from __future__ import annotations

from sqlalchemy import case, func, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from relay.archive import schema
from relay.archive.api.alert import MOST_COUNTED
from relay.model.alert import Rates
from relay.model.delivery import State

_message, _delivery = schema.message.c, schema.delivery.c
_HANDED_OVER = [State.SENT.value, State.DELIVERED.value, State.BOUNCED.value, State.DROPPED.value]


async def rates(connection: AsyncConnection, application: str, since: int) -> Rates:
    recent = select(_message.seq).where(_message.received_at >= since)
    if application:
        recent = recent.where(_message.application == application)
    recent = recent.order_by(_message.received_at.desc()).limit(MOST_COUNTED)
    is_bounced = _delivery.state.in_([State.BOUNCED.value, State.DROPPED.value])
    is_failed = _delivery.state == State.FAILED.value
    counted = select(
        func.count(),
        func.coalesce(func.sum(case((is_bounced, 1), else_=0)), 0),
        func.count(_delivery.complained_at),
        func.coalesce(func.sum(case((is_failed, 1), else_=0)), 0),
    ).where(_delivery.message_seq.in_(recent), or_(_delivery.state.in_(_HANDED_OVER), is_failed))
    total, bounced, complained, failed = (await connection.execute(counted)).one()
    return Rates(total, bounced, complained, failed)


async def latest_capture(connection: AsyncConnection, application: str) -> int | None:
    newest = select(_message.received_at).order_by(_message.seq.desc()).limit(1)
    if application:
        newest = newest.where(_message.application == application)
    return await connection.scalar(newest)
