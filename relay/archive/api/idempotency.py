"""The archive's contract about messages handed in by HTTP: which message a key stands for.

What all methods promise is in `api.py`, of whose protocol this one is a part.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Claim:
    """`owner` said with `key` that a request, of which `digest` is the SHA-256, is to make the message of that id."""

    owner: str
    key: str
    digest: bytes
    message_id: str
    created_at: int


class Idempotency(Protocol):
    async def claim_key(self, claim: Claim, *, forget_before: int) -> Claim:
        """Whose the key is: `claim`, or the one that came first.

        Claims made before `forget_before` are forgotten. Crash after the commit: the message may not be there; whoever
        comes with the same request makes it under the id of the claim.
        """

    async def give_up_key(self, claim: Claim) -> None:
        """Forgets the claim, if it is still this one: the request made no message."""
