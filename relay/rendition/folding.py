"""Encoded replacements put between octets that stay, in lines of at most 76 octets. RFC 2045 section 6.7 (5), 6.8.

Knows quoted-printable and base64 only by how they break a line. What stays is not broken anew: where a replacement
leaves it no room, it begins on a line of its own.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import zip_longest

from relay.model.edit import Edit

MAX_LINE = 76


@dataclass(frozen=True, slots=True)
class Placed:
    """Octets [start, stop) of the content become `encoded`.

    `line_start`: where the line of `start` begins; `line_stop`: where the line of `stop` ends, before its line end.
    """

    start: int
    stop: int
    line_start: int
    line_stop: int
    encoded: bytes


def folded(content: bytes, placed: Iterable[Placed], line_break: bytes, step: str) -> Iterator[Edit]:
    """The edits for `placed` (in order, apart), with `line_break` (`=` CRLF, or CRLF) wherever a line would be long.

    A line that we begin never begins with a hyphen: it could be taken for the delimiter of a multipart.
    """
    mark = len(line_break) - 2
    column = position = 0
    line_stop = -1
    waiting = list(placed)
    for one, following in zip_longest(waiting, waiting[1:]):
        column = column + one.start - position if one.start <= line_stop else one.start - one.line_start
        start, encoded = one.start, one.encoded
        if mark and column == MAX_LINE:
            # A full line has no room for the soft break: its last character goes on in the new line.
            start -= 3 if content.startswith(b"=", start - 3) else 1
            encoded, column = content[start : one.start] + encoded, column - (one.start - start)
        pieces, column = _wrapped(encoded, column, line_break)
        position, line_stop = one.stop, one.line_stop
        if following is not None and following.start <= line_stop:
            room = following.start - position + mark
        else:
            room = line_stop - position
        if room and column + room > MAX_LINE:
            pieces.append(line_break)
            column = 0
            if content[position : position + 1] == b"-":
                pieces.append(b"=2D")
                position, column = position + 1, 3
        yield Edit(start, position, b"".join(pieces), step)


def _wrapped(encoded: bytes, column: int, line_break: bytes) -> tuple[list[bytes], int]:
    """`encoded` in pieces that begin at `column` and go on in new lines, escapes in one piece; and the column after."""
    limit = MAX_LINE - len(line_break) + 2
    pieces: list[bytes] = []
    position = 0
    while True:
        if column == 0 and encoded.startswith(b"-", position):
            pieces.append(b"=2D")
            position, column = position + 1, 3
        if len(encoded) - position <= limit - column:
            break
        cut = _before_escape(encoded, position, position + max(limit - column, 0))
        pieces += (encoded[position:cut], line_break)
        position, column = cut, 0
    pieces.append(encoded[position:])
    return pieces, column + len(encoded) - position


def _before_escape(encoded: bytes, start: int, cut: int) -> int:
    """`cut`, or the start of the escape `=XX` that it would divide."""
    sign = encoded.rfind(b"=", max(start, cut - 2), cut)
    return cut if sign < 0 else sign
