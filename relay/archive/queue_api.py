"""The archive's contract about people and the queue: operations on deliveries that wait, and the switches.

What all methods promise is in `api.py`, of whose protocol this one is a part.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from relay.model.delivery import Delivery, State
from relay.model.event import Event
from relay.model.switch import Switches


@dataclass(frozen=True, slots=True)
class Waiting:
    """A delivery as a person wants it, and the state in which it was when they decided."""

    delivery: Delivery
    expected_state: State


class QueueWork(Protocol):
    """What an operation makes of a delivery is in `relay.model.operation`."""

    async def change_waiting(self, changes: Sequence[Waiting], events: Sequence[Event]) -> list[str]:
        """Writes state, due_at, expires_at, priority, lane, wanted_upstream and why of those nobody has touched since.

        One that is being sent, is no longer in its expected state, or was tried meanwhile is left alone, and its
        events are not added: two people may decide at once. Returns the ids of the deliveries that were changed.
        """

    async def switches(self) -> Switches: ...

    async def put_switches(self, switches: Switches, event: Event) -> None:
        """Replaces all switches. Whoever calls it has the server look at them (`switches_changed`)."""
