"""The sent copy of a message: its edits, its octets, their hash. Pure, and long for large contents: run in a thread."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from relay.config import Trace
from relay.courier.dot import is_clean
from relay.model.edit import Edit
from relay.model.message import Message
from relay.rendition.edit import splice
from relay.rendition.trace import received_edit, transit_edits


@dataclass(frozen=True, slots=True)
class Rendition:
    """`wire` is what goes out after 354, before dot-stuffing: splice(content, edits), with this SHA-256."""

    edits: tuple[Edit, ...]
    wire: bytes
    sha256: bytes


def render(message: Message, content: bytes, trace: Trace, hostname: str) -> Rendition:
    """The copy that every recipient of `message` gets. Raises ValueError, see `checked`."""
    reception = message.reception
    received = received_edit(
        trace.value,
        hostname=hostname,
        protocol=reception.protocol,
        message_id=message.id,
        received_at=message.received_at,
        helo=reception.helo,
        peer=reception.peer,
        application=message.application,
        tls=reception.tls_version or "",
    )
    edits = transit_edits(content, received)
    return checked(message, edits, splice(content, edits))


def checked(message: Message, edits: tuple[Edit, ...], wire: bytes) -> Rendition:
    """The rendition with its hash. Raises ValueError for octets that a server may read as more than one message."""
    if not is_clean(wire):
        raise ValueError(f"the sent copy of {message.id} has bare line ends, or does not end with CRLF")
    return Rendition(edits, wire, hashlib.sha256(wire).digest())
