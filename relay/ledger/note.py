"""Signed notes: a text with lines below it that say who signed it (c2sp.org/signed-note v1.0.0).

    mail.example.com/log
    3
    CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=
                                                                    an empty line; the text ends before it
    — mail.example.com/log Az3grlgtzPICa5OS…                        base64(key id, 4 octets, and the signature)

Two kinds of signature: Ed25519 over the text (type 1), and a witness's cosignature with its time (type 4,
c2sp.org/tlog-cosignature v1). Signatures of keys that are not known say nothing and are passed over; one of a known key
that is wrong makes the whole note void. A public key is written as a verifier key, `name+keyid+base64(type, key)`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum
from hashlib import sha256
from typing import Protocol, Self

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from relay.ledger.scalars import LARGEST, LedgerError, encode64, read64, read_text, shown

MOST_SIGNATURES = 100
MOST_OCTETS = 1_000_000
"""What a note may be at most; the specification asks for at least 16 signatures."""
_DASH = "\u2014 "
_ID_SIZE = 4
_KEY_SIZE = 32
_TIME_SIZE = 8


class NoteError(LedgerError):
    """The text is no note, or nobody known has signed it. Nothing that it says may be believed."""


class KeyType(IntEnum):
    """The octet before a public key that says what its signatures are over."""

    ED25519 = 1
    COSIGNATURE = 4


class SigningFunction(Protocol):
    """Makes the Ed25519 signature (RFC 8032, 64 octets) of a message: in this process, in a command, in hardware."""

    def __call__(self, message: bytes, /) -> bytes: ...


def cosignature_message(time: int, text: str) -> bytes:
    """What a witness signs: at `time` (Unix seconds) the largest tree it saw is the one in the checkpoint's text."""
    return f"cosignature/v1\ntime {time}\n{text}".encode()


@dataclass(frozen=True, slots=True)
class Verifier:
    """A public key under a name. `NoteError`: the name cannot stand in a note, or the key is none."""

    name: str
    key: bytes
    """32 octets (RFC 8032)."""
    type: KeyType = KeyType.ED25519

    def __post_init__(self) -> None:
        check_name(self.name)
        if len(self.key) != _KEY_SIZE:
            raise NoteError(f"an Ed25519 key has {_KEY_SIZE} octets, not {len(self.key)}")

    @classmethod
    def parse(cls, vkey: str) -> Self:
        """The verifier that a verifier key writes; `NoteError` if it is none, or its key id belongs to another key."""
        name, first, rest = read_text(vkey, "the verifier key", NoteError).partition("+")
        key_id, second, key = rest.partition("+")
        if not (first and second):
            raise NoteError(f"a verifier key is name+keyid+key, not {shown(vkey)}")
        octets = read64(key, "the key of the verifier key", NoteError)
        if octets[:1] not in (bytes([kind]) for kind in KeyType):
            raise NoteError(f"the verifier key of {shown(name)} is of a type that is not known here")
        verifier = cls(name, octets[1:], KeyType(octets[0]))
        if verifier.key_id.hex() != key_id:
            raise NoteError(f"the key id of the verifier key of {shown(name)} does not belong to its key")
        return verifier

    @property
    def key_id(self) -> bytes:
        """4 octets that tell keys of one name apart. Not a fingerprint: anyone can make a key that has the same."""
        return sha256(self.name.encode() + b"\n" + bytes([self.type]) + self.key).digest()[:_ID_SIZE]

    @property
    def vkey(self) -> str:
        return f"{self.name}+{self.key_id.hex()}+{encode64(bytes([self.type]) + self.key)}"

    def message(self, text: str, time: int | None) -> bytes:
        """What a signature of this key is over. Cosignatures have a time (Unix seconds), others none."""
        if (self.type == KeyType.COSIGNATURE) != (time is not None):
            raise ValueError("a cosignature has a time, and only a cosignature has one")
        return text.encode() if time is None else cosignature_message(time, text)

    def check(self, text: str, signature: bytes) -> int | None:
        """The time at which a cosignature was made (Unix seconds), None for other keys; `NoteError` if it is wrong.

        `signature`: the octets of the line without the key id.
        """
        time, octets = None, signature
        if self.type == KeyType.COSIGNATURE:
            time, octets = int.from_bytes(signature[:_TIME_SIZE], "big"), signature[_TIME_SIZE:]
        try:
            if time is not None and time > LARGEST:
                raise InvalidSignature
            Ed25519PublicKey.from_public_bytes(self.key).verify(octets, self.message(text, time))
        except InvalidSignature:
            raise NoteError(
                f"the signature of {self.name} is wrong: the text was changed, or it was not signed by it"
            ) from None
        return time


@dataclass(frozen=True, slots=True)
class SignatureLine:
    """One line below a note: who says to have signed, and what. Nothing in it is checked."""

    name: str
    key_id: bytes
    signature: bytes

    @classmethod
    def parse(cls, line: str) -> Self:
        """Of a line without its end; `NoteError` if it is no signature line."""
        name, space, blob = line.removeprefix(_DASH).partition(" ")
        if not line.startswith(_DASH) or not space:
            raise NoteError(f"not a signature line: {shown(line)}")
        check_name(name)
        octets = read64(blob, f"the signature of {shown(name)}", NoteError)
        if len(octets) <= _ID_SIZE:
            raise NoteError(f"the signature of {shown(name)} is too short")
        return cls(name, octets[:_ID_SIZE], octets[_ID_SIZE:])

    def encode(self) -> str:
        """The line with its end."""
        return f"{_DASH}{self.name} {encode64(self.key_id + self.signature)}\n"


