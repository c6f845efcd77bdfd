"""Checkpoints: what a log was at one time, as the text of a signed note (c2sp.org/tlog-checkpoint v1.0.0).

    mail.example.com/log                                origin: the name of the log and of its key
    20852163                                            how many leaves
    CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=        the root of the tree

Extension lines are refused: nobody vouches for them, and ours have none.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

from relay.ledger.hashing import EMPTY_ROOT, HASH_SIZE, hash_line, read_hash
from relay.ledger.note import NoteError, check_name
from relay.ledger.scalars import LARGEST, read_decimal

_LINES = 3


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The size and the root of a log. `NoteError`: there can be no such tree."""

    origin: str
    size: int
    root: bytes

    def __post_init__(self) -> None:
        check_name(self.origin)
        if not 0 <= self.size <= LARGEST or len(self.root) != HASH_SIZE:
            raise NoteError("a checkpoint has a size below 2^63 and a SHA-256 hash")
        if self.size == 0 and self.root != EMPTY_ROOT:
            raise NoteError("the checkpoint of an empty log has another root than the empty one")

    @classmethod
    def parse(cls, text: str) -> Self:
        """Of the text of a note; `NoteError` if it is no checkpoint. Who signed it is not looked at."""
        lines = text.split("\n")
        if len(lines) != _LINES + 1 or lines[_LINES]:
            raise NoteError("a checkpoint has three lines: origin, size and root")
        size = read_decimal(lines[1], "the size of the log", NoteError)
        return cls(lines[0], size, read_hash(lines[2], "the root of the log", NoteError))

    def encode(self) -> str:
        """The text to be signed."""
        return f"{self.origin}\n{self.size}\n{hash_line(self.root)}\n"
