"""The hashes of the tree: SHA-256 with an octet before it: no leaf can pass for a node (RFC 6962 section 2.1)."""

from __future__ import annotations

from hashlib import sha256

from relay.ledger.scalars import LedgerError, encode64, read64

HASH_SIZE = 32
"""Octets of every hash."""
EMPTY_ROOT = sha256(b"").digest()
"""The root of a tree without leaves."""


def leaf_hash(entry: bytes) -> bytes:
    """The hash of a leaf whose content is `entry`."""
    return sha256(b"\x00" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """The hash of the node above two hashes."""
    return sha256(b"\x01" + left + right).digest()


def hash_line(digest: bytes) -> str:
    """A hash as proofs and checkpoints write it: base64, 44 characters."""
    return encode64(digest)


def read_hash(line: str, what: str, error: type[LedgerError] = LedgerError) -> bytes:
    """The 32 octets that a line writes; else `error`."""
    digest = read64(line, what, error)
    if len(digest) != HASH_SIZE:
        raise error(f"{what} has {len(digest)} octets, a SHA-256 hash has {HASH_SIZE}")
    return digest
