"""A message handed in by HTTP: what is asked, and the answer. Values only; `intake/handing.py` does it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from relay.model.message import Envelope


@dataclass(frozen=True, slots=True)
class Handed:
    """One message, ready to be kept."""

    application: str
    envelope: Envelope
    content: bytes
    """With CRLF line ends."""
    owner: str
    """Whose idempotency key it is, as events name them: `application:shop`, `user:ann`."""
    peer: str
    tags: tuple[str, ...] = ()
    """Besides those of the application."""
    key: str = ""
    """The idempotency key; '': none."""
    digest: bytes = b""
    """SHA-256 of the request that goes with the key."""


@dataclass(frozen=True, slots=True)
class Taken:
    """It is kept, durably; or was, when the same request came before."""

    message_id: str
    deliveries: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    """Id of each delivery -> recipient and state."""
    is_repeated: bool = False


@dataclass(frozen=True, slots=True)
class NotTaken:
    """Nothing was kept. `status` as in HTTP; `name`: the part of the request that is the matter."""

    status: int
    text: str
    name: str = ""
    retry_after: int = 0
    """Seconds."""


AddMessage = Callable[[Any, Any, Any, Any], Awaitable[None]]
"""`archive.add_message`."""


class Counter(Protocol):
    """Where messages are handed in."""

    def sign_in(self, username: str, secret: str) -> str | None:
        """The name of the application with these credentials."""

    def knows(self, application: str) -> bool:
        """Whether there is an application of that name."""

    async def take(self, handed: Handed, add_message: AddMessage | None = None) -> Taken | NotTaken:
        """Keeps the message, and goes on to its end whether or not anyone waits for the answer.

        `add_message`: the archive's as far as the person may see it, whose refusal is raised; None: all of it.
        """
