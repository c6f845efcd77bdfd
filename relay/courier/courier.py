"""The courier: takes due deliveries from the archive, sends them upstream, writes down what became of them.

`claim` -> groups of recipients -> `consignment.py`, one transaction each -> commit. Many run at once, so that their
commits share transactions of the archive. Without an upstream it claims nothing: deliveries stay due until one is
configured. It does not decide what a reply means (`relay.model.delivery`) nor speak SMTP (`session.py`).
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence

from relay import maillog
from relay.archive.api import Archive
from relay.config import Delivery as DeliveryTable
from relay.config import Route, Upstream
from relay.courier.consignment import Consignment
from relay.courier.desk import Desk
from relay.courier.marking import Marking
from relay.courier.pool import Pool
from relay.courier.routing import route
from relay.model.delivery import MICROSECONDS, RetrySchedule
from relay.model.message import Message
from relay.model.switch import Switches
from relay.model.upstream import UpstreamState
from relay.rendition.signing import Signer

LEASE = 600
"""Seconds for which a claim holds; renewed at a third of it while a transaction runs."""
MAX_RECIPIENTS = 100
"""Recipients of one transaction upstream: what every server must take (RFC 5321 section 4.5.3.1.8)."""
LONGEST_WAIT = 300.0
"""Seconds after which the queue is looked at even if nothing was announced."""
RECOVERY_BATCH = 500
UNSIGNED = Signer()
NO_SWITCHES = Switches()
TROUBLE_PAUSE = 1.0
"""Seconds to rest after the archive could not be asked."""


class Courier:
    """Started once, stopped once. `spread` gives random numbers in [0, 1), `clock` UTC microseconds."""

    def __init__(
        self,
        delivery: DeliveryTable,
        upstreams: Sequence[Upstream],
        *,
        hostname: str,
        archive: Archive,
        clock: Callable[[], int],
        new_id: Callable[[], str],
        spread: Callable[[], float],
        signer: Signer = UNSIGNED,
        marking: Marking | None = None,
        routes: Sequence[Route] = (),
        switches: Switches = NO_SWITCHES,
        lease: float = LEASE,
    ) -> None:
        self._lease = lease
        self._switches = switches
        self._archive, self._clock, self._new_id, self._spread = archive, clock, new_id, spread
        self._owner = new_id()
        self._backlog: deque[Consignment] = deque()
        """Claimed, waiting for a free place."""
        self._running: dict[asyncio.Task[None], Consignment] = {}
        self._bell = asyncio.Event()
        """Rung when a place became free, or when settings changed."""
        self._is_stopping = False
        self._tasks: list[asyncio.Task[None]] = []
        self._pools: dict[Upstream, Pool] = {}
        self._configure(delivery, upstreams, hostname, signer, marking)

    async def start(self) -> None:
        """Takes over what an earlier process left under way, then begins to claim. Raises ArchiveError."""
        await self._recover(self._owner)
        self._tasks = [asyncio.create_task(self._work()), asyncio.create_task(self._keep_leases())]

    async def stop(self, grace: float) -> None:
        """Claims no more, lets running transactions end within `grace` seconds, gives the rest back.

        What is still under way then is abandoned: the next start calls it unconfirmed and tries again.
        """
        self._is_stopping = True
        self._bell.set()
        if self._tasks:
            await asyncio.wait(self._tasks[:1], timeout=grace)
        waiting = list(self._backlog)
        self._backlog.clear()
        for consignment in waiting:
            await consignment.give_back()
        if self._running:
            await asyncio.wait(self._running, timeout=grace)
        unfinished = [*self._running, *self._tasks]
        for task in unfinished:
            task.cancel()
        await asyncio.gather(*unfinished, return_exceptions=True)
        for pool in self._pools.values():
            await pool.close()

    async def reload(
        self,
        delivery: DeliveryTable,
        upstreams: Sequence[Upstream],
        hostname: str,
        signer: Signer = UNSIGNED,
        marking: Marking | None = None,
    ) -> None:
        """New settings for everything claimed from now on; transactions under way end with the old ones."""
        old = self._pools
        self._configure(delivery, upstreams, hostname, signer, marking)
        self._bell.set()
        for upstream, pool in old.items():
            if self._pools.get(upstream) is pool:
                pool.refresh()
            else:
                await pool.close()

    def _configure(
        self,
        delivery: DeliveryTable,
        upstreams: Sequence[Upstream],
        hostname: str,
        signer: Signer,
        marking: Marking | None,
    ) -> None:
        self._concurrency = delivery.concurrency
        self._upstreams = tuple(upstreams)
        is_same_name = getattr(self, "_hostname", hostname) == hostname
        self._hostname = hostname
        kept = self._pools if is_same_name else {}
        self._pools = {upstream: kept.get(upstream) or Pool(upstream, hostname, self._spread) for upstream in upstreams}
        self._desk = Desk(
            archive=self._archive,
            clock=self._clock,
            new_id=self._new_id,
            spread=self._spread,
            hostname=hostname,
            settings=delivery,
            schedule=retry_schedule(delivery),
            signer=signer,
            marking=marking,
        )

    def use(self, switches: Switches) -> None:
        """Pauses and lifts pauses at once: nothing that is paused is begun any more."""
        self._switches = switches
        self._bell.set()

    def upstream_states(self) -> list[UpstreamState]:
        """How each upstream does at this moment, in the order of the configuration."""
        return []

    # -- claiming ----------------------------------------------------------------------------------------------
    async def _work(self) -> None:
        while not self._is_stopping:
            self._bell.clear()
            try:
                await self._round()
            except Exception as error:
                maillog.room_failed("courier", error)
                await self._unless_rung(asyncio.sleep(TROUBLE_PAUSE))

    async def _round(self) -> None:
        """One step: fills free places, claims when little is waiting, else waits for something to do."""
        while self._backlog and len(self._running) < self._concurrency:
            self._dispatch(self._backlog.popleft())
        if not self._upstreams or len(self._backlog) >= self._concurrency:
            await self._bell.wait()
            return
        pause = min(pool.suspended_for for pool in self._pools.values())
        is_probing = not any(pool.is_proven for pool in self._pools.values())
        if pause > 0:
            await self._unless_rung(asyncio.sleep(pause))
        elif is_probing and (self._running or self._backlog):
            await self._bell.wait()
        elif not await self._claim(self._concurrency if is_probing else max(MAX_RECIPIENTS, 2 * self._concurrency)):
            await self._wait_for_due()

    async def _claim(self, limit: int) -> bool:
        now = self._clock()
        claims = await self._archive.claim(self._owner, now, self._lease_end(now), limit)
        for claim in claims:
            pool = self._pool_for(claim.message)
            for start in range(0, len(claim.deliveries), MAX_RECIPIENTS):
                group = claim.deliveries[start : start + MAX_RECIPIENTS]
                self._backlog.append(Consignment(self._desk, pool, claim.message, group))
        return bool(claims)

    def _pool_for(self, message: Message) -> Pool:
        upstream = route(message, self._upstreams)
        if upstream is None:
            raise LookupError(f"no upstream for {message.id}")
        return self._pools[upstream]

    def _dispatch(self, consignment: Consignment) -> None:
        task = asyncio.create_task(consignment.carry())
        self._running[task] = consignment
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        del self._running[task]
        self._bell.set()
        if not task.cancelled() and (error := task.exception()) is not None:
            maillog.room_failed("courier", error)

    async def _wait_for_due(self) -> None:
        """Returns when something may be due. Listens before it looks, so that no write falls between the two."""
        listening = asyncio.ensure_future(self._archive.wait_for_due(LONGEST_WAIT))
        await asyncio.sleep(0)
        try:
            due_at = await self._archive.next_due()
            seconds = LONGEST_WAIT if due_at is None else max(0.001, (due_at - self._clock()) / MICROSECONDS)
            await self._unless_rung(asyncio.wait([listening], timeout=seconds))
        finally:
            listening.cancel()
            await asyncio.gather(listening, return_exceptions=True)

    async def _unless_rung(self, something: Awaitable[object]) -> None:
        """Waits for something, but no longer than until the bell rings."""
        waits = [asyncio.ensure_future(something), asyncio.ensure_future(self._bell.wait())]
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()
            await asyncio.gather(*waits, return_exceptions=True)

    # -- leases ------------------------------------------------------------------------------------------------
    async def _keep_leases(self) -> None:
        """Renews what is under way, and takes back what was lost (an end that could not be written)."""
        while True:
            await asyncio.sleep(self._lease / 3)
            try:
                held = [id for consignment in (*self._running.values(), *self._backlog) for id in consignment.open_ids]
                if held:
                    await self._archive.renew(self._owner, held, self._lease_end(self._clock()))
                await self._recover(None)
            except Exception as error:
                maillog.room_failed("courier", error)

    def _lease_end(self, now: int) -> int:
        return now + int(self._lease * MICROSECONDS)

    async def _recover(self, owner: str | None) -> None:
        while True:
            ids = [self._new_id() for _ in range(RECOVERY_BATCH)]
            recovered = await self._archive.recover(
                self._clock(), ids, owner=owner, retry_unconfirmed=self._desk.settings.unconfirmed == "retry"
            )
            for delivery in recovered:
                maillog.delivery_recovered(delivery)
            if len(recovered) < RECOVERY_BATCH:
                return


def retry_schedule(delivery: DeliveryTable) -> RetrySchedule:
    """The configured schedule in microseconds."""
    return RetrySchedule(
        intervals=tuple(seconds * MICROSECONDS for seconds in delivery.retry),
        then=delivery.retry_then * MICROSECONDS,
        expire_after=delivery.expire_after * MICROSECONDS,
        jitter=delivery.jitter,
    )
