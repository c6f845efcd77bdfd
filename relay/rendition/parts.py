"""What the viewer shows of a parsed message: bodies, attachments, embedded images, all by part number.

    root = parse(content)
    leaf = html_leaf(root)                    # or text_leaf(root); None if there is none
    html = decode_text(leaf, content)         # relay.rendition.decode
    cid_map(root)["logo@example"]             # -> 3, to be served as /parts/3
    part_at(root, 3).content_type             # -> "image/png"
    decode_body(part_at(root, 3), content)    # -> its data

Parts of attached messages (message/rfc822) are numbered and can be opened, but are neither body nor attachments here.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from relay.rendition.decode import decode_body, decode_field, filename
from relay.rendition.mime import Part, walk


@dataclass(frozen=True, slots=True)
class Attachment:
    """A part that is offered for download. `filename` is '' if none was given; `size` is of the decoded data."""

    number: int
    filename: str
    content_type: str
    size: int
    content_id: str
    """Without angle brackets; '' if there is none."""
    is_inline: bool
    """Made to be embedded in the HTML (it has a Content-ID), so not counted as an attachment."""


def part_at(root: Part, number: int) -> Part | None:
    """The part with that number, or None."""
    return next((part for part in walk(root) if part.number == number), None)


def is_message(part: Part) -> bool:
    return part.content_type in ("message/rfc822", "message/global")


def leaves(root: Part) -> Iterator[Part]:
    """Parts that hold something, depth first; an attached message is one, whatever it holds in turn."""
    waiting = [root]
    while waiting:
        part = waiting.pop()
        if part.children and (part is root or not is_message(part)):
            waiting.extend(reversed(part.children))
        else:
            yield part


def is_body(part: Part) -> bool:
    """Text to be read in place: text/plain or text/html, neither attached nor, unless `inline`, with a file name."""
    if part.content_type not in ("text/plain", "text/html") and not part.content_type.startswith("multipart/"):
        return False
    if part.disposition.value == "attachment":
        return False
    return part.disposition.value == "inline" or not filename(part)


def bodies(root: Part) -> tuple[Part, ...]:
    """All leaves that are text to be read in place, in order: each variant of an alternative, too."""
    return tuple(part for part in leaves(root) if is_body(part))


def html_leaf(root: Part) -> Part | None:
    """The first HTML body."""
    return next((part for part in bodies(root) if part.content_type == "text/html"), None)


def text_leaf(root: Part) -> Part | None:
    """The first plain body; also a multipart in which no part was found: its body is all there is to read."""
    return next((part for part in bodies(root) if part.content_type != "text/html"), None)


def content_id(part: Part) -> str:
    """The Content-ID without angle brackets; '' if there is none. RFC 2392."""
    return decode_field(part.content_id).strip("<> ")


def cid_map(root: Part) -> dict[str, int]:
    """Content-ID -> part number, of all leaves; the first of equals wins. For `cid:` URLs, percent-decoded."""
    found: dict[str, int] = {}
    for part in leaves(root):
        name = content_id(part)
        if name:
            found.setdefault(name, part.number)
    return found


def attachments(root: Part, content: bytes) -> tuple[Attachment, ...]:
    """All leaves but the bodies, in order."""
    return tuple(
        Attachment(
            number=part.number,
            filename=filename(part),
            content_type=part.content_type,
            size=len(decode_body(part, content)),
            content_id=content_id(part),
            is_inline=_is_inline(part),
        )
        for part in leaves(root)
        if not is_body(part)
    )


def attachment_count(root: Part) -> int:
    """How many attachments there are, those made to be embedded left out. Decodes none of them: they may be large."""
    return sum(not is_body(part) and not _is_inline(part) for part in leaves(root))


def _is_inline(part: Part) -> bool:
    """`inline` alone does not say so: Apple Mail writes it on every attached file."""
    if part.disposition.value == "attachment" or not content_id(part):
        return False
    return part.disposition.value == "inline" or part.content_type.startswith("image/")
