"""Sorts claimed deliveries: which go to which gate now, and which are put back, in which lane and why.

A delivery that cannot go now is written back with its lane, and is not claimed again while that lane is shut: so a
lane that is stuck costs one write for each of its deliveries, and never stands before another lane. Where only one
domain is held up, its mail waits in a lane of its own, `ROUTE @DOMAIN`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from relay.archive.api import Lanes
from relay.courier.gate import Gate
from relay.courier.routing import NO_HEADING, Heading, Lane, Router, pick
from relay.model.delivery import MICROSECONDS, Claim, Delivery, Priority
from relay.model.message import Message

MAX_PARKED = 200
"""Lanes of single domains; more domains that are held up at once are looked at again after a while."""
LATER = 30 * MICROSECONDS
MIXED = 500
"""Deliveries of one claim at most."""
FEWEST = 5
"""Of one claim at least, were it for urgent ones alone."""
LONGEST = 300.0
UNROUTED = ""


@dataclass(slots=True)
class Parcel:
    """Deliveries of one message that go through one gate together."""

    gate: Gate
    lane: Lane
    domain: str
    """Of all of them, where domains travel apart; else ''."""
    message: Message
    deliveries: list[Delivery] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Sorted:
    parcels: list[Parcel]
    put_back: list[Delivery]


class Sorter:
    """Of one configuration. `gates` by name of the upstream."""

    def __init__(
        self, router: Router, gates: Mapping[str, Gate], clock: Callable[[], int], spread: Callable[[], float]
    ) -> None:
        self.router = router
        self._gates, self._clock, self._spread = gates, clock, spread
        self._parked: dict[str, tuple[Lane, str]] = {}
        """By name of a domain's own lane: the lane it belongs to, and the domain."""
        self._shut: frozenset[str] = frozenset()
        """Lanes that were not open to everything when they were looked at last."""
        self.limit = FEWEST
        """How many deliveries to claim, all lanes together."""
        self._stretch = 1
        """Deliveries without a lane to look at, while most of them have to wait."""

    # -- which lanes may be claimed from -----------------------------------------------------------------------
    def lanes(self) -> Lanes:
        """What is shut now: lanes whose upstreams take nothing, and those that have no room for what has no hurry."""
        closed: set[str] = set()
        room: dict[str, int] = {}
        for lane in self.router.lanes:
            self._judge(lane, lane.name, closed, room)
        for name, (lane, domain) in self._parked.items():
            gate = self._gate(lane, 0.0)
            if gate is not None and gate.obstacle_of(domain) is None:
                self._judge(lane, name, closed, room)
                continue
            closed.add(name)
            if gate is not None:
                gate.is_awaited = True
        self._judge_unrouted(closed, room)
        up = [gate for gate in self._gates.values() if gate.obstacle() is None]
        self.limit = min(MIXED, max(FEWEST, self._stretch, sum(min(gate.room, gate.permits) for gate in up)))
        busy = frozenset(name for name, free in room.items() if not free)
        self._shut = frozenset(closed | busy)
        return Lanes(frozenset(closed), busy, {name: free for name, free in room.items() if free})

    def _judge(self, lane: Lane, name: str, closed: set[str], room: dict[str, int]) -> None:
        gate = self._gate(lane, 0.0)
        if gate is None or gate.obstacle() is not None:
            closed.add(name)
        else:
            room[name] = min(gate.room, gate.permits)
            gate.is_awaited = gate.is_awaited or not gate.room

    def _judge_unrouted(self, closed: set[str], room: dict[str, int]) -> None:
        """Open as long as there is a way open to any of it. Where a way is shut, more is looked at each time, so that
        what has to wait for it does not stand before the rest."""
        ways = {lane.name for lane in self.router.lanes if lane.route is not None} | {self.router.default.name}
        free = sum(room.get(way, 0) for way in ways)
        if ways <= closed:
            closed.add(UNROUTED)
        else:
            room[UNROUTED] = max(free, self._stretch) if free else 0

    def paused_lanes(self) -> Lanes:
        """As `lanes`, but shut are only those that a person's pause stops."""
        closed = {
            lane.name for lane in self.router.lanes if all(self._gates[name].is_paused for name in lane.upstreams)
        }
        closed |= {name for name, (lane, _) in self._parked.items() if lane.name in closed}
        if self.router.default.name in closed:
            closed.add(UNROUTED)
        return Lanes(frozenset(closed))

    def changes_in(self) -> float:
        """Seconds until a lane may open by itself; forgets domains that nothing waits for."""
        held: dict[int, list[str]] = {}
        for lane, domain in self._parked.values():
            for name in lane.upstreams:
                held.setdefault(id(self._gates[name]), []).append(domain)
        waits = (wait for gate in self._gates.values() for wait in gate.changes_in(held.get(id(gate), ())))
        return min((wait for wait in waits if wait > 0), default=LONGEST)

    # -- sorting -----------------------------------------------------------------------------------------------
    def sort(self, claim: Claim, heading: Heading = NO_HEADING, *, is_late: bool = False) -> Sorted:
        """Every delivery of the claim. `is_late`: its time has run out, so it goes to a gate though that is shut."""
        parcels: dict[tuple[str, str, str], Parcel] = {}
        put_back: list[Delivery] = []
        for claimed in claim.deliveries:
            lane = self.router.lane(claim.message, claimed, heading)
            delivery = _in_lane(claimed, lane)
            gate = self._gate(lane, self._spread())
            is_passed = is_late or delivery.id in claim.suppressed
            if gate is None:
                gate = self._gates[lane.upstreams[0]]
            domain = delivery.recipient.address.rpartition("@")[2].lower() if gate.is_split else ""
            key = (lane.name, gate.upstream.name, domain)
            held = None if is_passed else self._held(delivery, lane, gate, domain, is_accompanied=key in parcels)
            if held is not None:
                put_back.append(held)
                continue
            if not is_passed:
                gate.use_permits(domain, 1)
            parcels.setdefault(key, Parcel(gate, lane, domain, claim.message)).deliveries.append(delivery)
        self._learn(len(claim.deliveries), sum(1 for one in put_back if one.lane in self._shut))
        return Sorted(list(parcels.values()), put_back)

    def _learn(self, claimed: int, in_vain: int) -> None:
        """In a claim most of which had to wait for a lane that was shut before, more might have gone elsewhere."""
        self._stretch = min(MIXED, self._stretch + in_vain) if 2 * in_vain > claimed else 1

    def _held(
        self, delivery: Delivery, lane: Lane, gate: Gate, domain: str, *, is_accompanied: bool
    ) -> Delivery | None:
        """The delivery as it waits, with the reason; None if it may go. `is_accompanied`: others of its parcel go."""
        why = gate.obstacle()
        if why is None and not is_accompanied and not gate.room and delivery.priority < Priority.URGENT:
            why = f"waits for a place with upstream {gate.upstream.name}"
        if why is not None:
            return replace(delivery, why=why)
        why = gate.obstacle_of(domain) if domain and not (is_accompanied and gate.permits_of(domain)) else None
        if why is None:
            return None
        name = f"{lane.name} @{domain}"
        if name not in self._parked and len(self._parked) >= MAX_PARKED:
            return replace(delivery, why=why, due_at=self._clock() + LATER)
        self._parked[name] = lane, domain
        return replace(delivery, why=why, lane=name)

    def _gate(self, lane: Lane, spread: float) -> Gate | None:
        """Where the lane's mail goes next; None where no upstream of it is up."""
        name = pick(lane, lambda one: self._gates[one].is_up, lambda one: self._gates[one].room > 0, spread)
        return None if name is None else self._gates[name]


def _in_lane(delivery: Delivery, lane: Lane) -> Delivery:
    """The delivery under the rules of its route; at its first try the route's time to expire begins to count."""
    expires_at = delivery.expires_at
    if lane.route is not None and lane.route.expire_after is not None and not delivery.attempts:
        begins_at = delivery.created_at if delivery.due_at is None else max(delivery.created_at, delivery.due_at)
        expires_at = begins_at + lane.route.expire_after * MICROSECONDS
    return replace(delivery, lane=lane.name, why=None, expires_at=expires_at)
