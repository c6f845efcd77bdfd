"""Approval: what an application in mode `hold` handed in is sent when a person says so, or never.

Decides on the deliveries of a message that are held; others, and those that someone else decided on first, are left.
"""

from __future__ import annotations

from dataclasses import replace

from aiohttp import web

from relay.archive.api import Waiting
from relay.model.delivery import MICROSECONDS, State
from relay.model.event import Kind
from viewer.journal import deed
from viewer.keys import ARCHIVE, CLOCK, CONFIG
from viewer.resend import obstacle

NOTHING_HELD = "Nothing of this message is waiting for approval."


async def approve(request: web.Request, message_id: str) -> list[str]:
    """Makes the held deliveries due and returns their ids, after commit. Raises NotFound, and 409 with the reason."""
    if reason := obstacle(request.app[CONFIG]):
        raise web.HTTPConflict(text=reason)
    now = request.app[CLOCK]()
    expires_at = now + request.app[CONFIG].delivery.expire_after * MICROSECONDS
    return await _decide(request, message_id, State.QUEUED, Kind.QUEUED, now, expires_at)


async def reject(request: web.Request, message_id: str) -> list[str]:
    """Cancels the held deliveries and returns their ids, after commit. Raises NotFound, and 409 if none is held."""
    return await _decide(request, message_id, State.CANCELLED, Kind.CANCELLED, None, None)


async def _decide(
    request: web.Request, message_id: str, state: State, kind: Kind, due_at: int | None, expires_at: int | None
) -> list[str]:
    stored = await request.app[ARCHIVE].message(message_id)
    held = [delivery for delivery in stored.deliveries if delivery.state is State.HELD]
    if not held:
        raise web.HTTPConflict(text=NOTHING_HELD)
    decided = [replace(delivery, state=state, due_at=due_at, expires_at=expires_at) for delivery in held]
    events = [deed(request, kind, message_id, delivery.id, decision=True) for delivery in decided]
    return await request.app[ARCHIVE].change_waiting([Waiting(delivery, State.HELD) for delivery in decided], events)
