"""The archive's contract about people and the queue: operations on deliveries that wait, and the switches.

What all methods promise is in `api.py`, of whose protocol this one is a part.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from relay.model.delivery import Claim, Delivery, Priority, State
from relay.model.event import Event
from relay.model.switch import Switches


@dataclass(frozen=True, slots=True)
class Waiting:
    """A delivery as a person wants it, and the state in which it was when they decided."""

    delivery: Delivery
    expected_state: State


@dataclass(frozen=True, slots=True)
class Lanes:
    """From which lanes of the queue to take: all but `closed`; from those in `busy` only what is urgent; from those
    in `room` no more than so many that are not urgent.

    The lane of deliveries that were not routed yet is ''.
    """

    closed: frozenset[str] = frozenset()
    busy: frozenset[str] = frozenset()
    room: Mapping[str, int] = field(default_factory=dict)

    def are_open_to(self, lane: str, priority: int) -> bool:
        return lane not in self.closed and (priority >= Priority.URGENT or lane not in self.busy)


ALL_LANES = Lanes()


class QueueWork(Protocol):
    """What an operation makes of a delivery is in `relay.model.operation`."""

    async def claim(
        self,
        owner: str,
        now: int,
        lease_until: int,
        limit: int,
        lanes: Lanes = ALL_LANES,
        *,
        only_expired: bool = False,
    ) -> list[Claim]:
        """At most `limit` due deliveries of open lanes, now `sending` and leased to `owner`, by message.

        Higher priorities first; within one, the applications in turn; oldest due first. With `only_expired` those
        whose time has run out. Each claim says who of its recipients is on the suppression list.
        Crash after: the lease runs out, `recover` makes them due again.
        """

    async def park(self, deliveries: Sequence[Delivery]) -> None:
        """Writes claimed deliveries back that were not tried: lane, why, due_at, expires_at as given, and the state
        in which they waited before. One that is not claimed (any more) is left alone."""

    async def next_due(self, lanes: Lanes = ALL_LANES) -> int | None:
        """The earliest `due_at` of an unclaimed delivery in an open lane."""

    async def is_any_expired(self, now: int) -> bool:
        """Whether the time of a delivery that waits has run out."""

    async def forget_lanes(self) -> None:
        """All that waits is in no lane again: the routes have changed."""

    async def change_waiting(self, changes: Sequence[Waiting], events: Sequence[Event]) -> list[str]:
        """Writes state, due_at, expires_at, priority, lane, wanted_upstream and why of those nobody has touched since.

        One that is being sent, is no longer in its expected state, or was tried meanwhile is left alone, and its
        events are not added: two people may decide at once. Returns the ids of the deliveries that were changed.
        """

    async def switches(self) -> Switches: ...

    async def put_switches(self, switches: Switches, event: Event, before: Switches) -> bool:
        """Replaces all switches if they are still `before`; False: somebody turned one meanwhile, nothing was changed.

        Whoever calls it has the server look at them (`switches_changed`).
        """

    async def change_setting(self, key: str, before: Any, after: Any, events: Sequence[Event]) -> bool:
        """Replaces a JSON-able setting if it is still `before` (None: there is none), with the events that say so.

        False: somebody changed it meanwhile, nothing was changed.
        """
