"""One endpoint: sends what is due to it, a few at a time, and writes down what came of each.

Its own task, session and connections, so that an endpoint that hangs delays nobody but itself. A crash between an
answer and its commit sends the same again with the same `webhook-id`: at least once, and the receiver can tell.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from relay import maillog
from relay.archive.api import Archive, ArchiveError
from relay.archive.api.notification import Due, Outcome
from relay.config import Endpoint
from relay.herald.post import post, session
from relay.lasting import Lasting
from relay.model.event import Event, Kind
from relay.model.notification import GONE, Answer, Notification, Standing, after, body, headers, key_of, trial

LOOK = 0.5
"""Seconds between two looks at what is due."""
PORTION = 8
"""Notifications taken at a time, times the endpoint's concurrency."""
RETRY = 5.0
"""Seconds after which an archive that could not be asked is asked again."""


class Telling:
    """Serves one endpoint as the configuration has it now."""

    def __init__(
        self,
        endpoint: Endpoint,
        *,
        archive: Archive,
        clock: Callable[[], int],
        new_id: Callable[[], str],
        spread: Callable[[], float],
        retry: float = RETRY,
    ) -> None:
        self.endpoint = endpoint
        self._key = key_of(endpoint.secret.get_secret_value())
        self._archive = archive
        self._clock = clock
        self._new_id = new_id
        self._spread = spread
        self._retry = retry
        self._places = asyncio.Semaphore(endpoint.concurrency)
        self._task = Lasting(f"endpoint {endpoint.name}")

    def start(self) -> None:
        self._task.start(self._run())

    async def stop(self) -> None:
        """Ends at once: what has no answer yet is sent again after the next start."""
        await self._task.stop()

    async def _run(self) -> None:
        async with session(self.endpoint.concurrency) as self._client:
            while True:
                try:
                    await self._round()
                except ArchiveError as error:
                    maillog.endpoint_waits(self.endpoint.name, error)
                    await asyncio.sleep(self._retry)
                except Exception as error:
                    maillog.room_failed(f"endpoint {self.endpoint.name}", error)
                    await asyncio.sleep(self._retry)

    async def _round(self) -> None:
        limit = self.endpoint.concurrency * PORTION
        due = await self._archive.due_notifications(self.endpoint.name, self._clock(), limit)
        if due:
            problems = await asyncio.gather(*map(self._tell, due), return_exceptions=True)
            for problem in problems:
                if problem is not None:
                    raise problem
        if len(due) < limit:
            await asyncio.sleep(LOOK)

    async def _tell(self, due: Due) -> None:
        async with self._places:
            now = self._clock()
            answer = await self._sent(due, now)
        now = self._clock()
        tried = after(due.notification, answer, now, give_up_after=self.endpoint.give_up_after, spread=self._spread())
        maillog.endpoint_told(tried)
        is_gone = answer.status == GONE
        failure = self._failure(due, tried, now) if tried.standing is Standing.FAILED else None
        await self._archive.finish_notifications([Outcome(tried, failure, is_gone)])

    async def _sent(self, due: Due, now: int) -> Answer:
        notification = due.notification
        content = body(due.fact.event, due.fact.about) if due.fact else trial(notification.begun_at)
        return await post(
            self._client,
            self.endpoint.url,
            content,
            headers(notification.id, now, content, self._key),
            timeout=self.endpoint.timeout,
            now=now,
        )

    def _failure(self, due: Due, tried: Notification, now: int) -> Event:
        data = {"endpoint": tried.endpoint, "reason": tried.error, "attempts": tried.attempts, "notification": tried.id}
        message_id = due.fact.event.message_id if due.fact else None
        return Event(self._new_id(), now, Kind.ENDPOINT_FAILED, "relay", message_id, data=data)
