"""A file in the archive's folder that hands messages from a command to the running server: too much for its socket.

mailwitness-import/1 LF
length of the head (4 octets), head (JSON: message, events, lengths of the frames), frames      repeated
SHA-256 of all before it
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from relay.archive.api import ArchiveError, Capture, StoredContent
from relay.archive.rows import MESSAGE_COLUMNS, event_of, event_row, message_of, message_row

MAGIC = b"mailwitness-import/1\n"
NAME = re.compile(r"import-[0-9A-Z]{26}\.spool")
_HASH = 32
_SHA256 = MESSAGE_COLUMNS.index("sha256")


def write_spool(path: Path, captures: Sequence[Capture]) -> None:
    """The file has these messages. Not synced: it is read at once, or made anew."""
    whole = hashlib.sha256()
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600), "wb") as file:

        def put(octets: bytes) -> None:
            whole.update(octets)
            file.write(octets)

        put(MAGIC)
        for capture in captures:
            head = _head(capture)
            put(len(head).to_bytes(4, "big") + head)
            for frame in capture.content.frames:
                put(frame)
        file.write(whole.digest())


def read_spool(folder: Path, name: str) -> list[Capture]:
    """The messages in the file. Raises ArchiveError: it is not there, or not what was written."""
    if NAME.fullmatch(name) is None:
        raise ArchiveError(f"no spool is called {name!r}")
    try:
        with open(os.open(folder / name, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC), "rb") as file:
            octets = memoryview(file.read())
    except OSError as error:
        raise ArchiveError(f"{folder / name}: {error.strerror or error}") from error
    body = octets[:-_HASH]
    if hashlib.sha256(body).digest() != octets[-_HASH:] or body[: len(MAGIC)] != MAGIC:
        raise ArchiveError(f"{folder / name} is damaged")
    captures, place = [], len(MAGIC)
    while place < len(body):
        start = place + 4
        place = start + int.from_bytes(body[place:start], "big")
        value = json.loads(bytes(body[start:place]))
        frames = []
        for length in value["frames"]:
            frames.append(bytes(body[place : place + length]))
            place += length
        captures.append(_capture(value, frames))
    return captures


def _head(capture: Capture) -> bytes:
    row: list[Any] = list(message_row(capture.message))
    row[_SHA256] = capture.message.sha256.hex()
    value = {
        "message": row,
        "events": [event_row(event) for event in capture.events],
        "frames": [len(frame) for frame in capture.content.frames],
    }
    return json.dumps(value).encode("ascii")


def _capture(value: Any, frames: list[bytes]) -> Capture:
    row = value["message"]
    row[_SHA256] = bytes.fromhex(row[_SHA256])
    message = message_of(row)
    content = StoredContent(tuple(frames), message.size, message.sha256)
    return Capture(message, content, (), [event_of(event) for event in value["events"]])
