"""The gate to one upstream: its places, its share of memory, its pace, and who waits in front of it.

Nothing here is shared with another upstream, so that one which hangs holds up only its own mail. Kind `mx` has a pool
for each domain, because there the domain's own servers are what may be down.
"""

from __future__ import annotations

import asyncio
from collections import Counter, OrderedDict, deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from relay.config import Upstream
from relay.courier.consignment import Consignment
from relay.courier.desk import Budget
from relay.courier.dialler import diallers
from relay.courier.pace import Bucket
from relay.courier.pool import Pool
from relay.model.delivery import Priority
from relay.model.switch import Pause
from relay.model.upstream import Health, UpstreamState
from relay.resolver import Lookup

MX_PER_DOMAIN = 5
"""Sessions with the servers of one domain, where nothing is configured."""
WAITING = 3
"""Consignments that may wait for each place: enough that no place is empty while the next are claimed, which takes a
commit; few enough that what is less in a hurry does not stand long before other applications' mail."""
MAX_DOMAINS = 2000
"""Domains whose pace, or whose sessions, are remembered."""


@dataclass(frozen=True, slots=True)
class Load:
    """A consignment that was let in, and what it weighs."""

    consignment: Consignment
    priority: int
    domains: frozenset[str]
    """Only where domains are counted."""
    deliveries: int


