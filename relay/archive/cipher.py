"""Encryption of what is kept: master keys, data keys, and the form of encrypted octets. Pure but for chance.

    master key (32 octets, in a file or given by a command)
      wraps -> data key (32 octets, one for each message, edit list and payload)
                 encrypts -> each frame of the content, the summary; the edits; the payload

AES-256-GCM throughout (NIST SP 800-38D; RFC 5116 section 5.2: nonce 12 octets, tag 16). Encrypted octets are

    4D 57 45 01 | nonce (12) | ciphertext, as long as the plain octets | tag (16)

Nonces are random: one data key encrypts a message's frames once and its summary a few times, one master key wraps far
fewer than the 2^32 keys that random nonces allow (SP 800-38D section 8.3). What is encrypted is bound, as associated
data, to its owner and its place in it: frames that are swapped, cut off or put in another order do not open.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

MAGIC = b"MWE\x01"
"""How encrypted octets begin. Plain ones begin as zstd frames do, 28 B5 2F FD (RFC 8878 section 3.1.1)."""
KEY_SIZE = 32
NONCE_SIZE = 12
SUMMARY = b"summary"
EDITS = b"edits"
PAYLOAD = b"payload"
_WRAPPING = b"mailwitness data key\0"
_NAMING = b"mailwitness master key\0"


class CipherError(Exception):
    """It cannot be opened, or a key is not one; the text is for the operator and has nothing secret in it."""


def is_sealed(octets: bytes) -> bool:
    """Whether the octets are encrypted."""
    return octets.startswith(MAGIC)


def frame_label(n: int, *, is_last: bool) -> bytes:
    """Place of a frame in its content; n counts from 0."""
    return b"frame\0%d\0%d" % (n, is_last)


def key_id(key: bytes) -> str:
    """By what a master key is named: 16 hexadecimal digits that follow from it and do not lead to it."""
    return hashlib.sha256(_NAMING + key).hexdigest()[:16]


class DataKey:
    """What encrypts the things of one owner. Threads may share it."""

    __slots__ = ("_aead", "_owner")

    def __init__(self, owner: str, key: bytes) -> None:
        self._owner = owner.encode("utf-8") + b"\0"
        self._aead = AESGCM(key)

    def seal(self, label: bytes, octets: bytes) -> bytes:
        """The octets, encrypted for their place."""
        nonce = os.urandom(NONCE_SIZE)
        return b"".join((MAGIC, nonce, self._aead.encrypt(nonce, octets, self._owner + label)))

    def open(self, label: bytes, octets: bytes) -> bytes:
        """What `seal` encrypted for that place. Raises CipherError: anything else."""
        if not is_sealed(octets):
            raise CipherError("not encrypted")
        start = len(MAGIC) + NONCE_SIZE
        try:
            with memoryview(octets) as view:
                return self._aead.decrypt(octets[len(MAGIC) : start], view[start:], self._owner + label)
        except (InvalidTag, ValueError) as error:
            raise CipherError("it was changed, or belongs elsewhere (its tag is wrong)") from error


@dataclass(frozen=True, slots=True)
class Ring:
    """The master keys by id. `current` wraps what is new; the others are there to read with. '': there are none."""

    keys: Mapping[str, bytes] = field(default_factory=dict, repr=False)
    current: str = ""

    @classmethod
    def of(cls, keys: Sequence[bytes]) -> Ring:
        """Of keys with 32 octets each, the current one first."""
        named = {key_id(key): key for key in keys}
        return cls(named, next(iter(named), ""))

    @classmethod
    def parse(cls, text: str) -> Ring:
        """From lines with the base64 of a key each, the current one first; empty lines and such with # are passed
        over. Raises CipherError, which names the line and not what is in it."""
        keys = []
        for n, line in enumerate(text.splitlines(), 1):
            word = line.strip()
            if not word or word.startswith("#"):
                continue
            try:
                key = base64.b64decode(word, validate=True)
            except (binascii.Error, ValueError) as error:
                raise CipherError(f"line {n} is not the base64 of a key") from error
            if len(key) != KEY_SIZE:
                raise CipherError(f"line {n} has a key of {len(key)} octets, expected {KEY_SIZE}")
            keys.append(key)
        if not keys:
            raise CipherError("there is no key in it")
        if len(set(keys)) != len(keys):
            raise CipherError("a key is in it twice")
        return cls.of(keys)

    def text(self) -> str:
        """What `parse` reads, with the ids for people."""
        return "".join(f"# {id_}\n{base64.b64encode(key).decode('ascii')}\n" for id_, key in self.keys.items())

    def wrap(self, owner: str, key: bytes) -> tuple[str, bytes]:
        """(id of the current master key, the data key wrapped by it). Raises CipherError: there is none."""
        nonce = os.urandom(NONCE_SIZE)
        aead = AESGCM(self._master(self.current))
        return self.current, nonce + aead.encrypt(nonce, key, _WRAPPING + owner.encode("utf-8"))

    def unwrap(self, owner: str, master: str, wrapped: bytes) -> bytes:
        """The data key. Raises CipherError: its master key is not there, or it was changed."""
        aead = AESGCM(self._master(master))
        try:
            return aead.decrypt(wrapped[:NONCE_SIZE], wrapped[NONCE_SIZE:], _WRAPPING + owner.encode("utf-8"))
        except (InvalidTag, ValueError) as error:
            raise CipherError("its data key was changed, or belongs elsewhere (its tag is wrong)") from error

    def _master(self, id_: str) -> bytes:
        if id_ not in self.keys:
            raise CipherError(f"it is encrypted with the master key {id_}, which is not at hand" if id_ else "no key")
        return self.keys[id_]


def new_key() -> bytes:
    """32 octets of chance."""
    return os.urandom(KEY_SIZE)