@dataclass(frozen=True, slots=True)
class Signer:
    """A key that can sign under a name."""

    verifier: Verifier
    sign: SigningFunction

    @classmethod
    def from_seed(cls, name: str, seed: bytes, type: KeyType = KeyType.ED25519) -> Self:
        """The signer whose private key (RFC 8032) is 32 octets in memory."""
        key = Ed25519PrivateKey.from_private_bytes(seed)
        return cls(Verifier(name, key.public_key().public_bytes_raw(), type), key.sign)

    def line(self, text: str, time: int | None = None) -> SignatureLine:
        """The signature of the text. `NoteError`: what the signing function gave is not one: it has another key."""
        return signature_line(self.verifier, text, self.sign(self.verifier.message(text, time)), time)


@dataclass(frozen=True, slots=True)
class Signature:
    """A signature that was checked and holds. `time`: of a cosignature, Unix seconds."""

    verifier: Verifier
    time: int | None = None


@dataclass(frozen=True, slots=True)
class Opened:
    """A note that at least one known key has signed. `unknown`: lines of other keys, which say nothing."""

    text: str
    signatures: tuple[Signature, ...]
    unknown: tuple[SignatureLine, ...] = ()


def signature_line(verifier: Verifier, text: str, signature: bytes, time: int | None = None) -> SignatureLine:
    """The line for a signature made elsewhere over `verifier.message(text, time)`; `NoteError` if it is wrong."""
    octets = signature if time is None else time.to_bytes(_TIME_SIZE, "big") + signature
    verifier.check(text, octets)
    return SignatureLine(verifier.name, verifier.key_id, octets)


def sign_note(text: str, signers: Iterable[Signer], time: int | None = None) -> str:
    """The note: the text, signed by each. `time` is for those that cosign. `NoteError`: the text cannot be a note's."""
    lines = [signer.line(text, time if signer.verifier.type == KeyType.COSIGNATURE else None) for signer in signers]
    return write_note(text, lines)


def write_note(text: str, lines: Iterable[SignatureLine]) -> str:
    """The note with these lines below it. `NoteError`: the text cannot be a note's, or nobody signed it."""
    note = f"{text}\n" + "".join(line.encode() for line in lines)
    if split_note(note)[0] != text:
        raise NoteError("the text of a note ends in a line end")
    return note


def add_signatures(note: str, lines: Iterable[SignatureLine]) -> str:
    """The note with more lines below it; a line that is there already is not repeated. `NoteError`: it is no note."""
    text, present = split_note(note)
    return write_note(text, dict.fromkeys([*present, *lines]))


def split_note(note: bytes | str) -> tuple[str, tuple[SignatureLine, ...]]:
    """The text and the lines below it, nothing checked but the form; `NoteError` if it is no note.

    The text is what stands before the last empty line, its own line end included.
    """
    whole = read_text(note, "the note", NoteError)
    if len(whole.encode()) > MOST_OCTETS:
        raise NoteError(f"the note is longer than {MOST_OCTETS} octets")
    if any(character < " " and character != "\n" for character in whole):
        raise NoteError("the note has a control character in it")
    text, empty, below = whole.rpartition("\n\n")
    if not empty or not below.endswith("\n"):
        raise NoteError("the note does not end in an empty line and whole signature lines")
    lines = below[:-1].split("\n")
    if len(lines) > MOST_SIGNATURES:
        raise NoteError(f"the note has more than {MOST_SIGNATURES} signatures")
    return f"{text}\n", tuple(SignatureLine.parse(line) for line in lines)


def open_note(note: bytes | str, verifiers: Iterable[Verifier]) -> Opened:
    """The text of a note and who of the known keys signed it.

    `NoteError`: it is no note, a known key's signature is wrong, or no known key signed it.
    """
    text, lines = split_note(note)
    known: dict[tuple[str, bytes], Verifier] = {}
    for verifier in verifiers:
        if known.setdefault((verifier.name, verifier.key_id), verifier) != verifier:
            raise NoteError(f"two keys of the name {verifier.name} have the same key id")
    signatures, unknown = [], []
    for line in lines:
        if found := known.get((line.name, line.key_id)):
            signatures.append(Signature(found, found.check(text, line.signature)))
        else:
            unknown.append(line)
    if not signatures:
        raise NoteError("the note is not signed by any key that is known")
    return Opened(text, tuple(signatures), tuple(unknown))


def check_name(name: str) -> None:
    """Returns if the name can stand in a note; `NoteError` if it is empty or has a space, a plus or a control in it."""
    read_text(name, "the key name", NoteError)
    if not name or any(character.isspace() or character == "+" or character < " " for character in name):
        raise NoteError(f"not a key name: {shown(name)}")