class Gate:
    """Used within one event loop. `changed` is called when more may be let in, or less."""

    def __init__(
        self,
        upstream: Upstream,
        helo: str,
        spread: Callable[[], float],
        clock: Callable[[], int],
        changed: Callable[[], None],
        lookup: Lookup | None = None,
    ) -> None:
        self.upstream, self.budget = upstream, Budget()
        self.places = 1
        self.is_awaited = False
        """Whether somebody found it too full, and is to be told when it is no more."""
        self._helo, self._spread, self._clock, self._changed = helo, spread, clock, changed
        self._diallers = diallers(upstream, helo, clock=clock, spread=spread, lookup=lookup)
        self._main = self._new_pool("", is_probing=not self.is_mx)
        self._pools: OrderedDict[str, Pool] = OrderedDict()
        """Kind `mx`: by domain."""
        self._backlog: deque[Load] = deque()
        self._urgent: deque[Load] = deque()
        self._running: dict[asyncio.Task[None], Load] = {}
        self._domains: Counter[str] = Counter()
        """Of what is let in, by domain."""
        self._bucket = Bucket(upstream.rate, clock()) if upstream.rate else None
        self._buckets: OrderedDict[str, Bucket] = OrderedDict()
        self._pause: Pause | None = None
        self._is_shut = False
        self._health, self._since = Health.UP, clock()

    @property
    def is_mx(self) -> bool:
        return self.upstream.kind == "mx"

    @property
    def is_split(self) -> bool:
        """Whether recipients of different domains travel apart, and are counted apart."""
        return self.is_mx or bool(self.upstream.rate_per_domain or self._per_domain)

    @property
    def _per_domain(self) -> int:
        return self.upstream.connections_per_domain or (MX_PER_DOMAIN if self.is_mx else 0)

    # -- whether to let in -------------------------------------------------------------------------------------
    @property
    def is_up(self) -> bool:
        return self._main.is_up

    @property
    def room(self) -> int:
        """How many consignments of no hurry may be let in: behind each that runs `WAITING` may wait.

        None before half of these are gone: to fetch many at once is cheaper than one by one.
        """
        most = WAITING * self.places
        free = most - len(self._backlog) - len(self._urgent)
        return free if 2 * free >= most else 0

    @property
    def permits(self) -> int:
        """How many recipients may be let in by the rate."""
        return self._bucket.available(self._clock()) if self._bucket else 1_000_000

    @property
    def is_paused(self) -> bool:
        return self._pause is not None

    def obstacle(self) -> str | None:
        """Why nothing is let in at all, in words."""
        name = self.upstream.name
        if self._pause is not None:
            return str(self._pause)
        if not self.is_up:
            failures, error = self._main.failures, self._main.error
            if not failures:
                return f"upstream {name} does not answer"
            return f"upstream {name} rests after {failures} failure{'s' if failures > 1 else ''}: {error}"
        if not self.permits:
            return f"waits for upstream {name}: rate limit {self.upstream.rate}/min"
        return None

    def obstacle_of(self, domain: str) -> str | None:
        """Why nothing for this domain is let in, in words."""
        name, limit = self.upstream.name, self._per_domain
        if limit and self._domains[domain] >= limit:
            return f"waits for upstream {name}: {limit} at once to {domain}"
        if self.upstream.rate_per_domain and not self._bucket_of(domain).available(self._clock()):
            return f"waits for upstream {name}: rate limit {self.upstream.rate_per_domain}/min to {domain}"
        pool = self._pools.get(domain)
        if pool is not None and pool.suspended_for > 0:
            return f"waits for the servers of {domain}: {pool.error}"
        return None

    def permits_of(self, domain: str) -> int:
        return self._bucket_of(domain).available(self._clock()) if self.upstream.rate_per_domain else 1_000_000

    def changes_in(self, domains: Iterable[str]) -> Iterator[float]:
        """Seconds until what holds somebody up may have passed by itself. `domains`: those that are held up."""
        now = self._clock()
        if self.is_up:
            yield self._main.doubted_in
        if self._bucket and not self.permits:
            yield (self._bucket.next_at(now) - now) / 1e6
        for domain in domains:
            if self.upstream.rate_per_domain and not self.permits_of(domain):
                yield (self._bucket_of(domain).next_at(now) - now) / 1e6
            pool = self._pools.get(domain)
            if pool is not None and pool.suspended_for > 0:
                yield pool.suspended_for

    def _bucket_of(self, domain: str) -> Bucket:
        bucket = self._buckets.get(domain)
        if bucket is None:
            bucket = self._buckets[domain] = Bucket(self.upstream.rate_per_domain, self._clock())
            if len(self._buckets) > MAX_DOMAINS:
                self._buckets.popitem(last=False)
        return bucket

    # -- letting in --------------------------------------------------------------------------------------------
    def use_permits(self, domain: str, count: int) -> None:
        now = self._clock()
        if self._bucket:
            self._bucket.use(count, now)
        if self.upstream.rate_per_domain:
            self._bucket_of(domain).use(count, now)

    def pool(self, domain: str) -> Pool:
        """The pool that carries mail for the domain."""
        if not self.is_mx:
            return self._main
        pool = self._pools.get(domain)
        if pool is None:
            pool = self._pools[domain] = self._new_pool(domain, is_probing=False)
            if len(self._pools) > MAX_DOMAINS:
                self._forget_a_pool()
        self._pools.move_to_end(domain)
        return pool

    def _forget_a_pool(self) -> None:
        for domain, pool in self._pools.items():
            if not self._domains[domain] and not pool.sessions:
                del self._pools[domain]
                return

    def _new_pool(self, domain: str, *, is_probing: bool) -> Pool:
        upstream = self.upstream
        if self.is_mx:
            upstream = upstream.model_copy(update={"connections": min(upstream.connections, self._per_domain)})
        return Pool(
            upstream,
            self._helo,
            self._spread,
            dialler=self._diallers(domain),
            is_probing=is_probing,
            changed=self._changed,
        )

    def enter(self, load: Load) -> None:
        """Lets a consignment in; it waits for a place, urgent ones before the rest."""
        (self._urgent if load.priority >= Priority.URGENT else self._backlog).append(load)
        self._domains.update(load.domains)

    def begin(self) -> None:
        """Carries as many as there are places; none once the gate is shut for good."""
        while not self._is_shut and len(self._running) < self.places and (self._urgent or self._backlog):
            load = (self._urgent or self._backlog).popleft()
            task = asyncio.create_task(load.consignment.carry())
            self._running[task] = load
            task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._leave(self._running.pop(task))
        self.begin()
        if self.is_awaited and self.room:
            self.is_awaited = False
            self._changed()

    def _leave(self, load: Load) -> None:
        for domain in load.domains:
            self._domains[domain] -= 1
            if self._domains[domain] <= 0:
                del self._domains[domain]

    # -- people and settings -----------------------------------------------------------------------------------
    def use(self, pause: Pause | None) -> None:
        """A person's pause, or none. What has begun goes on."""
        self._pause = pause
        for pool in (self._main, *self._pools.values()):
            pool.pause(pause is not None)

    def shut(self) -> None:
        """Nothing more begins: the courier stops."""
        self._is_shut = True

    async def turn_away(self, why: str | None = None) -> None:
        """Gives back what was let in and has no place yet."""
        loads = [*self._urgent, *self._backlog]
        self._urgent.clear()
        self._backlog.clear()
        for load in loads:
            self._leave(load)
            await load.consignment.give_back(why=why)

    def refresh(self) -> None:
        for pool in (self._main, *self._pools.values()):
            pool.refresh()

    async def close(self) -> None:
        """Ends the sessions that are kept; what is being carried ends its own."""
        await asyncio.gather(*(pool.close() for pool in (self._main, *self._pools.values())))

    @property
    def tasks(self) -> list[asyncio.Task[None]]:
        return list(self._running)

    @property
    def open_ids(self) -> list[str]:
        """The deliveries that need their lease."""
        loads = (*self._running.values(), *self._urgent, *self._backlog)
        return [delivery_id for load in loads for delivery_id in load.consignment.open_ids]

    def state(self) -> UpstreamState:
        """How the upstream does now; `since` is when that was first seen."""
        health = Health.UP
        if self._pause is not None:
            health = Health.PAUSED
        elif not self.is_up:
            health = Health.RESTING if self._main.suspended_for > 0 else Health.PROBING
        is_other = health is not self._health and {health, self._health} != {Health.RESTING, Health.PROBING}
        if is_other:
            self._since = self._clock()
        self._health = health
        pools = (self._main, *self._pools.values())
        return UpstreamState(
            name=self.upstream.name,
            health=health,
            since=self._since,
            error=self._main.error,
            obstacle=self.obstacle() or "",
            sessions=sum(pool.sessions for pool in pools),
            running=len(self._running),
            waiting=sum(load.deliveries for load in (*self._urgent, *self._backlog)),
        )
