"""The archive's contract about the ledger: the transparency log that every event is a leaf of (RFC 6962, RFC 9162).

Leaf `n` is of the event with sequence number `n + 1`: appended in the transaction that records the fact. Nothing of
it changes, but that erasure takes its salt away (`relay.ledger.leaf`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from relay.model.event import Event


@dataclass(frozen=True, slots=True)
class Head:
    """The log as it is: how many leaves, and the root hash over them."""

    size: int
    root: bytes


@dataclass(frozen=True, slots=True)
class StoredLeaf:
    """A leaf and what opens it. `salt` and `opening` are None once they are erased."""

    index: int
    entry: bytes
    salt: bytes | None
    opening: Mapping[str, Any] | None


@dataclass(frozen=True, slots=True)
class StoredCheckpoint:
    """A signed note over the log as it was at `at` (UTC microseconds), with the cosignatures that came for it."""

    size: int
    at: int
    note: str


@dataclass(frozen=True, slots=True)
class Stamp:
    """An RFC 3161 answer (DER) for the SHA-256 of `note`: the signed checkpoint as it was then.

    `chain`: certificates and revocation data in PEM; b"" if the response has all.
    """

    size: int
    authority: str
    at: int
    note: str
    response: bytes
    chain: bytes = b""


class Ledger(Protocol):
    """What all methods promise is in `api`, of whose protocol this one is a part."""

    async def ledger_head(self) -> Head:
        """The log as it is now, all committed events included."""

    async def ledger_root(self, size: int) -> bytes:
        """The root the log had at that size. Raises NotFound: it is not that long yet."""

    async def inclusion(self, indices: Sequence[int], size: int) -> list[tuple[bytes, ...]]:
        """The inclusion path of each leaf in the log of that size. Raises NotFound: it is not that long."""

    async def consistency(self, old: int, new: int) -> tuple[bytes, ...]:
        """Shows that the log of `new` leaves begins with that of `old`. Raises NotFound: it is not that long."""

    async def leaves_of(self, message_id: str) -> list[StoredLeaf]:
        """All leaves about a message, oldest first, opened as far as nothing was erased."""

    async def leaves_at(self, indices: Sequence[int]) -> list[StoredLeaf]:
        """Those leaves, in the order of the log. Raises NotFound: it is not that long."""

    async def tile(self, level: int, number: int, width: int) -> bytes:
        """`width` hashes of a tile, 32 octets each (c2sp.org/tlog-tiles). Raises NotFound: not that far yet."""

    async def ledger_entries(self, start: int, count: int) -> list[bytes]:
        """The entries of leaves [start, start + count). Raises NotFound: not that far yet."""

    async def add_checkpoint(self, checkpoint: StoredCheckpoint, event: Event | None = None) -> None:
        """Keeps a signed checkpoint; the same size again replaces the note (cosignatures), never size and time."""

    async def latest_checkpoint(self) -> StoredCheckpoint | None:
        """The largest; None: there is none yet."""

    async def checkpoints(self, *, after: int = -1, limit: int = 1000) -> list[StoredCheckpoint]:
        """Those of more than `after` leaves, the smallest first."""

    async def add_stamp(self, stamp: Stamp, event: Event | None = None) -> None:
        """Keeps a time stamp; one of the same authority for the same checkpoint is kept already and stays."""

    async def stamps(self, *, after: int = -1, limit: int = 1000) -> list[Stamp]:
        """Time stamps of checkpoints of more than `after` leaves, the smallest first."""

    async def latest_stamps(self) -> list[Stamp]:
        """The newest of each authority, by its name."""
