"""What people do here, recorded as events: opened, downloaded, exported, sent again; and reading them again."""

from __future__ import annotations

import asyncio
from typing import Any

from aiohttp import web

from relay import maillog
from relay.archive.api import Archive, ArchiveError
from relay.model.event import Event, Kind
from viewer.keys import CLOCK, NEW_ID
from viewer.security import archive_of, client_address, signed_in_user

EVENTS_AT_ONCE = 1000
MOST_EVENTS = 10_000


def deed(
    request: web.Request, kind: Kind, message_id: str | None = None, delivery_id: str | None = None, **data: Any
) -> Event:
    """The event that says what the person who asks does now."""
    facts = {**data, "address": str(client_address(request) or "unix")}
    actor = signed_in_user(request).actor
    return Event(request.app[NEW_ID](), request.app[CLOCK](), kind, actor, message_id, delivery_id, data=facts)


async def record(
    request: web.Request, kind: Kind, message_id: str | None = None, delivery_id: str | None = None, **data: Any
) -> None:
    """Adds that event. A HEAD request shows nothing to anyone, so it leaves none."""
    if request.method != "HEAD":
        await archive_of(request).add_events([deed(request, kind, message_id, delivery_id, **data)])


def note(request: web.Request, kind: Kind, message_id: str, since: int) -> None:
    """Adds that event behind the answer: whoever opens a page does not wait for the disk. A failure is logged.

    Not again if the same was noted after `since`: who goes on quickly comes before it has been written.
    """
    event = deed(request, kind, message_id)
    what, noted = (event.kind, event.actor, message_id), request.app[NOTED]
    if request.method == "HEAD" or noted.get(what, 0) > since:
        return
    noted[what] = event.at
    while len(noted) > MOST_NOTED:
        del noted[next(iter(noted))]
    task = asyncio.create_task(_noted(request, event))
    request.app[NOTES].add(task)
    task.add_done_callback(request.app[NOTES].discard)


async def _noted(request: web.Request, event: Event) -> None:
    try:
        await archive_of(request).add_events([event])
    except ArchiveError as error:
        request.app[NOTED].clear()
        maillog.room_failed("viewer", error)


NOTES: web.AppKey[set[asyncio.Task[None]]] = web.AppKey("notes")
"""Notes on their way to the disk."""
NOTED: web.AppKey[dict[tuple[Kind, str, str], int]] = web.AppKey("noted")
"""When what was noted last, MOST_NOTED of them."""
MOST_NOTED = 1000


def setup(app: web.Application) -> None:
    app[NOTES], app[NOTED] = set(), {}
    app.on_cleanup.append(_finish)


async def _finish(app: web.Application) -> None:
    """The archive is closed after us: what was noted is written first."""
    await asyncio.gather(*app[NOTES])


async def events_of(archive: Archive, message_id: str) -> list[Event]:
    """The events of the message in order of recording, MOST_EVENTS at most."""
    events: list[Event] = []
    after = 0
    while len(events) < MOST_EVENTS:
        numbered = await archive.events(message_id=message_id, after=after, limit=EVENTS_AT_ONCE)
        events += [event for _, event in numbered]
        if len(numbered) < EVENTS_AT_ONCE:
            break
        after = numbered[-1][0]
    return events
