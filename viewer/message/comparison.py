"""Octets and what recorded edits make of them, side by side: stretches around the edits, everything else folded. Pure.

Nothing is computed from how the two look: the edits say what changed. Bounded for contents and edits of any size: of
one stretch at most CELL octets a side are given, and at most STRETCHES of them. Octets that are not printable are
spelled out, those that turn the direction of writing too, so that nothing is hidden.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from relay.model.edit import Edit

CONTEXT = 3
"""Unchanged lines shown before and after a change."""
REACH = 400
"""Octets of one line, or of the context, shown on each side of a change."""
CELL = 6000
"""Octets shown of one side of one stretch."""
STRETCHES = 150


@dataclass(frozen=True, slots=True)
class Span:
    """Text of one line; `step`: who asked for it, '' where both sides are the same."""

    text: str
    step: str = ""


@dataclass(frozen=True, slots=True)
class Line:
    """`number` counts from 1; 0 for the rest of a line whose beginning is not shown."""

    number: int
    spans: tuple[Span, ...]


@dataclass(frozen=True, slots=True)
class Side:
    lines: tuple[Line, ...] = ()
    cut: int = 0
    """Octets that are not shown."""


@dataclass(frozen=True, slots=True)
class Row:
    """`kind`: `same` (context), `changed`, or `fold` (`octets` and `line_count` of both sides left out)."""

    kind: str
    before: Side = Side()
    after: Side = Side()
    steps: tuple[tuple[str, int], ...] = ()
    """Which steps made how many of the edits in it."""
    octets: int = 0
    line_count: int = 0


Piece = tuple[bytes, str]
"""Octets of one side, and the step that changed them, '' for none."""


@dataclass(frozen=True, slots=True)
class Comparison:
    rows: tuple[Row, ...]
    unshown: int = 0
    """Edits beyond STRETCHES."""


@dataclass(frozen=True, slots=True)
class _Stretch:
    """Octets [start, stop) of the content, all edits of which are in `edits`."""

    start: int
    stop: int
    edits: tuple[Edit, ...]


def compare(content: bytes, edits: Sequence[Edit]) -> Comparison:
    """The rows for `content` and splice(content, edits); no edits, no rows. The edits must be fit for `splice`."""
    stretches: list[_Stretch] = []
    shown = 0
    for stretch in _stretches(content, edits):
        if len(stretches) == STRETCHES:
            break
        stretches.append(stretch)
        shown += len(stretch.edits)
    rows = tuple(_Rows(content).of(stretches, is_whole=shown == len(edits))) if stretches else ()
    return Comparison(rows, len(edits) - shown)


def _stretches(content: bytes, edits: Sequence[Edit]) -> Iterator[_Stretch]:
    """The lines that the edits touch; those of one step that follow one another are one stretch."""
    start, stop, inside = 0, -1, list[Edit]()
    for edit in edits:
        first, last = _touched(content, edit)
        if inside and (first > stop or (first == stop and edit.step != inside[-1].step)):
            yield _Stretch(start, stop, tuple(inside))
            inside = []
        start = start if inside else first
        stop = max(stop, last) if inside else last
        inside.append(edit)
    if inside:
        yield _Stretch(start, stop, tuple(inside))


def _touched(content: bytes, edit: Edit) -> tuple[int, int]:
    """The range of the lines an edit changes, at most REACH octets beyond it; empty where it only adds whole lines."""
    floor = max(0, edit.start - REACH)
    start = content.rfind(b"\n", floor, edit.start) + 1 or floor
    is_whole = edit.replacement.endswith(b"\n") or (not edit.replacement and start == edit.start)
    if is_whole and _begins_line(content, edit.stop):
        return start, edit.stop
    ceiling = min(len(content), edit.stop + REACH)
    stop = content.find(b"\n", edit.stop, ceiling) + 1 or ceiling
    return start, stop


def _begins_line(content: bytes, position: int) -> bool:
    return position == 0 or content[position - 1 : position] == b"\n"


class _Rows:
    """Goes through the content once, counting the lines of both sides."""

    def __init__(self, content: bytes) -> None:
        self.content = content
        self.before, self.after = _Counter(), _Counter()
        self.position = 0

    def of(self, stretches: Sequence[_Stretch], *, is_whole: bool) -> Iterator[Row]:
        for n, stretch in enumerate(stretches):
            yield from self.between(stretch.start, is_first=n == 0)
            yield self.changed(stretch)
        if is_whole:
            yield from self.between(len(self.content), is_last=True)

    def between(self, stop: int, *, is_first: bool = False, is_last: bool = False) -> Iterator[Row]:
        """The unchanged octets up to `stop`: context, a fold, context."""
        head = self.position if is_first else _forward(self.content, self.position, stop)
        tail = stop if is_last else _backward(self.content, head, stop)
        yield from self.same(head)
        if tail > head:
            yield self.fold(tail)
        yield from self.same(stop)

    def same(self, stop: int) -> Iterator[Row]:
        if stop > self.position:
            octets = self.content[self.position : stop]
            yield Row("same", self.before.side([(octets, "")]), self.after.side([(octets, "")]))
            self.position = stop

    def fold(self, stop: int) -> Row:
        count = self.content.count(b"\n", self.position, stop)
        ends_line = self.content[stop - 1 : stop] == b"\n"
        for counter in (self.before, self.after):
            counter.skip(count, ends_line)
        row = Row("fold", octets=stop - self.position, line_count=count)
        self.position = stop
        return row

    def changed(self, stretch: _Stretch) -> Row:
        before: list[Piece] = []
        after: list[Piece] = []
        position = stretch.start
        for edit in stretch.edits:
            kept = self.content[position : edit.start]
            before += ((kept, ""), (self.content[edit.start : edit.stop], edit.step))
            after += ((kept, ""), (edit.replacement, edit.step))
            position = edit.stop
        rest = self.content[position : stretch.stop]
        before.append((rest, ""))
        after.append((rest, ""))
        self.position = stretch.stop
        steps = Counter(edit.step for edit in stretch.edits)
        return Row("changed", self.before.side(before), self.after.side(after), tuple(steps.items()))


def _forward(content: bytes, start: int, stop: int) -> int:
    """Where the CONTEXT lines after `start` end, or sooner."""
    position = start
    for _ in range(CONTEXT):
        position = content.find(b"\n", position, min(stop, start + REACH)) + 1 or min(stop, start + REACH)
    return position


def _backward(content: bytes, start: int, stop: int) -> int:
    """Where the CONTEXT lines before `stop` begin, or later."""
    floor = max(start, stop - REACH)
    position = stop
    for _ in range(CONTEXT):
        position = content.rfind(b"\n", floor, max(floor, position - 1)) + 1 or floor
    return position


class _Counter:
    """The lines of one side, numbered as they go by."""

    def __init__(self) -> None:
        self.number = 1
        self.is_inside = False
        """The next octet is not the first of its line."""

    def skip(self, count: int, ends_line: bool) -> None:
        self.number += count
        self.is_inside = not ends_line

    def side(self, pieces: Sequence[Piece]) -> Side:
        """The pieces as lines; what is beyond CELL is counted."""
        lines: list[Line] = []
        spans: list[Span] = []
        number = 0 if self.is_inside else self.number
        room = CELL
        for octets, step in pieces:
            shown = octets[:room]
            room -= len(shown)
            for text, ends in _split(shown):
                spans.append(Span(_visible(text, is_changed=bool(step)), step))
                if ends:
                    lines.append(Line(number, tuple(spans)))
                    self.number += 1
                    number, spans = self.number, []
            rest = octets[len(shown) :]
            self.number += rest.count(b"\n")
            if octets:
                self.is_inside = not octets.endswith(b"\n")
        if spans:
            lines.append(Line(number, tuple(spans)))
        return Side(tuple(lines), sum(len(octets) for octets, _ in pieces) - (CELL - room))


def _split(octets: bytes) -> Iterator[tuple[bytes, bool]]:
    """The octets line by line, each with whether it ends there."""
    for line in octets.splitlines(keepends=True) if b"\r" not in octets else _LINE.findall(octets):
        yield line, line.endswith(b"\n")


_LINE = re.compile(rb"[^\n]*\n|[^\n]+")


def _visible(octets: bytes, *, is_changed: bool) -> str:
    """One line as text. Line ends are shown where they changed, and where they are not CRLF."""
    body = octets.removesuffix(b"\n")
    end = ""
    if len(body) < len(octets):
        is_usual = body.endswith(b"\r")
        body = body.removesuffix(b"\r")
        end = ("\\r\\n" if is_changed else "") if is_usual else "\\n"
    return _HIDDEN.sub(_spelled, body.decode("utf-8", "backslashreplace")) + end


_HIDDEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\U000e0000-\U000e007f]"
)


def _spelled(match: re.Match[str]) -> str:
    code = ord(match[0])
    return f"\\x{code:02x}" if code < 0x80 else f"\\u{code:04x}"
