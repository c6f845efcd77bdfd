"""The archive's contract about duplicates: who gets the same content again.

What all methods promise is in `api.py`, of whose protocol this one is a part.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from relay.model.delivery import Delivery


class Repetitions(Protocol):
    async def earlier_copies(
        self, fingerprint: bytes, application: str, deliveries: Sequence[Delivery], *, window: int, now: int
    ) -> Mapping[str, str]:
        """By id of the delivery, the delivery that takes the same content of that application to the same recipient,
        handed in less than `window` microseconds before or after. What failed or was not sent does not count.

        Those that are no duplicate are remembered in the same commit: of two asked about at once one is the first.
        """
