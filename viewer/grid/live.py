"""The live view: server-sent events that tell a grid what has changed since it was drawn.

`GET /live?q=QUERY&after=SEQ&indexed=SEQ` (a browser that reconnects sends Last-Event-ID instead of `after`), with the
numbers of the newest message when the grid was drawn, and of the one up to which all could be found. Events:

- `row` `{"id", "seq", "listing": {…}, "html": "<tr…>"}`, with the event id SEQ: a message that matches `q`, captured
  after SEQ, or before and not found yet. May come again for the same id when it has been indexed or delivered, and for
  one that was drawn: replace the row.
- `status`, same data, without an event id: a message captured before; to be shown only if its row is on the page.
- `behind` `{"seq"}`: more has come than is worth sending; offer to reload.
- `signed-out` `{}`: the session has ended; the stream ends too.

`GET /exports/{id}/progress`: `progress` events, each an export job as JSON, the last one when the job is over.
WHATWG HTML section 9.2.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections import Counter
from collections.abc import AsyncIterator
from typing import Any

from aiohttp import web

from relay import maillog
from relay.archive.api import Archive, Change, Listing, NotFound
from relay.archive.query import Query
from relay.model.access import Permission
from viewer.api import shape
from viewer.api.parameters import number, query_of
from viewer.keys import ID, RENDER_ROW
from viewer.security import archive_of, is_still_in, require, signed_in_user
from viewer.streams import close
from viewer.work.jobs import JOBS

MOST_STREAMS = 20
"""Open streams of one person."""
CATCH_UP = 50
"""Rows sent at once; if there are more, `behind`."""
LAG = 5_000
"""Messages before the newest that may be found only later; an indexer that reads an archive again is further behind."""
PAUSE = 0.25
"""Seconds in which changes are collected, so that a burst is one answer."""

routes = web.RouteTableDef()
HEARTBEAT: web.AppKey[float] = web.AppKey("heartbeat", float)
"""Seconds between signs of life, each with a look whether the session is still good."""
STREAMS: web.AppKey[Counter[str]] = web.AppKey("streams", Counter)
TASKS: web.AppKey[set[asyncio.Task[Any]]] = web.AppKey("stream_tasks", set)


def setup(app: web.Application) -> None:
    app[HEARTBEAT], app[STREAMS], app[TASKS] = 15.0, Counter(), set()
    app.on_shutdown.append(_end_all)
    app.add_routes(routes)


async def _end_all(app: web.Application) -> None:
    """Streams never end by themselves, and the server waits for them."""
    for task in app[TASKS]:
        task.cancel()


@routes.get("/live")
async def live(request: web.Request) -> web.StreamResponse:
    require(request, Permission.READ)
    query, after = query_of(request), _position(request)
    indexed = max(number(request, "indexed", after, 0, 2**62), after - LAG)
    return await event_stream(request, grid_events(request, query, after, min(indexed, after)))


@routes.get(f"/exports/{ID}/progress")
async def progress(request: web.Request) -> web.StreamResponse:
    person = require(request, Permission.EXPORT)
    job = request.app[JOBS].get(request.match_info["id"], person.name)

    async def events() -> AsyncIterator[str]:
        while True:
            changed = job.changed
            yield sse("progress", job.as_json())
            if job.is_over:
                return
            await changed.wait()
            await asyncio.sleep(PAUSE)

    return await event_stream(request, events())


def sse(event: str, data: dict[str, Any], event_id: int | None = None) -> str:
    """One event as it goes over the wire. JSON has no line ends of its own, so one data line is enough."""
    head = f"id: {event_id}\n" if event_id is not None else ""
    return f"{head}event: {event}\ndata: {json.dumps(data, separators=(',', ':'))}\n\n"


def _position(request: web.Request) -> int:
    given = request.headers.get("Last-Event-ID", "")
    if given.isascii() and given.isdigit() and len(given) < 19:
        return int(given)
    return number(request, "after", 0, 0, 2**62)


# -- what is sent --------------------------------------------------------------------------------------------------


async def grid_events(request: web.Request, query: Query, after: int, indexed: int) -> AsyncIterator[str]:
    """The events of the grid that shows `query` as it was at `after`; ends when the archive is closed."""
    changes = archive_of(request).changes()
    grid = _Grid(request, query, after, indexed)
    for event in await grid.catch_up():
        yield event
    async for change in changes:
        latest = {change.message_id: change}
        with contextlib.suppress(TimeoutError, StopAsyncIteration):
            async with asyncio.timeout(PAUSE):
                while True:
                    change = await anext(changes)
                    latest[change.message_id] = change
        for event in await grid.tell(list(latest.values())):
            yield event


class _Grid:
    """What one browser's grid has been told."""

    def __init__(self, request: web.Request, query: Query, after: int, indexed: int) -> None:
        self._request = request
        self._archive: Archive = archive_of(request)
        self._query = query
        self._after = after
        self._indexed = indexed
        self._newest = after
        self._told: set[str] = set()

    async def catch_up(self) -> list[str]:
        rows = await self._archive.newer(self._query, self._indexed, CATCH_UP + 1)
        if len(rows) > CATCH_UP and self._indexed < self._after:
            # Most of them were drawn, and none may be new.
            rows = await self._archive.newer(self._query, self._after, CATCH_UP + 1)
        if len(rows) > CATCH_UP:
            return [sse("behind", {"seq": self._after})]
        return [self._row(row) for row in rows]

    async def tell(self, changes: list[Change]) -> list[str]:
        if len(changes) > CATCH_UP:
            return [sse("behind", {"seq": max(change.seq for change in changes)})]
        events = []
        for change in sorted(changes, key=lambda change: change.seq):
            with contextlib.suppress(NotFound):
                events += await self._tell_one(change)
        return events

    async def _tell_one(self, change: Change) -> list[str]:
        """A row for a match that is new; a status for one that was told or could be drawn."""
        if change.seq > self._indexed:
            found = await self._archive.newer(self._query, change.seq - 1, 1)
            if found and found[0].id == change.message_id:
                return [self._row(found[0])]
            if change.seq > self._after and change.message_id not in self._told:
                return []
        return [self._status(await self._archive.listing(change.message_id))]

    def _row(self, listing: Listing) -> str:
        self._told.add(listing.id)
        self._newest = max(self._newest, listing.seq)
        return sse("row", self._data(listing), self._newest)

    def _status(self, listing: Listing) -> str:
        return sse("status", self._data(listing))

    def _data(self, listing: Listing) -> dict[str, Any]:
        html = self._request.app[RENDER_ROW](self._request, listing)
        return {"id": listing.id, "seq": listing.seq, "listing": shape.listing(listing), "html": html}


