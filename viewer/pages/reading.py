"""A message's content as its page shows it: bodies, header fields, parts and attachments. Pure; runs in a thread.

Bounded where the content is not: what is cut says so, and the whole can always be downloaded.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass
from urllib.parse import unquote

from relay.rendition.decode import decode_body, decode_field, decode_text, filename
from relay.rendition.mime import Part, parse, walk
from relay.rendition.parts import cid_map, html_leaf, is_body, leaves, part_at, text_leaf
from relay.rendition.text import html_to_text
from viewer.message.preview import MAX_HTML, RASTER_TYPES, USUAL, Look, Preview, make_preview

MAX_TEXT = 500_000
"""Characters of text shown."""
MAX_FIELDS = 1000
MAX_FIELD_TEXT = 20_000
MAX_SOURCE = 500_000
"""Octets of source shown."""


@dataclass(frozen=True, slots=True)
class Text:
    """What there is to read. `is_from_html`: made from the HTML, because there is no plain text."""

    text: str
    is_from_html: bool
    is_cut: bool


@dataclass(frozen=True, slots=True)
class HeaderField:
    """One header field: its value as people read it, and as it stands in the message."""

    name: str
    value: str
    raw: str


@dataclass(frozen=True, slots=True)
class Node:
    """One part of the MIME tree, ready to be shown."""

    number: int
    content_type: str
    name: str
    transfer_encoding: str
    disposition: str
    size: int
    defects: tuple[str, ...]
    children: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Reading:
    """A content taken apart."""

    content: bytes
    root: Part
    attachment_count: int
    has_html: bool
    has_text: bool


def read(content: bytes) -> Reading:
    root = parse(content)
    return Reading(
        content,
        root,
        sum(not is_body(leaf) for leaf in leaves(root)),
        html_leaf(root) is not None,
        text_leaf(root) is not None,
    )


def text_of(reading: Reading) -> Text:
    """The plain text body, else what the HTML says."""
    leaf = text_leaf(reading.root)
    if leaf is not None:
        text = decode_text(leaf, reading.content, MAX_TEXT + 1)
        return Text(text[:MAX_TEXT], False, len(text) > MAX_TEXT)
    leaf = html_leaf(reading.root)
    if leaf is None:
        return Text("", False, False)
    text = html_to_text(decode_text(leaf, reading.content, MAX_HTML), MAX_TEXT)
    return Text(text, True, len(text) >= MAX_TEXT)


def html_of(reading: Reading) -> str:
    leaf = html_leaf(reading.root)
    return decode_text(leaf, reading.content, MAX_HTML + 1) if leaf is not None else ""


def preview_of(reading: Reading, look: Look = USUAL) -> Preview:
    """The inert preview of the first HTML body. Raises TooMuch."""
    numbers = cid_map(reading.root)

    def picture(content_id: str) -> str | None:
        number = numbers.get(unquote(content_id), numbers.get(content_id))
        part = part_at(reading.root, number) if number is not None else None
        if part is None or part.content_type not in RASTER_TYPES:
            return None
        data = base64.b64encode(decode_body(part, reading.content)).decode("ascii")
        return f"data:{part.content_type};base64,{data}"

    return make_preview(html_of(reading), picture, look)


def header_of(reading: Reading) -> tuple[list[HeaderField], bool]:
    """The header fields in their order, and whether there are more than are shown."""
    fields = [
        HeaderField(
            field.name,
            decode_field(field.value(reading.content))[:MAX_FIELD_TEXT],
            shown_octets(field.value(reading.content))[:MAX_FIELD_TEXT].strip(),
        )
        for field in reading.root.fields[:MAX_FIELDS]
    ]
    return fields, len(reading.root.fields) > MAX_FIELDS


def structure_of(reading: Reading) -> Node:
    """The MIME tree. Built from the leaves up, so that no depth is too much for the interpreter's stack."""
    done: dict[int, Node] = {}
    for part in reversed(list(walk(reading.root))):
        done[part.number] = Node(
            part.number,
            part.content_type,
            filename(part),
            part.transfer_encoding,
            part.disposition.value,
            part.stop - part.body_start,
            part.defects,
            tuple(done.pop(child.number) for child in part.children),
        )
    return done[reading.root.number]


def source_of(content: bytes) -> tuple[str, bool]:
    """The octets as text, one character an octet where they are not UTF-8; and whether the end was cut."""
    return shown_octets(content[:MAX_SOURCE]), len(content) > MAX_SOURCE


def shown_octets(octets: bytes) -> str:
    """Octets as they stand: line ends as such, controls made visible, no octet lost from sight."""
    text = octets.decode("utf-8", "backslashreplace").replace("\r\n", "\n")
    return text.translate(_CONTROLS)


_CONTROLS = {code: f"\\x{code:02x}" for code in (*range(32), 127) if code not in (9, 10)}
"""Controls as they are escaped: a bare CR is shown as \\x0d."""
