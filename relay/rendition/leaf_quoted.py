"""Changes in a quoted-printable leaf: only the octets that are changed, and soft line breaks beside them, are written.

RFC 2045 section 6.7. Text that decoders do not agree on is not changed.
"""

from __future__ import annotations

import re
from array import array
from bisect import bisect_right
from collections.abc import Iterator, Sequence

from relay.model.edit import Edit
from relay.rendition.change import Change, Unfit
from relay.rendition.decode import from_quoted_printable
from relay.rendition.folding import Placed, folded
from relay.rendition.mime import LINE_END

_PHYSICAL_LINE = re.compile(rb"[^\r\n]*+" + LINE_END + rb"|[^\r\n]++\Z")
# What one line is made of, as from_quoted_printable reads it: what counts for nothing, what counts for one octet, and
# octets that stand for themselves.
_TOKEN = re.compile(
    rb"(=[ \t]*+(?:\r{0,8}\n|\r|\Z)|[ \t]++(?=\r{0,8}\n|\r|\Z))|(=[0-9A-Fa-f]{2}|==|=)|[^= \t]++|[ \t]++"
)


class QuotedLeaf:
    """`text` is the decoded body that stands at content[start:stop], not empty. Raises Unfit."""

    def __init__(self, content: bytes, start: int, stop: int) -> None:
        self._content, self._start, self._stop = content, start, stop
        self._encoded, self._decoded = array("Q"), array("Q")
        """Where each line begins: in the content, and in `text`."""
        pieces: list[bytes] = []
        size = 0
        for match in _PHYSICAL_LINE.finditer(content, start, stop):
            self._encoded.append(match.start())
            self._decoded.append(size)
            pieces.append(from_quoted_printable(match[0]))
            size += len(pieces[-1])
        self.text = b"".join(pieces)
        if self.text != from_quoted_printable(content[start:stop]):
            raise Unfit("its quoted-printable is broken")

    def fitting(self, changes: Sequence[Change]) -> list[Change]:
        """All of `changes`: lines can be broken anywhere."""
        return list(changes)

    def edits(self, changes: Sequence[Change], step: str) -> tuple[Edit, ...]:
        """The edits that make `changes`, which are in order and apart from each other."""
        return tuple(folded(self._content, self._placed(changes), b"=\r\n", step))

    def _placed(self, changes: Sequence[Change]) -> Iterator[Placed]:
        wanted = [index for one in changes for index in (min(one.start, max(one.stop - 1, 0)), max(one.stop - 1, 0))]
        octets = list(self._octets(wanted))
        for change, first, last in zip(changes, octets[::2], octets[1::2], strict=True):
            # Whatever is inserted follows what was before it, not the white space or soft break dropped in between.
            stop = last[1] if change.stop else first[0]
            start = first[0] if change.start < change.stop else stop
            line_start, line_stop = self._line(start)[0], self._line(stop)[1]
            yield Placed(start, stop, line_start, line_stop, change.replacement.replace(b"=", b"=3D"))

    def _octets(self, indices: Sequence[int]) -> Iterator[tuple[int, int]]:
        """Which octets of the content stand for each octet of `text`; `indices` rising."""
        line, position, width = -1, 0, 0
        span = (self._start, self._start)
        for index in indices:
            found = bisect_right(self._decoded, index) - 1
            if found != line and index < len(self.text):
                line, position, width = found, self._decoded[found], 0
                tokens = _TOKEN.finditer(self._content, self._encoded[line], self._line_after(line))
            while position + width <= index < len(self.text):
                token = next(tokens)
                position += width
                span = token.span()
                width = 0 if token[1] else 1 if token[2] else span[1] - span[0]
            inner = index - position
            yield span if width <= 1 else (span[0] + inner, span[0] + inner + 1)

    def _line_after(self, line: int) -> int:
        return self._encoded[line + 1] if line + 1 < len(self._encoded) else self._stop

    def _line(self, position: int) -> tuple[int, int]:
        """The line of the content that `position` stands in, without its line end."""
        line = bisect_right(self._encoded, position) - 1
        if position == self._stop and self._content[position - 1] in b"\r\n":
            return position, position
        stop = self._line_after(line)
        while stop > position and self._content[stop - 1] in b"\r\n":
            stop -= 1
        return self._encoded[line], stop
