"""The courier: takes due deliveries from the archive, sends them upstream, writes down what became of them.

`claim` -> lanes and gates (`sorting.py`, `gate.py`) -> `consignment.py`, one transaction each -> commit. Many run at
once, so that their commits share transactions of the archive. Without an upstream it claims nothing: deliveries stay
due until one is configured. It does not decide what a reply means (`relay.model.delivery`) nor speak SMTP.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace

from relay import maillog
from relay.archive.api import Archive, ArchiveError, ArchiveUnavailable, Lanes
from relay.config import Delivery as DeliveryTable
from relay.config import Route, Upstream
from relay.courier.consignment import Consignment
from relay.courier.desk import Desk
from relay.courier.gate import Gate, Load
from relay.courier.heading import read_heading
from relay.courier.marking import Marking
from relay.courier.routing import NO_HEADING, Heading, Router
from relay.courier.sorting import Parcel, Sorter
from relay.model.delivery import MICROSECONDS, Claim, RetrySchedule
from relay.model.suppressing import NO_RULES, SuppressionRules
from relay.model.switch import Switches
from relay.model.upstream import UpstreamState
from relay.rendition.signing import Signer
from relay.resolver import Lookup

LEASE = 600
"""Seconds for which a claim holds; renewed at a third of it while a transaction runs."""
MAX_RECIPIENTS = 100
"""Recipients of one transaction upstream: what every server must take (RFC 5321 section 4.5.3.1.8)."""
LONGEST_WAIT = 300.0
"""Seconds after which the queue is looked at even if nothing was announced."""
EXPIRY_LOOK = 60.0
"""Seconds between looks for what has expired in lanes that are shut."""
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
        rules: SuppressionRules = NO_RULES,
        switches: Switches = NO_SWITCHES,
        lease: float = LEASE,
        lookup: Lookup | None = None,
    ) -> None:
        """`lookup`: the DNS for upstreams of kind `mx`; None: the system's name servers."""
        self._lease, self._lookup = lease, lookup
        self._archive, self._clock, self._new_id, self._spread = archive, clock, new_id, spread
        self._owner = new_id()
        self._bell = asyncio.Event()
        """Rung when a place became free, an upstream came or went, or when settings changed."""
        self._is_stopping = False
        self._tasks: list[asyncio.Task[None]] = []
        self._errands: set[asyncio.Task[None]] = set()
        self._gates: dict[str, Gate] = {}
        self._leaving: list[Gate] = []
        """Of upstreams that are configured no more; they end what they carry."""
        self._switches = switches
        self._hostname = hostname
        self._configure(delivery, upstreams, hostname, signer, marking, routes, rules)

    async def start(self) -> None:
        """Takes over what an earlier process left under way, then begins to claim. Raises ArchiveError."""
        await self._recover(self._owner)
        await self._archive.forget_lanes()
        work = (self._work(), self._keep_leases(), self._expire())
        self._tasks = [asyncio.create_task(each) for each in work]

    async def stop(self, grace: float) -> None:
        """Claims no more, lets running transactions end within `grace` seconds, gives the rest back.

        What is still under way then is abandoned: the next start calls it unconfirmed and tries again.
        """
        self._is_stopping = True
        for gate in self._gates.values():
            gate.shut()
        self._bell.set()
        if self._tasks:
            await asyncio.wait(self._tasks[:1], timeout=grace)
        gates = [*self._gates.values(), *self._leaving]
        for gate in gates:
            await gate.turn_away()
        running = [*(task for gate in gates for task in gate.tasks), *self._errands]
        if running:
            await asyncio.wait(running, timeout=grace)
        unfinished = [*(task for gate in gates for task in gate.tasks), *self._errands, *self._tasks]
        for task in unfinished:
            task.cancel()
        await asyncio.gather(*unfinished, return_exceptions=True)
        # All at once: each waits for its upstream's answer to QUIT, and those that are silent let us wait in vain.
        await asyncio.gather(*(gate.close() for gate in gates))

    async def reload(
        self,
        delivery: DeliveryTable,
        upstreams: Sequence[Upstream],
        hostname: str,
        signer: Signer = UNSIGNED,
        marking: Marking | None = None,
        routes: Sequence[Route] = (),
        rules: SuppressionRules = NO_RULES,
    ) -> None:
        """New settings for everything claimed from now on; transactions under way end with the old ones."""
        old, routes_before = self._gates, self._routes
        self._configure(delivery, upstreams, hostname, signer, marking, routes, rules)
        if self._gates.keys() != old.keys() or routes_before != tuple(routes):
            await self._archive.forget_lanes()
        self._bell.set()
        for gate in old.values():
            if self._gates.get(gate.upstream.name) is gate:
                gate.refresh()
            else:
                self._leaving.append(gate)
                await gate.turn_away()
                await gate.close()
        self._leaving = [gate for gate in self._leaving if gate.tasks]

    def use(self, switches: Switches) -> None:
        """Pauses and lifts pauses at once: nothing that is paused is begun any more."""
        self._switches = switches
        for gate in self._gates.values():
            pause = switches.pause_of(gate.upstream.name)
            gate.use(pause)
            if pause is not None:
                task = asyncio.create_task(self._guarded(gate.turn_away(str(pause))))
                self._errands.add(task)
                task.add_done_callback(self._errands.discard)
        self._bell.set()

    def upstream_states(self) -> list[UpstreamState]:
        """How each upstream does at this moment, in the order of the configuration."""
        return [gate.state() for gate in self._gates.values()]

    def _configure(
        self,
        delivery: DeliveryTable,
        upstreams: Sequence[Upstream],
        hostname: str,
        signer: Signer,
        marking: Marking | None,
        routes: Sequence[Route],
        rules: SuppressionRules,
    ) -> None:
        kept = self._gates if self._hostname == hostname else {}
        self._hostname, self._routes = hostname, tuple(routes)
        self._gates = {upstream.name: self._gate(upstream, kept) for upstream in upstreams}
        for gate in self._gates.values():
            gate.places = (
                delivery.concurrency if not gate.is_mx else min(delivery.concurrency, gate.upstream.connections)
            )
            gate.use(self._switches.pause_of(gate.upstream.name))
        router = Router(routes, [upstream.name for upstream in upstreams])
        self._schedules = {route.name: retry_schedule(delivery, route) for route in routes}
        self._sorter = Sorter(router, self._gates, self._clock, self._spread)
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
            rules=rules,
        )
        self._desks = {name: replace(self._desk, budget=gate.budget) for name, gate in self._gates.items()}

    def _gate(self, upstream: Upstream, kept: Mapping[str, Gate]) -> Gate:
        gate = kept.get(upstream.name)
        if gate is not None and gate.upstream == upstream:
            return gate
        return Gate(upstream, self._hostname, self._spread, self._clock, self._bell.set, self._lookup)

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
        """One step: claims for the gates that have room, or waits until one has and something is due."""
        if not self._gates:
            await self._bell.wait()
            return
        lanes = self._sorter.lanes()
        if not await self._claim(self._sorter.limit, lanes):
            await self._wait_for_due(lanes)

    async def _claim(self, limit: int, lanes: Lanes, *, is_late: bool = False) -> bool:
        now = self._clock()
        claims = await self._archive.claim(self._owner, now, self._lease_end(now), limit, lanes, only_expired=is_late)
        put_back = []
        for claim in claims:
            found = self._sorter.sort(claim, await self._heading(claim), is_late=is_late)
            put_back += found.put_back
            for parcel in found.parcels:
                self._enter(parcel, claim)
        for gate in self._gates.values():
            gate.begin()
        if put_back:
            await self._archive.park(put_back)
        return bool(claims)

    async def _heading(self, claim: Claim) -> Heading:
        """What the routes need to know of the content. One that cannot be read has none: sending it will say why."""
        if not self._sorter.router.reads_header:
            return NO_HEADING
        try:
            return await read_heading(self._archive, claim.message.id)
        except ArchiveUnavailable:
            raise
        except ArchiveError as error:
            maillog.room_failed("courier", error)
            return NO_HEADING

    def _enter(self, parcel: Parcel, claim: Claim) -> None:
        gate, deliveries, route = parcel.gate, parcel.deliveries, parcel.lane.route
        desk = self._desks[gate.upstream.name]
        domains = frozenset((parcel.domain,)) if parcel.domain else frozenset()
        others = [self._gates[name] for name in parcel.lane.upstreams if name != gate.upstream.name]
        for start in range(0, len(deliveries), MAX_RECIPIENTS):
            group = deliveries[start : start + MAX_RECIPIENTS]
            consignment = Consignment(
                desk,
                gate.pool(parcel.domain),
                claim.message,
                group,
                suppressed=claim.suppressed,
                schedule=self._schedules[route.name] if route else None,
                has_other=lambda: any(other.is_up for other in others),
            )
            gate.enter(Load(consignment, max(one.priority for one in group), domains, len(group)))

    async def _wait_for_due(self, lanes: Lanes) -> None:
        """Returns when something may be due in an open lane, or a lane may have opened.

        Listens before it looks, so that no write falls between the two.
        """
        listening = asyncio.ensure_future(self._archive.wait_for_due(LONGEST_WAIT))
        await asyncio.sleep(0)
        try:
            due_at = await self._archive.next_due(lanes)
            seconds = LONGEST_WAIT if due_at is None else max(0.001, (due_at - self._clock()) / MICROSECONDS)
            seconds = min(seconds, max(0.001, self._sorter.changes_in()))
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

    # -- leases and expiry -------------------------------------------------------------------------------------
    async def _expire(self) -> None:
        """Ends what expires while it waits for an upstream that rests. While a person's pause holds, time does not."""
        while True:
            await self._guarded(self.expire())
            await asyncio.sleep(EXPIRY_LOOK)

    async def expire(self) -> None:
        """Ends what has expired in lanes that are shut; done every minute."""
        if self._gates and await self._archive.is_any_expired(self._clock()):
            await self._claim(RECOVERY_BATCH, self._sorter.paused_lanes(), is_late=True)

    async def _keep_leases(self) -> None:
        """Renews what is under way, and takes back what was lost (an end that could not be written)."""
        while True:
            await asyncio.sleep(self._lease / 3)
            await self._guarded(self._keep_leases_once())

    async def _keep_leases_once(self) -> None:
        held = [id for gate in (*self._gates.values(), *self._leaving) for id in gate.open_ids]
        if held:
            await self._archive.renew(self._owner, held, self._lease_end(self._clock()))
        await self._recover(None)

    async def _guarded(self, step: Awaitable[None]) -> None:
        try:
            await step
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


def retry_schedule(delivery: DeliveryTable, route: Route | None = None) -> RetrySchedule:
    """The configured schedule in microseconds; a route may have its own."""
    retry, then, expire = delivery.retry, delivery.retry_then, delivery.expire_after
    if route is not None:
        retry = retry if route.retry is None else route.retry
        then = then if route.retry_then is None else route.retry_then
        expire = expire if route.expire_after is None else route.expire_after
    return RetrySchedule(
        intervals=tuple(seconds * MICROSECONDS for seconds in retry),
        then=then * MICROSECONDS,
        expire_after=expire * MICROSECONDS,
        jitter=delivery.jitter,
    )
