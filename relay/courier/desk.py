"""What every consignment needs to do its work: the archive, clock, ids, settings; and a budget of memory."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from relay.archive.api import Archive
from relay.config import Delivery as DeliveryTable
from relay.courier.marking import Marking
from relay.model.delivery import RetrySchedule
from relay.model.suppressing import NO_RULES, SuppressionRules
from relay.rendition.signing import Signer

MEMORY_BUDGET = 64 * 1024 * 1024
"""Octets of content held by all running transactions together; a single larger message goes alone."""


class Budget:
    """A number of octets shared by those who hold contents in memory; served in order of asking."""

    def __init__(self, octets: int = MEMORY_BUDGET) -> None:
        self._octets = octets
        self._used = 0
        self._waiting: deque[tuple[int, asyncio.Future[None]]] = deque()

    @asynccontextmanager
    async def share(self, octets: int) -> AsyncIterator[None]:
        """Waits until there is room for `octets`, or until nobody else has any, and keeps it while inside."""
        if self._waiting or not self._has_room(octets):
            turn = asyncio.get_running_loop().create_future()
            self._waiting.append((octets, turn))
            try:
                await turn
            except asyncio.CancelledError:
                if turn.done() and not turn.cancelled():
                    self._give_back(octets)
                raise
        else:
            self._used += octets
        try:
            yield
        finally:
            self._give_back(octets)

    def _has_room(self, octets: int) -> bool:
        return self._used == 0 or self._used + octets <= self._octets

    def _give_back(self, octets: int) -> None:
        self._used -= octets
        while self._waiting:
            wanted, turn = self._waiting[0]
            if not turn.done():
                if not self._has_room(wanted):
                    return
                self._used += wanted
                turn.set_result(None)
            self._waiting.popleft()


@dataclass(frozen=True, slots=True)
class Desk:
    """Made anew when the configuration is."""

    archive: Archive
    clock: Callable[[], int]
    new_id: Callable[[], str]
    spread: Callable[[], float]
    hostname: str
    settings: DeliveryTable
    schedule: RetrySchedule
    signer: Signer = field(default_factory=Signer)
    marking: Marking | None = None
    """None: nothing is tracked."""
    rules: SuppressionRules = NO_RULES
    """Which refusals put a recipient on the suppression list."""
    budget: Budget = field(default_factory=Budget)
