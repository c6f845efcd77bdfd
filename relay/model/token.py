"""A token: the unguessable name under which one recipient's copy fetches a pixel or a link from us.

It exists, durably, before the copy is sent. Says nothing of who fetched it (`fetch.py`).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class TokenKind(StrEnum):
    OPEN = "open"
    """The pixel."""
    CLICK = "click"
    HONEYPOT = "honeypot"
    """A link that no person can see: who follows it is a machine."""
    UNSUBSCRIBE = "unsubscribe"
    RETURN = "return"
    """In the return path: who sends mail to it had the copy, or its envelope. Lower-case letters and digits."""


@dataclass(frozen=True, slots=True)
class Token:
    """`id`: at least 128 bits of randomness, URL-safe. `url`: where a click leads, as the message said it."""

    id: str
    delivery_id: str
    message_id: str
    kind: TokenKind
    created_at: int
    """UTC microseconds."""
    url: str = ""
    part: int = 0
    """Number of the MIME part the link or pixel stands in."""
