"""The herald: follows the journal of events, and notes for each endpoint what it is to be told.

Never in the way of mail: it reads what was committed, behind it, and writes in portions. Where each endpoint has come
to is kept with the notifications, in one commit: after a crash the same events are looked at again, and none is noted
twice. An endpoint that is new begins with the next event.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence

from relay import maillog
from relay.archive.api import Archive, ArchiveError
from relay.archive.api.notification import Fact
from relay.config import Endpoint
from relay.herald.telling import Telling
from relay.lasting import Lasting
from relay.model.notification import Notification, Target

LOOK = 0.3
"""Seconds between two looks at the journal."""
BREATH = 0.02
"""The same while there are more events than one portion."""
PORTION = 500
"""Events at a time."""
RETRY = 5.0
"""Seconds after which an archive that could not be asked is asked again."""
KEPT = 30 * 86400 * 1_000_000
"""Microseconds for which a notification that was taken stays in the list."""
TIDYING = 600.0
"""Seconds between two looks for older ones."""


class Herald:
    """Tells the configured endpoints. `spread`: chance from 0 to 1, for the waits between tries."""

    def __init__(
        self,
        endpoints: Sequence[Endpoint],
        *,
        archive: Archive,
        clock: Callable[[], int],
        new_id: Callable[[], str],
        spread: Callable[[], float],
        retry: float = RETRY,
    ) -> None:
        self._endpoints = tuple(endpoints)
        self._archive = archive
        self._clock = clock
        self._new_id = new_id
        self._spread = spread
        self._retry = retry
        self._tellings: list[Telling] = []
        self._task = Lasting("herald")
        self._tidied_at = -TIDYING

    async def start(self) -> None:
        """Returns when the archive knows the endpoints: from now on every event counts. Raises ArchiveError."""
        await self._archive.use_endpoints({endpoint.name: endpoint.url for endpoint in self._endpoints})
        if not self._endpoints:
            return
        self._tellings = [
            Telling(
                endpoint,
                archive=self._archive,
                clock=self._clock,
                new_id=self._new_id,
                spread=self._spread,
                retry=self._retry,
            )
            for endpoint in self._endpoints
        ]
        for telling in self._tellings:
            telling.start()
        self._task.start(self._run())

    async def stop(self) -> None:
        """Ends at once; nothing is lost, what was under way is sent again."""
        await asyncio.gather(self._task.stop(), *(telling.stop() for telling in self._tellings))
        self._tellings = []

    async def reload(self, endpoints: Sequence[Endpoint]) -> None:
        """Uses these endpoints from now on. Raises ArchiveError."""
        if tuple(endpoints) == self._endpoints:
            return
        await self.stop()
        self._endpoints = tuple(endpoints)
        await self.start()

    async def _run(self) -> None:
        targets = [
            Target(endpoint.name, frozenset(endpoint.events), frozenset(endpoint.applications))
            for endpoint in self._endpoints
        ]
        while True:
            try:
                is_behind = await self._portion(targets)
                await self._tidy()
                await asyncio.sleep(BREATH if is_behind else LOOK)
            except ArchiveError as error:
                maillog.endpoint_waits("", error)
                await asyncio.sleep(self._retry)
            except Exception as error:
                maillog.room_failed("herald", error)
                await asyncio.sleep(self._retry)

    async def _portion(self, targets: Sequence[Target]) -> bool:
        """Notes what the endpoints are to be told of the next events; whether there may be more."""
        cursors = await self._archive.cursors()
        if not cursors:
            return False
        found = await self._archive.facts(min(cursors.values()), PORTION)
        if not found:
            return False
        last = found[-1].seq
        notes = [note for fact in found for note in self._notes(fact, targets, cursors)]
        await self._archive.add_notifications(notes, {name: last for name, seq in cursors.items() if seq < last})
        return len(found) == PORTION

    def _notes(self, fact: Fact, targets: Sequence[Target], cursors: Mapping[str, int]) -> list[Notification]:
        event, now = fact.event, self._clock()
        return [
            Notification(self._new_id(), target.name, fact.seq, now, now, due_at=now)
            for target in targets
            if cursors.get(target.name, fact.seq) < fact.seq
            and target.wants(event.kind, fact.about.application, event.message_id is not None)
        ]

    async def _tidy(self) -> None:
        moment = asyncio.get_running_loop().time()
        if moment - self._tidied_at >= TIDYING:
            self._tidied_at = moment
            await self._archive.forget_notifications(self._clock() - KEPT)
