"""The archive's contract about what alerts watch for: figures of a short time, each found by an index."""

from __future__ import annotations

from typing import Protocol

from relay.model.alert import Rates

MOST_COUNTED = 100_000
"""Messages looked at, the newest: of a longer time the share is that of the latest part."""


class Watching(Protocol):
    """What all methods promise is in `api.py`, of whose protocol this one is a part."""

    async def rates(self, application: str, since: int) -> Rates:
        """Of deliveries of messages captured from then on, of one application or ('') of all."""

    async def latest_capture(self, application: str) -> int | None:
        """When the latest message came, of one application or ('') of all; None: there is none."""
