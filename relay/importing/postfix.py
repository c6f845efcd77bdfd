"""Postfix queue files: envelope and content from the records that `postcat` shows. A documented subset, read only.

A record is a type (one octet), its length (seven bits an octet, the least first, the eighth set where more follow),
and its data. Up to `M` the envelope: `T` time, `S` sender, `R` recipient (`D`: one that was delivered), `A` NAME=VALUE.
Then the content: `N` a line, `L` a piece of a longer one. From `X` on what was found in the content, envelope records
again; `E` ends the file. `p` says where to read on; `w` is padding. Line ends are not in the file: CRLF is written,
as SMTP had it. Other records say nothing that is kept here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

from relay.importing.claims import addresses
from relay.importing.found import CHUNK, Claim, Found, Unreadable, shown

LONGEST = 1024 * 1024
"""Octets of a record."""
MOST_POINTERS = 100_000
_FIRST = re.compile(rb"[CT]([\x00-\x7f])[0-9 .]+")
_NOTED = {
    "client_name": "client_name",
    "client_address": "client_address",
    "helo_name": "helo",
    "sasl_username": "auth_user",
    "log_ident": "log_ident",
}
Records = Iterator[tuple[bytes, bytes]]


def is_queue_file(head: bytes) -> bool:
    """Whether these are the first octets of a queue file: a record of size (`C`) or of time (`T`)."""
    match = _FIRST.match(head)
    return match is not None and len(head) >= 2 + match[1][0] and match.end() >= 2 + match[1][0] > 2


def message(path: Path) -> Found:
    """The message of the file. Raises Unreadable, OSError."""
    notes: dict[str, str | int] = {}
    sender: str | None = None
    recipients: list[str] = []
    at, is_content, has_content = None, False, False
    with path.open("rb") as file:
        for kind, data in records(file):
            if kind == b"M":
                is_content = has_content = True
            elif kind == b"X":
                is_content = False
            elif is_content:
                continue
            elif kind == b"T" and at is None:
                at = _time(data)
            elif kind == b"S" and sender is None:
                sender = next(iter(addresses([_text(data)])), None)
            elif kind in (b"R", b"D"):
                recipients += addresses([_text(data)])
            elif kind == b"A":
                name, _, value = _text(data).partition("=")
                if name in _NOTED:
                    notes[_NOTED[name]] = value[:1000]
    if not has_content:
        raise Unreadable("it has no content")
    to = tuple(dict.fromkeys(filter(None, recipients)))
    claim = Claim(at, "queue file" if at is not None else "", sender, to, "queue file", notes)
    # The name of a queue file is its queue id: two files of one content are two transactions.
    return Found(shown(path), "postfix", lambda: _content(path), name=shown(Path(path.name)), claim=claim)


def records(file: BinaryIO) -> Records:
    """Type and data of each record in the order of the message. Raises Unreadable: cut off, or not such a file."""
    pointers: set[tuple[int, int]] = set()
    while True:
        kind, data = _record(file)
        if kind == b"E":
            return
        if kind == b"p":
            target = int(data) if data.strip().isdigit() else -1
            jump = file.tell(), target
            if target < 0 or jump in pointers or len(pointers) > MOST_POINTERS:
                raise Unreadable(f"a pointer at octet {file.tell()} leads nowhere, or round in a circle")
            pointers.add(jump)
            if target:
                file.seek(target)
        elif kind != b"w":
            yield kind, data


def _record(file: BinaryIO) -> tuple[bytes, bytes]:
    kind, length = file.read(1), 0
    for shift in range(0, 29, 7):
        octet = file.read(1)
        if not octet:
            raise Unreadable("it is cut off: Postfix had not finished it, or it was damaged")
        length |= (octet[0] & 0x7F) << shift
        if octet[0] < 0x80:
            break
    if length > LONGEST:
        raise Unreadable(f"a record before octet {file.tell()} is longer than any")
    data = file.read(length)
    if len(data) != length:
        raise Unreadable("it is cut off: Postfix had not finished it, or it was damaged")
    return kind, data


def _content(path: Path) -> Iterator[bytes]:
    is_content, chunk = False, bytearray()
    with path.open("rb") as file:
        for kind, data in records(file):
            if kind == b"M":
                is_content = True
            elif kind == b"X":
                break
            elif is_content and kind in (b"N", b"L"):
                chunk += data
                if kind == b"N":
                    chunk += b"\r\n"
                if len(chunk) >= CHUNK:
                    yield bytes(chunk)
                    chunk.clear()
    yield bytes(chunk)


def _time(data: bytes) -> int | None:
    seconds, _, microseconds = data.decode("ascii", "replace").strip().partition(" ")
    with suppress(ValueError):
        return int(seconds) * 1_000_000 + int(microseconds or 0)
    return None


def _text(data: bytes) -> str:
    return data.decode("utf-8", "replace")
