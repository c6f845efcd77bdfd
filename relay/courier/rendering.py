"""The sent copy of a message: its edits, its octets, their hash. Pure, and long for large contents: run in a thread."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from relay.config import Trace
from relay.courier.dot import is_clean
from relay.model.edit import Edit
from relay.model.message import Message
from relay.model.signature import Signature
from relay.rendition.edit import splice
from relay.rendition.signing import Signer
from relay.rendition.trace import received_edit, transit_edits


@dataclass(frozen=True, slots=True)
class Rendition:
    """`wire` is what goes out after 354, before dot-stuffing: splice(content, edits), with this SHA-256."""

    edits: tuple[Edit, ...]
    wire: bytes
    sha256: bytes
    signatures: tuple[Signature, ...] = ()
    """Of the DKIM-Signature fields that its `dkim` edit holds, from the top."""


def render(
    message: Message,
    content: bytes,
    trace: Trace,
    hostname: str,
    signer: Signer,
    at: int,
    tracking: tuple[Edit, ...] = (),
) -> Rendition:
    """The copy that every recipient of `message` gets, or the one whose `tracking` it is, signed `at` (microseconds).

    Raises ValueError, see `checked`, and SigningFailed.
    """
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
    edits = transit_edits(content, received, tracking)
    wire = checked(message, splice(content, edits))
    return signed(content, edits, wire, signer, at)


def checked(message: Message, wire: bytes) -> bytes:
    """The same octets. Raises ValueError for such as a server may read as more than one message."""
    if not is_clean(wire):
        raise ValueError(f"the sent copy of {message.id} has bare line ends, or does not end with CRLF")
    return wire


def signed(content: bytes, edits: tuple[Edit, ...], wire: bytes, signer: Signer, at: int) -> Rendition:
    """The finished rendition of `content`, whose other edits make it `wire`; signing comes last, its fields on top.

    A header without a body gets its blank line: some verifiers see no header without one. Raises SigningFailed.
    """
    end = b"" if b"\r\n\r\n" in wire or wire.startswith(b"\r\n") else b"\r\n"
    fields, signatures = signer.sign(wire + end if end else wire, at=at // 1_000_000)
    if fields:
        edits = (Edit(0, 0, fields, "dkim"), *edits)
        if end:
            edits = (*edits, Edit(len(content), len(content), end, "dkim"))
        wire = b"".join((fields, wire, end))
    return Rendition(edits, wire, hashlib.sha256(wire).digest(), signatures)
