"""Content -> Summary: what grid, search and message page know of a message without opening it again.

Never raises and never decides anything; a message that cannot be read has a Summary of defects. Bounded in all texts.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from relay.model.summary import Addressee, Summary
from relay.rendition.addresses import MAX_ADDRESSEES, parse_addresses
from relay.rendition.charsets import is_known
from relay.rendition.conventions import read_labels
from relay.rendition.dates import parse_date
from relay.rendition.decode import decode_field, decode_text, filename, parameter
from relay.rendition.mime import Field, Part, parse, walk
from relay.rendition.parts import attachment_count, bodies, leaves, text_leaf
from relay.rendition.references import ReferencePattern, find_references
from relay.rendition.text import html_to_text, snippet

__all__ = ["ReferencePattern", "extract"]

MAX_TEXT = 1024 * 1024
"""Characters of visible text kept, unless the configuration says otherwise."""
MAX_HEADER_TEXT = 256 * 1024
MAX_HEADER_SIZE = 1024 * 1024
"""Octets of all header fields' values that are decoded."""
MAX_SUBJECT = 2000
MAX_DEFECTS = 50
MAX_FILENAMES = 200
_MAX_HTML_FACTOR = 4
"""HTML looked at for each character of text wanted: mark-up weighs more than what is seen."""
_ENCODINGS = frozenset({"", "7bit", "8bit", "binary", "base64", "quoted-printable"})


def extract(content: bytes, patterns: Sequence[ReferencePattern] = (), *, max_text: int = MAX_TEXT) -> Summary:
    """The summary of `content`, with the business codes that `patterns` find."""
    root = parse(content)
    fields = _Fields(content, root.fields)
    subject = fields.text("subject")[:MAX_SUBJECT]
    header_text = fields.all_text()
    texts = _body_texts(root, content, max_text)
    body_text = "\n".join(text for _, text in texts if text)[:max_text]
    labels = read_labels(fields.decoded)
    places = {"subject": subject, "headers": header_text, "body": body_text}
    return Summary(
        subject=subject,
        senders=fields.addressees("from"),
        to=fields.addressees("to"),
        cc=fields.addressees("cc"),
        reply_to=fields.addressees("reply-to"),
        header_message_id=_first_id(fields.text("message-id")),
        in_reply_to=_first_id(fields.text("in-reply-to")),
        date=parse_date(fields.text("date")),
        header_text=header_text,
        body_text=body_text,
        snippet=_snippet(root, texts),
        filenames=tuple(name for name in map(filename, leaves(root)) if name)[:MAX_FILENAMES],
        attachment_count=attachment_count(root),
        tags=tuple(labels.tags),
        metadata=tuple(labels.metadata),
        references=find_references(patterns, places),
        defects=tuple(dict.fromkeys([*_defects(root), *labels.defects]))[:MAX_DEFECTS],
    )


class _Fields:
    """The message's own header fields, each decoded once."""

    def __init__(self, content: bytes, fields: Sequence[Field]) -> None:
        self._content = content
        self._fields = fields
        self.decoded: list[tuple[str, str]] = []
        room = MAX_HEADER_SIZE
        for field in fields:
            value = field.value(content)
            room -= len(value)
            if room < 0:
                break
            self.decoded.append((field.name, decode_field(value)))

    def text(self, key: str) -> str:
        return next((text for name, text in self.decoded if name.lower() == key), "")

    def all_text(self) -> str:
        """`Name: value` a line, at most MAX_HEADER_TEXT characters."""
        return "\n".join(f"{name}: {text}" for name, text in self.decoded)[:MAX_HEADER_TEXT]

    def addressees(self, key: str) -> tuple[Addressee, ...]:
        """All of that name together: a second To field is an error, but its addressees are shown to people."""
        found: list[Addressee] = []
        for field in self._fields:
            if field.key == key and len(found) < MAX_ADDRESSEES:
                found += parse_addresses(field.value(self._content))
        return tuple(found[:MAX_ADDRESSEES])


def _first_id(text: str) -> str:
    """`<a@b> <c@d>` -> `a@b`"""
    start = text.find("<")
    inner = text[start + 1 :].partition(">")[0] if start >= 0 else text
    return inner.strip()[:1000]


def _body_texts(root: Part, content: bytes, room: int) -> list[tuple[Part, str]]:
    """The visible text of each body, those of attached messages included, `room` characters in all."""
    texts: list[tuple[Part, str]] = []
    for part in _all_bodies(root):
        if room <= 0:
            break
        if part.content_type == "text/html":
            text = html_to_text(decode_text(part, content, _MAX_HTML_FACTOR * room), room)
        else:
            text = decode_text(part, content, room)
        room -= len(text)
        texts.append((part, text))
    return texts


def _all_bodies(root: Part) -> Iterator[Part]:
    yield from bodies(root)
    for part in walk(root):
        if part is not root and part.content_type in ("message/rfc822", "message/global") and part.children:
            yield from bodies(part.children[0])


def _snippet(root: Part, texts: Sequence[tuple[Part, str]]) -> str:
    preferred = text_leaf(root)
    ordered = sorted(texts, key=lambda item: item[0] is not preferred)
    return next((short for short in (snippet(text) for _, text in ordered) if short), "")


def _defects(root: Part) -> Iterator[str]:
    for part in walk(root):
        where = "" if part is root else f"part {part.number}: "
        for defect in part.defects:
            yield where + defect
        if part.transfer_encoding not in _ENCODINGS:
            yield f"{where}unknown Content-Transfer-Encoding"
        charset = parameter(part.parameters, "charset") or ""
        if part.content_type.startswith("text/") and not is_known(charset):
            yield f"{where}unknown charset"
