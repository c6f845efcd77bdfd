"""Endpoints of a viewer at work, and notifications that stand as a test wants them."""

from __future__ import annotations

from dataclasses import replace

from relay.archive.api.notification import Outcome
from relay.model.event import Event, Kind
from relay.model.notification import Notification, Standing
from tests.support.viewer_house import House


async def configure(house: House, *names: str) -> None:
    await house.archive.use_endpoints({name: f"https://{name.replace(' ', '-')}.example/hooks" for name in names})


async def tell(
    house: House, endpoint: str, standing: Standing, *, error: str = "", kind: Kind = Kind.SENT, is_gone: bool = False
) -> Notification:
    """The endpoint is told of a message's event, and this came of it."""
    message_id = await house.add()
    (delivery,) = (await house.archive.message(message_id)).deliveries
    event = Event(house.new_id(), house.clock(), kind, "relay", message_id, delivery.id)
    await house.archive.add_events([event])
    seq = next(seq for seq, one in await house.archive.events(message_id=message_id) if one.id == event.id)
    now = house.clock()
    made = Notification(house.new_id(), endpoint, seq, now, now, due_at=now)
    await house.archive.add_notifications([made], {endpoint: seq})
    if standing is Standing.WAITING and not error:
        return made
    due_at = now + 300_000_000 if standing is Standing.WAITING else None
    status = 204 if standing is Standing.DELIVERED else 500
    tried = replace(made, standing=standing, attempts=2, due_at=due_at, tried_at=now, status=status, error=error)
    await house.archive.finish_notifications([Outcome(tried, is_gone=is_gone)])
    return tried
