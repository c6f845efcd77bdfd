"""A leaf that may be changed: its decoded octets, and how changes in them become edits of the content.

Knows what every mail reader decodes alike; how each transfer encoding is changed is in its own file.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Protocol

from relay.model.edit import Edit
from relay.rendition.change import Change, Unfit
from relay.rendition.charsets import is_known, to_text
from relay.rendition.decode import parameter
from relay.rendition.leaf_base64 import Base64Leaf
from relay.rendition.leaf_plain import PlainLeaf
from relay.rendition.leaf_quoted import QuotedLeaf
from relay.rendition.mime import Part

__all__ = ["Change", "Leaf", "Unfit", "charset_of", "open_leaf"]

_APART = ("utf-7", "unicode-1-1-utf-7", "utf-16", "utf-32", "hz-", "iso-2022-kr")
"""Charsets in which ASCII octets need not be ASCII characters. (ISO-2022-JP is another: see `html.masked`.)"""
_BYTE_ORDER_MARK = re.compile(rb"\xff\xfe|\xfe\xff")


class Leaf(Protocol):
    """`text`: the decoded octets, in the leaf's charset."""

    @property
    def text(self) -> bytes: ...

    def fitting(self, changes: Sequence[Change]) -> list[Change]:
        """Those of `changes` that can be made; the others would make a line too long."""

    def edits(self, changes: Sequence[Change], step: str) -> tuple[Edit, ...]:
        """The edits of the content that make `changes`: in order, apart from each other, as `fitting` gave them."""


def open_leaf(part: Part, content: bytes) -> Leaf:
    """The leaf of `part`. Raises Unfit, with the reason in words, if it cannot be changed safely.

    An empty one cannot: the delimiter that follows may share the blank line before the body.
    """
    if part.first("content-md5"):
        raise Unfit("it has a checksum (Content-MD5)")
    charset = charset_of(part)
    if charset.startswith(_APART) or not is_known(charset):
        raise Unfit(f"its charset ({charset[:40]}) is not one that can be edited")
    leaf = _decoded(part, content)
    if not leaf.text.strip():
        raise Unfit("it is empty")
    if b"\0" in leaf.text or _BYTE_ORDER_MARK.match(leaf.text):
        raise Unfit("its octets are not of its charset")
    return leaf


def charset_of(part: Part) -> str:
    """The declared charset's name in lower case; '' if there is none."""
    return (parameter(part.parameters, "charset") or "").strip().lower()


def _decoded(part: Part, content: bytes) -> Leaf:
    match part.transfer_encoding:
        case "base64":
            return Base64Leaf(content, part.body_start, part.stop)
        case "quoted-printable":
            return QuotedLeaf(content, part.body_start, part.stop)
        case "" | "7bit" | "8bit" | "binary":
            return PlainLeaf(part.body(content), part.body_start)
    raise Unfit(f"its transfer encoding ({part.transfer_encoding[:40]}) is not known")


def text_of(octets: bytes, charset: str) -> str | None:
    """`octets` of a leaf as text; None if they are not wholly in its charset, so that readers may differ."""
    text = to_text(octets, charset)
    return None if "\ufffd" in text else text
