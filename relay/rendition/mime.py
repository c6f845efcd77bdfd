"""A content as a tree of parts, each a few offsets into the octets; nothing is decoded, copied or repaired.

The spans tile the content exactly (`segments`), so that edits can be placed on them. Reads broken messages as mail
readers do, in linear time and without recursion, and notes each defect. RFC 5322 section 2, RFC 2045, RFC 2046.
A delimiter line must be the whole `--boundary` but for trailing white space: prefixes of one another stay apart.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from relay.rendition.entity import Field, Part, Segment, segments, walk
from relay.rendition.parameters import Parameterised, parse_parameterised

__all__ = ["Field", "Part", "Segment", "header_fields", "parse", "segments", "walk"]

MAX_DEPTH = 100
MAX_PARTS = 1000
MAX_FIELDS = 20_000
"""Header fields noted in one message; later ones stay part of their header section, unnamed."""
LINE_END = rb"[\r\n](?>(?<=\n)|(?:\r{0,7}\n)?+)"
"""One line end as people write them: CRLF, bare LF, bare CR; and CRs before an LF, the mark of a file converted twice,
are one line end together with it (as Postfix has it): made into several, they would end the header section early.
The repeat is bounded so that a run of CRs costs what it weighs."""

_LINE_END = re.compile(LINE_END)
_FIELD_END = re.compile(LINE_END + rb"(?![ \t])")
_FIELD_NAME = re.compile(rb"([!-9;-~]{1,998})[ \t]*+:")
_DELIMITER_LINE = re.compile(rb"[\r\n]--([^\r\n]++)")
_SECTION_END = re.compile(LINE_END + rb"(?=--|[\r\n])")
_ENVELOPE_LINE = re.compile(rb">?From ")
_BOM = b"\xef\xbb\xbf"
_MAX_BOUNDARY = 4096
_IDENTITY = frozenset({"", "7bit", "8bit", "binary"})


def parse(content: bytes) -> Part:
    """The tree of `content`; never raises, whatever the octets.

    Beyond MAX_PARTS the rest is left in the epilogue of the multipart it stood in, beyond MAX_DEPTH a multipart is
    a leaf; both are noted as defects.
    """
    return _Parser(content).run()


def header_fields(content: bytes) -> tuple[Field, ...]:
    """The fields of the message's own header section, without looking at its body."""
    return _Parser(content).header(0).fields


@dataclass(frozen=True, slots=True)
class _Header:
    """A header section: its fields, where it stops, where the body starts."""

    fields: tuple[Field, ...]
    stop: int
    body_start: int
    defects: tuple[str, ...]

    def value(self, content: bytes, key: str) -> bytes | None:
        return next((field.value(content) for field in self.fields if field.key == key), None)


@dataclass(slots=True)
class _Open:
    """A part whose end is not known yet."""

    number: int
    start: int
    header: _Header
    content_type: Parameterised
    disposition: Parameterised
    transfer_encoding: str
    content_id: bytes
    defects: list[str]
    boundary: bytes | None = None
    delimiters: list[tuple[int, int]] = field(default_factory=list)
    children: list[Part] = field(default_factory=list)

    @property
    def floor(self) -> int:
        """Where the octets begin that a next delimiter may claim."""
        return self.delimiters[-1][1] if self.delimiters else self.header.body_start

    def close(self, depth: int, stop: int) -> Part:
        header = self.header
        return Part(
            number=self.number,
            depth=depth,
            start=self.start,
            header_stop=header.stop,
            body_start=header.body_start,
            stop=stop,
            fields=header.fields,
            content_type=self.content_type.value,
            parameters=self.content_type,
            disposition=self.disposition,
            transfer_encoding=self.transfer_encoding,
            content_id=self.content_id,
            boundary=self.boundary,
            delimiters=tuple(self.delimiters),
            children=tuple(self.children),
            defects=tuple(self.defects),
        )


_Owner = tuple[bytes, bool]
"""A boundary that is waited for, and whether the line is the closing delimiter."""


