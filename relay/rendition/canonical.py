"""Header fields and bodies as DKIM hashes them: `simple` and `relaxed`. RFC 6376 section 3.4.

Takes exact wire octets: every line end a CRLF, the last line included. All in linear time: dkimpy's own relaxed body
looks from every space of a line to the line's end, 13 minutes for one line of 1 MB of spaces. What it gives is the
same, octet for octet; a property test compares the two.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from enum import StrEnum

PIECE = 32 * 1024
"""Octets of a body looked at in one go: as many as a processor keeps close. A longer line is one piece."""

_SPACES = re.compile(rb"[ \t]+")
_BLANK = b" \t\r\n"
_WIDE = b" " * 64


class Canonical(StrEnum):
    """What changes on the way a signature survives: none (`simple`), or white space (`relaxed`)."""

    SIMPLE = "simple"
    RELAXED = "relaxed"


def field(name: bytes, value: bytes, kind: Canonical) -> bytes:
    """One header field, with its CRLF; `value` is what stands between the colon and the CRLF, folding kept."""
    if kind is Canonical.SIMPLE:
        return name + b":" + value + b"\r\n"
    return name.lower() + b":" + _SPACES.sub(b" ", value.replace(b"\r\n", b"")).strip(b" ") + b"\r\n"


def body(wire: bytes, start: int, kind: Canonical) -> Iterator[bytes | memoryview]:
    """The body that begins at `start` of `wire`, in pieces to be hashed one after the other.

    An empty body is CRLF for `simple` and nothing for `relaxed`.
    """
    return _simple(wire, start) if kind is Canonical.SIMPLE else _relaxed(wire, start)


def _simple(wire: bytes, start: int) -> Iterator[bytes | memoryview]:
    yield memoryview(wire)[start : _stripped_end(wire, start, b"\r\n")]
    yield b"\r\n"


def _relaxed(wire: bytes, start: int) -> Iterator[bytes | memoryview]:
    # White space at the end is either trailing white space of the last line, or lines that end up empty.
    stop = _stripped_end(wire, start, _BLANK)
    view = memoryview(wire)
    position = start
    while position < stop:
        end = _piece_end(wire, position, stop)
        if wire.find(b" ", position, end) < 0 and wire.find(b"\t", position, end) < 0:
            yield view[position:end]
        else:
            yield _squeezed(wire[position:end])
        position = end
    if start < stop:
        yield b"\r\n"


def _stripped_end(wire: bytes, start: int, blank: bytes) -> int:
    """Where the octets of `wire` from `start` on end but for `blank` ones; without a copy of them all."""
    stop = len(wire)
    while start < stop:
        piece = max(start, stop - PIECE)
        kept = len(wire[piece:stop].rstrip(blank))
        if kept:
            return piece + kept
        stop = piece
    return start


def _piece_end(wire: bytes, position: int, stop: int) -> int:
    """Where a line ends that is about PIECE octets away; `stop` where none is."""
    near = position + PIECE
    if near >= stop:
        return stop
    end = wire.rfind(b"\n", position, near) + 1 or wire.find(b"\n", near, stop) + 1
    return end or stop


def _squeezed(lines: bytes) -> bytes:
    """Runs of white space made one space, none before a line end.

    Long runs shrink by 64 at a time and short ones by half, so that a run of any length takes a few rounds.
    """
    lines = lines.replace(b"\t", b" ")
    while _WIDE in lines:
        lines = lines.replace(_WIDE, b" ")
    while b"  " in lines:
        lines = lines.replace(b"  ", b" ")
    return lines.replace(b" \r\n", b"\r\n")
