"""A door: what a listener does with mail that is not to be sent on, instead of capturing it.

The session is the intake's own, with all its limits; a door says which addresses it has, and keeps what came for
them. Given by the service to an `Intake` of its own (`feedback/arrivals.py`: the return paths).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from relay.archive.api import StoredContent
from relay.model.message import Envelope, Reception
from relay.model.reply import Reply


@dataclass(frozen=True, slots=True)
class Arrival:
    """One transaction that ended with the final dot."""

    envelope: Envelope
    reception: Reception
    content: StoredContent


class Door(Protocol):
    async def refusal(self, address: str) -> Reply | None:
        """Why mail for `address` (`local@domain`, as given) is not taken; None if it is."""

    async def keep(self, arrival: Arrival) -> Reply:
        """The reply to the final dot: positive only after `arrival` is kept durably. Runs to its end."""
