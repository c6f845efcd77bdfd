"""Which upstream carries a message. Pure. With one upstream the answer is short; rules and failover belong here."""

from __future__ import annotations

from collections.abc import Sequence

from relay.config import Upstream
from relay.model.message import Message


def route(message: Message, upstreams: Sequence[Upstream]) -> Upstream | None:
    """The upstream for `message`; None when none is configured, and then its deliveries stay due."""
    return upstreams[0] if upstreams else None
