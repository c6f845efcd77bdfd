"""Changes in a leaf that stands in the content as it is: 7bit, 8bit, binary. RFC 2045 section 6.2.

A line that keeps to 998 octets (RFC 5322 section 2.1.1) still does afterwards: white space that means nothing becomes
a line end, else the change is not made.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from relay.model.edit import Edit
from relay.rendition.change import Change

MAX_LINE = 998
_LINE = re.compile(rb"[^\r\n]*+")


@dataclass(frozen=True, slots=True)
class PlainLeaf:
    """`text` is content[start:start + len(text)]."""

    text: bytes
    start: int

    def fitting(self, changes: Sequence[Change]) -> list[Change]:
        """`changes` without those for which their line has no room."""
        return [
            change for group, is_short in self._by_lines(changes) for change in group if is_short or change.is_loose
        ]

    def edits(self, changes: Sequence[Change], step: str) -> tuple[Edit, ...]:
        """The edits that make `changes`; of those that `fitting` gave."""
        return tuple(
            Edit(self.start + change.start, self.start + change.stop, self._replacement(change, is_short), step)
            for group, is_short in self._by_lines(changes)
            for change in group
        )

    def _replacement(self, change: Change, is_short: bool) -> bytes:
        if is_short:
            return change.replacement
        # A line that we begin never begins with a hyphen: it could be taken for the delimiter of a multipart.
        after = b"" if self.text.startswith(b"-", change.stop) else b"\r\n"
        return b"\r\n" + change.replacement + after

    def _by_lines(self, changes: Sequence[Change]) -> Iterator[tuple[list[Change], bool]]:
        """Changes of one line, or of lines they join, and whether they may simply be made in it."""
        group: list[Change] = []
        start, stop = 0, -1
        for change in changes:
            if change.start > stop:
                if group:
                    yield group, self._is_short(group, start, stop)
                group, start = [], self._line_start(change.start, max(stop, 0))
            group.append(change)
            if change.stop > stop:
                stop = self._line_stop(change.stop)
        if group:
            yield group, self._is_short(group, start, stop)

    def _is_short(self, changes: Sequence[Change], start: int, stop: int) -> bool:
        """The lines [start, stop) keep to the limit with `changes`, or did not before."""
        growth = sum(len(change.replacement) - (change.stop - change.start) for change in changes)
        return stop - start + growth <= MAX_LINE or _longest(self.text, start, stop) > MAX_LINE

    def _line_start(self, position: int, floor: int) -> int:
        return max(self.text.rfind(b"\n", floor, position), self.text.rfind(b"\r", floor, position), floor - 1) + 1

    def _line_stop(self, position: int) -> int:
        match = _LINE.match(self.text, position)
        return match.end() if match else position


def _longest(text: bytes, start: int, stop: int) -> int:
    return max((match.end() - match.start() for match in _LINE.finditer(text, start, stop)), default=0)
