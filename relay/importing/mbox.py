"""mbox files: where each message lies in the file, by From_ lines and, where it fits, Content-Length (RFC 4155).

A message begins after a From_ line: one at the beginning of the file or behind an empty line, with a weekday and a
time. The empty line before the next one is the file's, not the message's. A Content-Length is believed only if a From_
line or the end of the file is where it says (mboxcl, mboxcl2).

Nothing in a file says whether `>From ` at the beginning of a line was written so or is an escaped `From `: it stays
as it is, and how often it is there is noted. Only who says `mboxrd` has it undone, which is certain there.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO

from relay.importing.claims import fields_of, from_line
from relay.importing.found import CHUNK, Found, shown

_FROM = re.compile(rb"From (?:[^\n]* )?(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)\b[^\n]*\d\d:\d\d[^\n]*")
_ESCAPED = re.compile(rb"^>(>*From )", re.MULTILINE)
_BLANK = (b"\n", b"\r\n")
LONGEST_LINE = 64 * 1024
"""Octets looked at as one line; the rest of a longer one is looked at as another, which begins no message."""
LONGEST_HEAD = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Span:
    """A message in a file: its From_ line, and octets `start` to `stop` (half-open)."""

    line: bytes
    start: int
    stop: int


def messages(path: Path, *, is_mboxrd: bool = False) -> Iterator[Found]:
    """Every message of the file, the first one first. Raises OSError."""
    name = shown(path)
    with path.open("rb") as file:
        for span in spans(file):
            claim = from_line(span.line)
            escaped = 0 if is_mboxrd else _count(path, span)
            if escaped:
                claim = replace(claim, notes={"maybe_escaped_lines": escaped})
            chunks = _chunks(path, span, is_mboxrd=is_mboxrd)
            yield Found(name, "mboxrd" if is_mboxrd else "mbox", chunks, f"octet {span.start}", claim=claim)


def spans(file: BinaryIO) -> Iterator[Span]:
    """Where the messages are. `file` is read from its beginning on and left where it is wanted in between."""
    place = 0
    while True:
        file.seek(place)
        line = _line(file)
        if not line:
            return
        if line in _BLANK:
            place += len(line)
            continue
        start = place + len(line)
        stop, place = _end(file, start)
        yield Span(line, start, stop)


def _line(file: BinaryIO) -> bytes:
    return file.readline(LONGEST_LINE)


def _end(file: BinaryIO, start: int) -> tuple[int, int]:
    """Where the message that begins at `start` ends, and where the next From_ line is, or the end of the file."""
    file.seek(start)
    head, place = bytearray(), start
    while (line := _line(file)) and line not in _BLANK:
        place += len(line)
        if len(head) < LONGEST_HEAD:
            head += line
    body = place + len(line)
    if (counted := _by_length(file, bytes(head), body)) is not None:
        return counted
    file.seek(body)
    # The empty line that ends the head is the message's, also where nothing follows it.
    place, is_behind_blank, blank, is_whole = body, True, 0, True
    while line := _line(file):
        if is_behind_blank and line.startswith(b"From ") and _FROM.match(line):
            return place - blank, place
        is_behind_blank = is_whole and line in _BLANK
        blank = len(line) if is_behind_blank else 0
        is_whole = line.endswith(b"\n")
        place += len(line)
    return place - blank, place


def _by_length(file: BinaryIO, head: bytes, body: int) -> tuple[int, int] | None:
    length = next((value for name, value in fields_of(head) if name == "content-length"), "")
    if not re.fullmatch("[0-9]{1,12}", length):
        return None
    stop = body + int(length)
    file.seek(0, 2)
    if stop > file.tell():
        return None
    file.seek(stop)
    line, blank = _line(file), 0
    if line in _BLANK:
        blank, line = len(line), _line(file)
    return (stop, stop + blank) if not line or _FROM.match(line) else None


def _pieces(path: Path, span: Span) -> Iterator[bytes]:
    """The octets, each piece ending with a line."""
    left = span.stop - span.start
    with path.open("rb") as file:
        file.seek(span.start)
        while left:
            octets = file.read(min(left, CHUNK))
            if not octets:
                return
            left -= len(octets)
            if left:
                rest = file.readline(min(left, CHUNK))
                octets, left = octets + rest, left - len(rest)
            yield octets


def _chunks(path: Path, span: Span, *, is_mboxrd: bool) -> Callable[[], Iterator[bytes]]:
    def chunks() -> Iterator[bytes]:
        for piece in _pieces(path, span):
            yield _ESCAPED.sub(rb"\1", piece) if is_mboxrd else piece

    return chunks


def _count(path: Path, span: Span) -> int:
    return sum(len(_ESCAPED.findall(piece)) for piece in _pieces(path, span) if b">From " in piece)
