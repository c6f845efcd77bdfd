"""Attachments as a page lists them: name, size, hash, and how each can be looked at safely. Pure; runs in a thread."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass

from relay.rendition.charsets import to_text
from relay.rendition.decode import decode_body, filename, parameter
from relay.rendition.mime import Part
from relay.rendition.parts import content_id, is_body, leaves
from viewer.message.invitation import TYPES as CALENDARS
from viewer.message.pictures import can_draw
from viewer.translation import say

MAX_LISTED = 300
MAX_SHOWN_TEXT = 200_000
"""Characters of an attached text that are shown."""
_TEXTS = frozenset(
    {
        "application/json",
        "application/xml",
        "application/x-yaml",
        "application/yaml",
        "application/toml",
        "message/rfc822",
    }
)


@dataclass(frozen=True, slots=True)
class Attached:
    """`kind`: how it can be looked at: `picture` (drawn by us), `text`, `html`, `event`, or '' (not at all)."""

    number: int
    filename: str
    content_type: str
    size: int
    sha256: str
    is_inline: bool
    kind: str

    @property
    def title(self) -> str:
        return self.filename or say("part %(number)s", number=self.number)

    @property
    def extension(self) -> str:
        name = self.filename if "." in self.filename else self.content_type.replace("/", ".")
        return name.rpartition(".")[2][:4]


def attached(root: Part, content: bytes) -> tuple[Attached, ...]:
    """All leaves but the bodies, MAX_LISTED at most, each decoded once."""
    return tuple(described(part, decode_body(part, content)) for part in _held(root))


def _held(root: Part) -> Iterator[Part]:
    found = (leaf for leaf in leaves(root) if not is_body(leaf))
    return (leaf for leaf, _ in zip(found, range(MAX_LISTED), strict=False))


def described(part: Part, data: bytes) -> Attached:
    return Attached(
        part.number,
        filename(part),
        part.content_type,
        len(data),
        hashlib.sha256(data).hexdigest(),
        part.disposition.value != "attachment" and bool(content_id(part)),
        kind_of(part.content_type, len(data)),
    )


def kind_of(content_type: str, size: int) -> str:
    """SVG is shown as the text it is, never as a picture: it is a program."""
    if can_draw(content_type, size):
        return "picture"
    if content_type in CALENDARS:
        return "event"
    if content_type == "text/html":
        return "html"
    is_text = content_type.startswith("text/") or content_type in _TEXTS or content_type.endswith(("+xml", "+json"))
    return "text" if is_text else ""


def shown_text(part: Part, data: bytes) -> tuple[str, bool]:
    """The beginning of a text, and whether there is more."""
    text = to_text(data[: 4 * MAX_SHOWN_TEXT], parameter(part.parameters, "charset") or "")
    return text[:MAX_SHOWN_TEXT], len(text) > MAX_SHOWN_TEXT or len(data) > 4 * MAX_SHOWN_TEXT
