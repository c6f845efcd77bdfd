"""Approval: what an application in mode `hold` handed in is sent when a person says so, or never.

Decides on the deliveries of a message that are held; others, and those that someone else decided on first, are left.
"""

from __future__ import annotations

from aiohttp import web

from relay.model.delivery import State
from viewer.keys import CONFIG
from viewer.security import archive_of
from viewer.translation import say
from viewer.work.operations import Outcome, hand_of, order_of
from viewer.work.resend import obstacle

NOTHING_HELD = say("Nothing of this message is waiting for approval.")


async def approve(request: web.Request, message_id: str) -> list[str]:
    """Makes the held deliveries due and returns their ids, after commit. Raises NotFound, and 409 with the reason."""
    if reason := obstacle(request.app[CONFIG]):
        raise web.HTTPConflict(text=reason)
    return await _decide(request, message_id, "release")


async def reject(request: web.Request, message_id: str) -> list[str]:
    """Cancels the held deliveries and returns their ids, after commit. Raises NotFound, and 409 if none is held."""
    return await _decide(request, message_id, "reject")


async def _decide(request: web.Request, message_id: str, name: str) -> list[str]:
    archive = archive_of(request)
    stored = await archive.message(message_id)
    held = [delivery.id for delivery in stored.deliveries if delivery.state is State.HELD]
    if not held:
        raise web.HTTPConflict(text=NOTHING_HELD)
    outcome = Outcome()
    await hand_of(request).carry_out(order_of(request, name), await archive.waiting_of(held), outcome)
    return outcome.changed
