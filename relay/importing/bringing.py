"""A message that was found, made ready for the archive: its octets, its id, and what is claimed of it.

The id is made from what the message is, so that the same message has it each time: importing again adds nothing.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from relay.archive.api import Capture
from relay.archive.content import ContentBuilder
from relay.importing.claims import completed, fields_of, hops_of, is_message
from relay.importing.found import LARGEST, Claim, Found, Unreadable
from relay.model.event import Event, Grade, Kind
from relay.model.message import IMPORT, Envelope, Message, Mode, Reception, Recipient, Trait

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
LONGEST_HEAD = 256 * 1024
LONGEST_LINE = 998


@dataclass(frozen=True, slots=True)
class Bringer:
    """Who brings it in, and as what. `clock`: UTC microseconds; `new_id`: ULIDs, for events."""

    application: str
    actor: str
    clock: Callable[[], int]
    new_id: Callable[[], str]

    def bring(self, found: Found) -> Capture:
        """The message, ready to be kept. Raises Unreadable, OSError, mailpit.NotMailpit."""
        builder, shape, head = ContentBuilder(), _Shape(), bytearray()
        for chunk in found.chunks():
            builder.feed(chunk)
            shape.feed(chunk)
            if len(head) < LONGEST_HEAD:
                head += chunk[: LONGEST_HEAD - len(head)]
            if builder.size > LARGEST:
                raise Unreadable(f"it has more than {LARGEST} octets")
        if not is_message(bytes(head)):
            raise Unreadable("it is no message: it does not begin with a field" if head else "it is empty")
        fields = fields_of(bytes(head))
        claim = completed(_without_file_time(found.claim), fields, _file_time(found.claim))
        content, at = builder.finish(), self.clock()
        message = Message(
            id=identity(self.application, found.name, content.sha256),
            received_at=at,
            application=self.application,
            mode=Mode.CAPTURE,
            envelope=Envelope(claim.sender or "", tuple(Recipient(address) for address in claim.recipients)),
            reception=Reception(peer=IMPORT, helo="", protocol="", listener=""),
            size=content.size,
            sha256=content.sha256,
            traits=shape.traits(),
            hops=hops_of(fields),
        )
        event = Event(
            self.new_id(), at, Kind.IMPORTED, self.actor, message.id, grade=Grade.UNSIGNED, data=_data(found, claim)
        )
        return Capture(message, content, (), (event,))


def identity(application: str, name: str, sha256: bytes) -> str:
    """The id of an imported message, in the form of a ULID: of application, octets and the source's own name."""
    whole = hashlib.sha256(b"mailwitness/import/v1\0" + f"{application}\0{name}\0".encode() + sha256).digest()
    number = int.from_bytes(whole[:16], "big")
    return "".join(ALPHABET[number >> shift & 31] for shift in range(125, -1, -5))


def _data(found: Found, claim: Claim) -> dict[str, Any]:
    """What the event says: whence, and what is claimed."""
    said: dict[str, Any] = {"format": found.format, "source": found.source}
    if found.place:
        said["place"] = found.place
    if claim.at is not None:
        said |= {"claimed_at": claim.at, "claimed_at_of": claim.at_of}
    if claim.envelope_of:
        said["envelope_of"] = claim.envelope_of
    return {**said, **claim.notes}


def _file_time(claim: Claim) -> int | None:
    return claim.at if claim.at_of == "file" else None


def _without_file_time(claim: Claim) -> Claim:
    if claim.at_of != "file":
        return claim
    return Claim(None, "", claim.sender, claim.recipients, claim.envelope_of, claim.notes)


class _Shape:
    """What the octets show, a chunk at a time. A line ends with its LF: files of UNIX have no CR."""

    def __init__(self) -> None:
        self._found: set[Trait] = set()
        self._pairs = self._returns = self._feeds = 0
        self._is_return = False
        self._line = 0

    def feed(self, chunk: bytes) -> None:
        if not chunk.isascii():
            self._found.add(Trait.EIGHT_BIT)
        if b"\0" in chunk:
            self._found.add(Trait.NUL)
        self._pairs += chunk.count(b"\r\n") + (self._is_return and chunk.startswith(b"\n"))
        self._returns += chunk.count(b"\r")
        self._feeds += chunk.count(b"\n")
        self._is_return = chunk.endswith(b"\r")
        lines = chunk.split(b"\n")
        self._long(self._line + len(lines[0]))
        if len(lines) > 1:
            self._long(max(map(len, lines[1:])))
            self._line = 0
        self._line += len(lines[-1])

    def _long(self, length: int) -> None:
        # One more: the CR before the LF.
        if length > LONGEST_LINE + 1:
            self._found.add(Trait.LONG_LINE)

    def traits(self) -> frozenset[Trait]:
        bare = {Trait.BARE_CR: self._returns != self._pairs, Trait.BARE_LF: self._feeds != self._pairs}
        return frozenset(self._found | {trait for trait, is_shown in bare.items() if is_shown})
