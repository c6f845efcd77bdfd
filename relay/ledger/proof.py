"""A proof that a leaf is in the log, to be checked without the log (c2sp.org/tlog-proof@v1).

c2sp.org/tlog-proof@v1
extra YWdl…                                 optional, for applications; nothing vouches for it
index 73894                                 of the leaf, from 0
gSKyXoYZUgZ6jduWYrkDOARinOMGJveXjgMkBTcdPlQ=    the path, the leaf's sibling first
…
                                            an empty line
mail.example.com/log                        the signed checkpoint, as it is
109482
…
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

from relay.ledger.hashing import hash_line, leaf_hash, read_hash
from relay.ledger.policy import Accepted, Policy, accept
from relay.ledger.scalars import LARGEST, encode64, read64, read_decimal, read_text, shown
from relay.ledger.tree import ProofError, verify_inclusion

HEADER = "c2sp.org/tlog-proof@v1"
SUFFIX = ".tlog-proof"
"""How names of files with a proof end."""
LONGEST_PATH = 63
"""Hashes in a path of the largest tree there can be."""


@dataclass(frozen=True, slots=True)
class TlogProof:
    """Where a leaf is, the path from it to the root, and the checkpoint that names the root."""

    index: int
    path: tuple[bytes, ...]
    checkpoint: str
    """The signed note, octet for octet."""
    extra: bytes | None = None

    def encode(self) -> str:
        extra = "" if self.extra is None else f"extra {encode64(self.extra)}\n"
        path = "".join(f"{hash_line(digest)}\n" for digest in self.path)
        return f"{HEADER}\n{extra}index {self.index}\n{path}\n{self.checkpoint}"

    @classmethod
    def parse(cls, proof: bytes | str) -> Self:
        """The proof that a file writes; `ProofError` if it is none. Nothing is verified."""
        head, empty, checkpoint = read_text(proof, "the proof", ProofError).partition("\n\n")
        header, *lines = head.split("\n")
        if header != HEADER or not empty:
            raise ProofError(f"a proof begins with {HEADER}, not with {shown(header)}")
        extra = None
        if lines and lines[0].startswith("extra "):
            extra = read64(lines.pop(0).removeprefix("extra "), "the extra data of the proof", ProofError)
        if not lines or not lines[0].startswith("index "):
            raise ProofError("the proof does not say which leaf it is of")
        index = read_decimal(lines.pop(0).removeprefix("index "), "the index of the proof", ProofError)
        if len(lines) > LONGEST_PATH or index == LARGEST:
            raise ProofError("the proof is of a larger tree than there can be")
        path = tuple(read_hash(line, "a hash of the proof", ProofError) for line in lines)
        return cls(index, path, checkpoint, extra)


def verify_proof(proof: TlogProof, entry: bytes, policy: Policy) -> Accepted:
    """The checkpoint that the leaf with the content `entry` is in, if the policy believes it.

    `ProofError`: the leaf is not in that tree at that place. `NoteError`, `PolicyError`: as of `accept`.
    """
    accepted = accept(proof.checkpoint, policy)
    checkpoint = accepted.checkpoint
    verify_inclusion(leaf_hash(entry), proof.index, checkpoint.size, proof.path, checkpoint.root)
    return accepted