class _Parser:
    """One pass over the delimiter lines, with the parts that are open kept on a stack, the innermost on top."""

    def __init__(self, content: bytes) -> None:
        self.content = content
        self.stack: list[_Open] = []
        self.boundaries: dict[bytes, list[int]] = {}
        """Boundaries being waited for -> places in the stack; the innermost of equals takes a delimiter."""
        self.count = 0
        self.fields_left = MAX_FIELDS

    def run(self) -> Part:
        position: int | None = self.open(0)
        while self.boundaries and position is not None:
            position = self.next_delimiter(position)
        self.close_above(0, len(self.content))
        return self.close_top(len(self.content))

    def open(self, start: int) -> int:
        """Opens the part at `start`, and the message within it if it is one; returns where to look for delimiters."""
        while True:
            header = self.header(start)
            part = self.describe(start, header)
            self.count += 1
            self.stack.append(part)
            is_message = part.content_type.value in ("message/rfc822", "message/global")
            has_room = len(self.stack) < MAX_DEPTH and self.count < MAX_PARTS
            if part.boundary is not None:
                if has_room:
                    self.boundaries.setdefault(part.boundary, []).append(len(self.stack) - 1)
                else:
                    part.boundary = None
            if not has_room and (is_message or part.content_type.value.startswith("multipart/")):
                part.defects.append(f"not looked into: more than {MAX_DEPTH} levels or {MAX_PARTS} parts")
            if not (is_message and has_room and part.transfer_encoding in _IDENTITY):
                # The line end before the body is where a delimiter may begin.
                return max(header.body_start - 1, 0)
            start = header.body_start

    def describe(self, start: int, header: _Header) -> _Open:
        default = "text/plain"
        if self.stack and self.stack[-1].content_type.value == "multipart/digest":
            default = "message/rfc822"
        defects = list(header.defects)
        given = header.value(self.content, "content-type")
        content_type = parse_parameterised(given or b"")
        if not _is_media_type(content_type.value):
            if given is not None:
                defects.append("Content-Type cannot be read")
            content_type = Parameterised(default, content_type.raw)
        encoding = parse_parameterised(header.value(self.content, "content-transfer-encoding") or b"").value
        boundary = None
        if content_type.value.startswith("multipart/"):
            boundary = (content_type.octets("boundary") or b"").rstrip() or None
            if boundary is None or len(boundary) > _MAX_BOUNDARY:
                defects.append("multipart without a usable boundary")
                boundary = None
        disposition = parse_parameterised(header.value(self.content, "content-disposition") or b"")
        content_id = header.value(self.content, "content-id") or b""
        return _Open(self.count, start, header, content_type, disposition, encoding, content_id, defects, boundary)

    def next_delimiter(self, position: int) -> int | None:
        """Deals with the first delimiter line from `position` on; None when there is none, or no room for more."""
        for match in _DELIMITER_LINE.finditer(self.content, position):
            owner = self.owner(match[1])
            if owner is not None:
                start = max(self.line_end_start(match.start()), self.stack[-1].floor)
                return self.cross(owner, start, match.end())
        return None

    def owner(self, line: bytes) -> _Owner | None:
        """Whose delimiter line it is that has `line` after `--`; None for just any line."""
        line = line.rstrip(b" \t")
        if line in self.boundaries:
            return line, False
        if line.endswith(b"--") and line[:-2] in self.boundaries:
            return line[:-2], True
        return None

    def cross(self, owner: _Owner, start: int, line_stop: int) -> int | None:
        """Takes the delimiter line [start, line_stop) for `owner`."""
        boundary, is_closing = owner
        place = self.boundaries[boundary][-1]
        self.close_above(place, start)
        container = self.stack[place]
        if is_closing:
            container.delimiters.append((start, line_stop))
            self.forget(boundary, place)
            return line_stop
        if self.count >= MAX_PARTS:
            container.defects.append(f"more than {MAX_PARTS} parts")
            return None
        line_end = _LINE_END.match(self.content, line_stop)
        stop = line_end.end() if line_end else len(self.content)
        container.delimiters.append((start, stop))
        return self.open(stop)

    def close_above(self, place: int, stop: int) -> None:
        """Closes all parts above `place`, so that it is the top again."""
        while len(self.stack) > place + 1:
            part = self.close_top(stop)
            self.stack[-1].children.append(part)

    def close_top(self, stop: int) -> Part:
        depth = len(self.stack) - 1
        part = self.stack[-1]
        if part.boundary is not None and depth in self.boundaries.get(part.boundary, ()):
            part.defects.append("multipart without its closing delimiter")
            self.forget(part.boundary, depth)
        return self.stack.pop().close(depth, stop)

    def forget(self, boundary: bytes, place: int) -> None:
        self.boundaries[boundary].remove(place)
        if not self.boundaries[boundary]:
            del self.boundaries[boundary]

    def line_end_start(self, position: int) -> int:
        """Where the line end begins whose last octet is at `position`."""
        if self.content[position] == 0x0A:
            for _ in range(8):
                if position == 0 or self.content[position - 1] != 0x0D:
                    break
                position -= 1
        return position

    def header(self, start: int) -> _Header:
        """The header section at `start`: up to a blank line, a delimiter, or what cannot be a field."""
        content, size = self.content, len(self.content)
        fields: list[Field] = []
        defects: dict[str, None] = {}
        position = self.before_fields() if start == 0 else start
        while position < size and content[position] not in b"\r\n" and not self.is_delimiter(position):
            name = _FIELD_NAME.match(content, position)
            if name is None:
                following = self.after_line(position)
                if not ((fields or start == 0) and _FIELD_NAME.match(content, following)):
                    defects.setdefault("no blank line between header and body")
                    return _Header(tuple(fields), position, position, tuple(defects))
                defects.setdefault("a line in the header that is no field")
                position = following
            elif self.fields_left:
                end = _FIELD_END.search(content, name.end())
                value_stop, stop = end.span() if end else (size, size)
                fields.append(Field(name[1].decode("ascii"), position, name.end(), value_stop, stop))
                self.fields_left -= 1
                position = stop
            else:
                defects.setdefault(f"more than {MAX_FIELDS} header fields")
                position = self.section_end(position)
        blank = _LINE_END.match(content, position)
        return _Header(tuple(fields), position, blank.end() if blank else position, tuple(defects))

    def before_fields(self) -> int:
        """Where the first field of the message stands: after a byte order mark and an mbox `From ` line."""
        position = len(_BOM) if self.content.startswith(_BOM) else 0
        return self.after_line(position) if _ENVELOPE_LINE.match(self.content, position) else position

    def section_end(self, position: int) -> int:
        """Where the header section ends, without looking at its fields."""
        while (match := _SECTION_END.search(self.content, position)) is not None:
            position = match.end()
            if self.content[position] in b"\r\n" or self.is_delimiter(position):
                return position
        return len(self.content)

    def is_delimiter(self, position: int) -> bool:
        if not self.boundaries or not self.content.startswith(b"--", position):
            return False
        end = _LINE_END.search(self.content, position)
        return self.owner(self.content[position + 2 : end.start() if end else None]) is not None

    def after_line(self, position: int) -> int:
        match = _LINE_END.search(self.content, position)
        return match.end() if match else len(self.content)


def _is_media_type(value: str) -> bool:
    kind, slash, name = value.partition("/")
    return bool(kind and slash and name) and value.isascii() and not re.search(r"[\s\x00-\x1f\x7f]", value)
