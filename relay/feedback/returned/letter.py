"""A mail that came back, opened: its header as text, the texts to be read, and what it encloses of the original.

Bounded: of a large mail only the beginnings of its texts are decoded. Built on `rendition.mime`; never raises.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from relay.rendition.addresses import parse_addresses
from relay.rendition.decode import decode_body, decode_field, decode_text
from relay.rendition.mime import Field, Part, header_fields, parse, walk
from relay.rendition.text import html_to_text

MAX_TEXT = 65_536
"""Characters of one text that are looked at."""
MAX_TEXTS = 8
MAX_ENCLOSED = 131_072
ENCLOSING = frozenset(
    (
        *("message/rfc822", "message/global", "text/rfc822-headers", "text/rfc822-header", "message/rfc822-headers"),
        *("message/global-headers", "message/partial", "text/rfc822", "message/news"),
    )
)
STATUSES = frozenset(("message/delivery-status", "message/global-delivery-status", "text/delivery-status"))
_REFERENCE = re.compile(r"<([^<>\s]{1,990})>")


@dataclass(frozen=True, slots=True)
class Enclosed:
    """The header of the original message, as far as it came back. `fields`: lower-case name -> first value."""

    fields: dict[str, str]

    @property
    def message_id(self) -> str:
        return bare_id(self.fields.get("message-id", ""))

    @property
    def return_path(self) -> str:
        return self.fields.get("return-path", "").strip().strip("<>")

    @property
    def recipients(self) -> tuple[str, ...]:
        names = ("x-original-to", "delivered-to", "to", "cc", "apparently-to", "bcc", "resent-to")
        found = [one for name in names for one in addresses_of(self.fields.get(name, ""))]
        return tuple(dict.fromkeys(found))


@dataclass(frozen=True, slots=True)
class Letter:
    content: bytes
    root: Part
    fields: dict[str, str]
    """Lower-case name -> first value, decoded, on one line."""
    texts: tuple[str, ...]
    """Those that a person reads, in order; HTML as text, where there is no plain form."""
    statuses: tuple[str, ...]
    """Delivery statuses (RFC 3464), as text."""
    enclosed: Enclosed | None

    def field(self, name: str) -> str:
        return self.fields.get(name, "")

    @property
    def text(self) -> str:
        return "\n".join(self.texts)

    @property
    def report_type(self) -> str:
        """Of a multipart/report: `delivery-status`, `feedback-report`, `disposition-notification` …; else ''."""
        if self.root.content_type != "multipart/report":
            return ""
        return (self.root.parameters.octets("report-type") or b"").decode("ascii", "replace").strip().lower()


def open_letter(content: bytes) -> Letter:
    root = parse(content)
    plain: list[str] = []
    html: list[str] = []
    statuses: list[str] = []
    enclosed: Enclosed | None = None
    inside = -1
    for part in walk(root):
        if inside >= 0 and part.depth > inside:
            continue
        inside = -1
        kind = part.content_type
        if kind in ENCLOSING:
            inside = part.depth
            enclosed = enclosed or _enclosed(part, content)
        elif kind in STATUSES:
            inside = part.depth
            statuses.append(decode_text(part, content, MAX_TEXT))
        elif not part.children and kind == "text/html" and len(html) < MAX_TEXTS:
            html.append(html_to_text(decode_text(part, content, 4 * MAX_TEXT), MAX_TEXT))
        elif _is_text(part) and len(plain) < MAX_TEXTS:
            plain.append(decode_text(part, content, MAX_TEXT))
    texts = tuple(plain) if any(text.strip() for text in plain) else tuple(html)
    return Letter(content, root, _fields(root.fields, content), texts, tuple(statuses), enclosed)


def _is_text(part: Part) -> bool:
    """Text, or a multipart in which no part was found: its body is all there is to read."""
    if part.children or part.disposition.value == "attachment":
        return False
    return part.content_type.startswith(("text/", "multipart/", "message/")) or not part.content_type


def _enclosed(part: Part, content: bytes) -> Enclosed:
    octets = decode_body(part, content)[:MAX_ENCLOSED].lstrip(b"\r\n \t")
    return Enclosed(_fields(header_fields(octets), octets))


def _fields(found: tuple[Field, ...], content: bytes) -> dict[str, str]:
    fields: dict[str, str] = {}
    for field in found:
        if field.key not in fields:
            fields[field.key] = decode_field(field.value(content))
    return fields


def enclosed_in_text(text: str) -> Enclosed | None:
    """The header of the original message within the text of a bounce, perhaps quoted; None if there is none."""
    fields: dict[str, str] = {}
    for match in _INLINE.finditer(text):
        fields.setdefault(match[1].lower(), " ".join(match[2].split()))
    return Enclosed(fields) if fields else None


_INLINE = re.compile(
    r"(?im)^[ \t>|]*(message-id|return-path|to|cc|subject|from|x-original-to|delivered-to)[ \t]*:"
    r"[ \t]*([^\n]{0,998}(?:\n[ \t]+[^\n]{1,998}){0,20})"
)


def bare_id(value: str) -> str:
    """The first `<…>` without its brackets; the value itself if it has none."""
    match = _REFERENCE.search(value)
    return match[1] if match else value.strip().strip("<>").split(" ")[0]


def addresses_of(value: str) -> tuple[str, ...]:
    """The addresses in an address field's value."""
    return tuple(one.address for one in parse_addresses(value.encode("utf-8")) if "@" in one.address)