# -- how it is sent ------------------------------------------------------------------------------------------------


async def event_stream(request: web.Request, events: AsyncIterator[str]) -> web.StreamResponse:
    """Sends `events` until they end, the browser goes, the session ends, or the server stops."""
    person = signed_in_user(request)
    open_streams = request.app[STREAMS]
    if open_streams[person.name] >= MOST_STREAMS:
        raise web.HTTPTooManyRequests(text=f"At most {MOST_STREAMS} live views at once.")
    response = web.StreamResponse(headers={"Content-Type": "text/event-stream", "X-Accel-Buffering": "no"})
    if request.method == "HEAD":
        return response
    open_streams[person.name] += 1
    try:
        await response.prepare(request)
        await _send(request, response, events)
    finally:
        open_streams[person.name] -= 1
        if not open_streams[person.name]:
            del open_streams[person.name]
    return response


async def _send(request: web.Request, response: web.StreamResponse, events: AsyncIterator[str]) -> None:
    writing = asyncio.create_task(_write(response, events))
    watching = asyncio.create_task(_watch(request, response))
    request.app[TASKS].add(writing)
    try:
        await asyncio.wait({writing, watching}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        request.app[TASKS].discard(writing)
        writing.cancel()
        watching.cancel()
        ends = await asyncio.gather(writing, watching, return_exceptions=True)
    for end in ends:
        if isinstance(end, Exception) and not isinstance(end, ConnectionError):
            maillog.room_failed("viewer", end)


async def _write(response: web.StreamResponse, events: AsyncIterator[str]) -> None:
    try:
        await response.write(b": the live view\n\n")
        async for event in events:
            await response.write(event.encode())
    finally:
        await close(events)


async def _watch(request: web.Request, response: web.StreamResponse) -> None:
    """Returns when the session has ended; finds out meanwhile whether the browser is still there."""
    while True:
        await asyncio.sleep(request.app[HEARTBEAT])
        if not await is_still_in(request):
            await response.write(sse("signed-out", {}).encode())
            return
        await response.write(b": still here\n\n")
