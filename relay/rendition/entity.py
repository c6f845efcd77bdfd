"""The values of a parsed message: parts as octet spans, header fields, and the tiles the content is made of.

Made by `mime.py`; nothing here reads octets but to hand out a span. RFC 5322 section 2, RFC 2046.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from relay.rendition.parameters import Parameterised

MAX_FIELD_SIZE = 100 * 1024
"""Octets of one field's value that are looked at."""


@dataclass(frozen=True, slots=True)
class Field:
    """One header field. `name` as written; all ends half-open; [start, stop) includes folded lines and line end."""

    name: str
    start: int
    value_start: int
    """Just after the colon."""
    value_stop: int
    """Before the line end."""
    stop: int

    @property
    def key(self) -> str:
        return self.name.lower()

    def value(self, content: bytes) -> bytes:
        """The raw value, folding kept, at most MAX_FIELD_SIZE octets."""
        return content[self.value_start : min(self.value_stop, self.value_start + MAX_FIELD_SIZE)]


@dataclass(frozen=True, slots=True)
class Part:
    """One entity: the whole message (number 0), a part of a multipart, or an attached message.

    Header section [start, header_stop), blank line [header_stop, body_start), body [body_start, stop).
    """

    number: int
    """Place in depth-first order, from 0; the `n` of `/parts/{n}`."""
    depth: int
    start: int
    header_stop: int
    body_start: int
    stop: int
    fields: tuple[Field, ...]
    content_type: str
    """Lower case `type/subtype`; RFC 2045 section 5.2's default where none, or none that can be read, is given."""
    parameters: Parameterised
    disposition: Parameterised
    """`value` is `inline`, `attachment` … or ''."""
    transfer_encoding: str
    """Lower case; '' if not given."""
    content_id: bytes = b""
    """The Content-ID field's value as written."""
    boundary: bytes | None = None
    delimiters: tuple[tuple[int, int], ...] = ()
    """Of a multipart: the delimiter lines, each with the line end before it (it belongs to the delimiter)."""
    children: tuple[Part, ...] = ()
    defects: tuple[str, ...] = ()

    def body(self, content: bytes) -> bytes:
        """The body as it stands, transfer encoding kept."""
        return content[self.body_start : self.stop]

    def first(self, name: str) -> Field | None:
        """The first field of that name (any case)."""
        key = name.lower()
        return next((field for field in self.fields if field.key == key), None)


@dataclass(frozen=True, slots=True)
class Segment:
    """One tile: `header`, `separator`, `body`, `preamble`, `delimiter` or `epilogue` of part `number`."""

    kind: str
    number: int
    start: int
    stop: int


def walk(root: Part) -> Iterator[Part]:
    """All parts depth first, so in the order of their numbers."""
    waiting = [root]
    while waiting:
        part = waiting.pop()
        yield part
        waiting.extend(reversed(part.children))


def segments(root: Part) -> Iterator[Segment]:
    """The tiles of the whole content in order, none empty; joined together they are the content."""
    waiting: list[Part | Segment] = [root]
    while waiting:
        item = waiting.pop()
        if isinstance(item, Part):
            waiting.extend(reversed(_tiles(item)))
        elif item.start < item.stop:
            yield item


def _tiles(part: Part) -> list[Part | Segment]:
    number = part.number
    tiles: list[Part | Segment] = [
        Segment("header", number, part.start, part.header_stop),
        Segment("separator", number, part.header_stop, part.body_start),
    ]
    if not part.delimiters:
        return (
            [*tiles, *part.children] if part.children else [*tiles, Segment("body", number, part.body_start, part.stop)]
        )
    tiles.append(Segment("preamble", number, part.body_start, part.delimiters[0][0]))
    for n, (start, stop) in enumerate(part.delimiters):
        tiles.append(Segment("delimiter", number, start, stop))
        tiles += part.children[n : n + 1]
    last = max(part.delimiters[-1][1], part.children[-1].stop if part.children else 0)
    return [*tiles, Segment("epilogue", number, last, part.stop)]
