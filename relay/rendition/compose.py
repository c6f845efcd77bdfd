"""Header fields and bodies written anew for an edited message: encoded as RFC 2047 and RFC 2045 ask, folded.

Refuses, with a ValueError fit to be shown, whatever would begin a line of its own in the header.
"""

from __future__ import annotations

import binascii
import re

from relay.rendition.addresses import parse_addresses

MAX_LINE = 76
_MAX_TYPED = 50_000
_WORD_OCTETS = 36
"""Octets of text in one encoded word, so that it fits a line of 76 with a field name before it."""
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_ATOMS = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~ -]+")
_ADDRESS = re.compile(
    r"(?:[^\s\"(),:;<>@\[\]\\]+|\"(?:[^\"\\\x00-\x1f\x7f]|\\[ -~])*\")@(?:[^\s\"(),:;<>@\[\]\\]+|\[[^\s\[\]\\]+\])"
)
_MESSAGE_ID = re.compile(r"[!-;=?-~]{1,200}@[!-;=?-~]{1,200}")


def unstructured(name: str, text: str, eol: bytes) -> bytes:
    """The field `Name: text` with its line end, e.g. Subject. Raises ValueError for control characters."""
    _check(name, text)
    text = text.strip()
    if text.isascii() and "=?" not in text and all(len(word) < MAX_LINE * 10 for word in text.split(" ")):
        return _folded(f"{name}:", text.split(" ")).replace(b"\n", eol) + eol
    return _folded(f"{name}:", _words(text)).replace(b"\n", eol) + eol


def address_list(name: str, typed: str, eol: bytes) -> bytes:
    """The field `Name: …` with the addresses in `typed`, as a person writes them: `Jo Doe <jo@example.com>, b@c`.

    Raises ValueError for control characters and for anything that is no address.
    """
    _check(name, typed)
    shown = []
    for addressee in parse_addresses(typed.encode("utf-8")):
        if _ADDRESS.fullmatch(addressee.address) is None:
            raise ValueError(f"{name}: not an address: {str(addressee)[:100]}")
        phrase = _phrase(addressee.name)
        shown.append(f"{phrase} <{addressee.address}>" if phrase else addressee.address)
    if not shown:
        raise ValueError(f"{name}: no address given")
    return f"{name}: ".encode("ascii") + ",\n ".join(shown).encode("utf-8").replace(b"\n", eol) + eol


def message_id(value: str, eol: bytes) -> bytes:
    """The Message-ID field of `left@right`. Raises ValueError."""
    if _MESSAGE_ID.fullmatch(value) is None:
        raise ValueError("Message-ID: must look like left@right")
    return f"Message-ID: <{value}>".encode("ascii") + eol


def quoted_printable(text: str, eol: bytes) -> bytes:
    """`text` in UTF-8 and quoted-printable with line ends `eol`; lines of any kind in `text` end a line."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n")
    encoded = binascii.b2a_qp(lines.encode("utf-8", "replace"), istext=True)
    return encoded.replace(b"\n", eol)


def _check(name: str, text: str) -> None:
    if _CONTROL.search(text):
        raise ValueError(f"{name}: line breaks and control characters are not allowed")
    if len(text) > _MAX_TYPED:
        raise ValueError(f"{name}: more than {_MAX_TYPED} characters")


def _folded(head: str, words: list[str]) -> bytes:
    """`head` and the words, a space before each, broken into lines by LF before a space."""
    lines = [head]
    for word in words:
        if len(lines[-1]) + 1 + len(word) > MAX_LINE and lines[-1].strip() and word:
            lines.append(f" {word}")
        else:
            lines[-1] += f" {word}"
    return "\n".join(lines).encode("ascii")


def _words(text: str) -> list[str]:
    """Encoded words; no character is cut in two (RFC 2047 section 5)."""
    chunks, chunk = [], b""
    for character in text:
        octets = character.encode("utf-8")
        if len(chunk) + len(octets) > _WORD_OCTETS:
            chunks.append(chunk)
            chunk = b""
        chunk += octets
    chunks.append(chunk)
    return [f"=?utf-8?b?{binascii.b2a_base64(piece, newline=False).decode('ascii')}?=" for piece in chunks if piece]


def _phrase(name: str) -> str:
    if not name.isascii() or "=?" in name:
        return "\n ".join(_words(name))
    if _ATOMS.fullmatch(name) or not name:
        return name
    escaped = name.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
