"""The traits of a content that was made here, as intake notes them of one that arrives (`intake/dotreader.py`)."""

from __future__ import annotations

from relay.model.message import Trait


def traits_of(content: bytes) -> frozenset[Trait]:
    """What the octets show without parsing them: bare line ends, NUL, 8-bit, lines of more than 998 octets."""
    pairs = content.count(b"\r\n")
    shown = {
        Trait.EIGHT_BIT: not content.isascii(),
        Trait.NUL: b"\0" in content,
        Trait.BARE_CR: content.count(b"\r") != pairs,
        Trait.BARE_LF: content.count(b"\n") != pairs,
        Trait.LONG_LINE: any(len(line) > 998 for line in content.split(b"\r\n")),
    }
    return frozenset(trait for trait, is_shown in shown.items() if is_shown)
