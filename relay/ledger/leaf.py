"""A leaf of the log: that something happened, when, and a commitment to the rest. Never content, never an address.

The personal part of a fact (its *opening*) stands outside the log, beside a random salt. Who has both can check that
they are what was committed to. When both are destroyed the leaf says nothing of a person any more, and every proof
stays valid.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from relay.ledger.canonical import GREATEST, CanonicalError, canonical, canonical_of_plain, parse_canonical
from relay.ledger.scalars import LedgerError
from relay.model.identifier import ULID_PATTERN

VERSION = 1
LONGEST = 65_535
"""Octets of an encoded leaf: what the length field of an entry bundle can say (C2SP tlog-tiles)."""
SALT_SIZE = 32
COMMITMENT_PREFIX = b"mailwitness/leaf/v1\n"

_WORD = "[a-z][a-z0-9-]{0,63}"
_ID = re.compile(ULID_PATTERN)
_KIND = re.compile(_WORD)
_ENTRY = re.compile(
    (
        rf'\{{"at":(?:0|[1-9][0-9]{{0,15}}),"commitment":"[0-9a-f]{{64}}","delivery":(?:null|"{ULID_PATTERN}"),'
        rf'"event":"{ULID_PATTERN}","kind":"{_WORD}","message":(?:null|"{ULID_PATTERN}"),"v":{VERSION}\}}'
    ).encode()
)


class LeafError(LedgerError):
    """Not a leaf: which member is the matter is in the text."""


@dataclass(frozen=True, slots=True)
class Leaf:
    """One entry of the log. Ids are ULIDs.

    >>> Leaf("01J00000000000000000000001", 0, "paused", bytes(32)).encode()[:52]
    b'{"at":0,"commitment":"000000000000000000000000000000'
    """

    event: str
    """Id of the event."""
    at: int
    """UTC microseconds."""
    kind: str
    """The kind of the event, a word: `captured`."""
    commitment: bytes
    """SHA-256, see `commit`."""
    message: str | None = None
    """Id of the message it is about."""
    delivery: str | None = None
    v: int = VERSION

    def encode(self) -> bytes:
        """The entry as it is hashed and served: canonical JSON. Raises LeafError for members without their form."""
        _check(self)
        return entry(self.event, self.at, self.kind, self.commitment, self.message, self.delivery)

    @classmethod
    def parse(cls, data: bytes) -> Leaf:
        """The leaf of which `encode` makes exactly these octets. Raises LeafError for anything else."""
        if len(data) > LONGEST:
            raise LeafError(f"{len(data)} octets; a leaf has at most {LONGEST}")
        try:
            value = parse_canonical(data)
        except CanonicalError as error:
            raise LeafError(str(error)) from None
        if not isinstance(value, dict) or set(value) != _NAMES:
            raise LeafError("not an object with exactly the members of a leaf")
        try:
            commitment = bytes.fromhex(value["commitment"])
        except (TypeError, ValueError):
            raise LeafError("commitment: not hexadecimal") from None
        leaf = cls(**{**value, "commitment": commitment})
        _check(leaf)
        if commitment.hex() != value["commitment"]:
            raise LeafError("commitment: not in lower-case hexadecimal")
        return leaf


def checked_entry(
    event: str, at: int, kind: str, commitment: bytes, message: str | None, delivery: str | None
) -> bytes:
    """`Leaf(…).encode()`, sooner. Raises LeafError."""
    made = entry(event, at, kind, commitment, message, delivery)
    if at <= GREATEST and _ENTRY.fullmatch(made) is not None:
        return made
    return Leaf(event, at, kind, commitment, message, delivery).encode()


def entry(event: str, at: int, kind: str, commitment: bytes, message: str | None, delivery: str | None) -> bytes:
    """What `Leaf.encode` gives for these members, unchecked: to be compared with the hash of one that was checked."""
    # As `canonical` would: nothing in a checked leaf needs an escape, and the names are in their order.
    return (
        f'{{"at":{at},"commitment":"{commitment.hex()}","delivery":{_quoted(delivery)},'
        f'"event":"{event}","kind":"{kind}","message":{_quoted(message)},"v":{VERSION}}}'
    ).encode()


def commit(salt: bytes, opening: Mapping[str, Any]) -> bytes:
    """SHA-256 of prefix, salt (32 random octets, of this fact alone) and the canonical JSON of the opening.

    The salt keeps who has only the log from finding a short opening by trying. Raises ValueError for another length
    of salt, CanonicalError for an opening that has no canonical spelling.
    """
    if len(salt) != SALT_SIZE:
        raise ValueError(f"a salt has {SALT_SIZE} octets, not {len(salt)}")
    return hashlib.sha256(COMMITMENT_PREFIX + salt + canonical(opening)).digest()


def commit_plain(salt: bytes, opening: Mapping[str, Any]) -> bytes:
    """`commit` for an opening made by `opening.opening_of`: the same octets, sooner."""
    return hashlib.sha256(COMMITMENT_PREFIX + salt + canonical_of_plain(opening)).digest()


_NAMES = {"v", "event", "at", "kind", "commitment", "message", "delivery"}


def _check(leaf: Leaf) -> None:
    if type(leaf.v) is not int or leaf.v != VERSION:
        raise LeafError(f"v: {leaf.v!r}, known is {VERSION}")
    _check_id("event", leaf.event)
    if type(leaf.at) is not int or not 0 <= leaf.at <= GREATEST:
        raise LeafError("at: not a time in microseconds since 1970")
    if not isinstance(leaf.kind, str) or _KIND.fullmatch(leaf.kind) is None:
        raise LeafError("kind: not a word of lower-case letters, digits and hyphens, at most 64")
    if len(leaf.commitment) != hashlib.sha256().digest_size:
        raise LeafError(f"commitment: {len(leaf.commitment)} octets, not 32")
    for name, value in (("message", leaf.message), ("delivery", leaf.delivery)):
        if value is not None:
            _check_id(name, value)


def _quoted(id_: str | None) -> str:
    return "null" if id_ is None else f'"{id_}"'


def _check_id(name: str, value: object) -> None:
    if not isinstance(value, str) or _ID.fullmatch(value) is None:
        raise LeafError(f"{name}: not a ULID")
