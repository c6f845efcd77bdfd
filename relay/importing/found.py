"""What a source gives: a message that was found, or why something was not read."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

CHUNK = 256 * 1024
"""Octets read at a time."""
LARGEST = 1024 * 1024 * 1024
"""Octets of one message; what is larger is a problem, not read."""


class Unreadable(Exception):
    """A source, or one message in it, is not what it should be; the text says why."""


@dataclass(frozen=True, slots=True)
class Claim:
    """What a source says of a message beside its octets: nothing that was witnessed. `of` says where it stands."""

    at: int | None = None
    """UTC microseconds."""
    at_of: str = ""
    sender: str | None = None
    recipients: tuple[str, ...] = ()
    envelope_of: str = ""
    notes: Mapping[str, str | int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Found:
    """A message. `chunks`: its octets from the first on, each time it is called; raises Unreadable or OSError."""

    source: str
    """The file, as text."""
    format: str
    chunks: Callable[[], Iterator[bytes]]
    place: str = ""
    """Where in the file."""
    name: str = ""
    """What the source itself tells messages apart by, where it does: two of one content are two messages then."""
    claim: Claim = field(default_factory=Claim)


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that was not read, and why."""

    source: str
    place: str
    why: str

    def __str__(self) -> str:
        return f"{self.source}{', ' if self.place else ''}{self.place}: {self.why}"


def shown(path: Path) -> str:
    """The path as text that can be kept: octets that are no UTF-8 are replaced."""
    return os.fsencode(path).decode("utf-8", "replace")


def file_chunks(path: Path) -> Callable[[], Iterator[bytes]]:
    """The octets of a file, as `Found.chunks`."""

    def chunks() -> Iterator[bytes]:
        with path.open("rb") as file:
            while octets := file.read(CHUNK):
                yield octets

    return chunks
