"""Address fields (From, To, Cc …) as people wrote them, to names and addresses; for showing and finding only.

Never decides where mail goes: that is the envelope. Tolerant and linear; never raises. RFC 5322 section 3.4 and 4.4.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from relay.model.summary import Addressee
from relay.rendition.charsets import to_text
from relay.rendition.decode import clean, decode_words
from relay.rendition.entity import MAX_FIELD_SIZE

MAX_ADDRESSEES = 1000
"""As many as one message may have recipients."""
_MAX_TEXT = 500

_FOLD = re.compile(rb"[\r\n]+")
_TOKEN = re.compile(
    rb"(?P<space>\s++)"
    rb"|\"(?P<quoted>(?:[^\"\\]++|\\.)*+)(?:\"|\\?\Z)"
    rb"|<(?P<angle>(?:\"(?:[^\"\\]++|\\.)*+\"|[^<>\"]++)*+)>"
    rb"|<(?P<unclosed>[^<>\",;]*+)"
    rb"|(?P<comment>\()"
    rb"|(?P<mark>[,;:])"
    rb"|(?P<word>\[[^\[\]\s,]*+\]?+|[^\s\"<(,;:\[]++)"
    rb"|(?P<other>.)",
    re.DOTALL,
)
_COMMENT_MARK = re.compile(rb"[()\\]")
_ESCAPE = re.compile(rb"\\(.)", re.DOTALL)
_DIRECTION = re.compile("[\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]")


@dataclass(slots=True)
class _Mailbox:
    """What was read since the last comma."""

    words: list[bytes] = field(default_factory=list)
    raw: list[bytes] = field(default_factory=list)
    """The same with quotes kept: a bare address may hold a quoted local part."""
    comments: list[bytes] = field(default_factory=list)
    angle: bytes | None = None

    def addressee(self) -> Addressee | None:
        phrase, comment = b"".join(self.words).strip(), b" ".join(self.comments)
        if self.angle is not None:
            return _addressee(phrase or comment, self.angle)
        plain = b"".join(self.raw).strip()
        if b"@" not in plain:
            return _addressee(phrase or comment, b"") if b" " in phrase or not plain else _addressee(comment, plain)
        if b'"' in plain:
            return _addressee(comment, plain)
        # `Jo Doe jo@example.com`: the last word with an @ is the address, the others are the name.
        words = plain.split()
        address = next(word for word in reversed(words) if b"@" in word)
        return _addressee(b" ".join(word for word in words if word is not address) or comment, address)


def parse_addresses(raw: bytes) -> tuple[Addressee, ...]:
    """The addressees in a field's value, in order; at most MAX_ADDRESSEES. A group without members is shown by name.

    `"Doe, Jo" <jo@example.com>, ann@example.com (Ann), undisclosed:;` -> (Addressee("Doe, Jo", "jo@example.com"),
    Addressee("Ann", "ann@example.com"), Addressee("undisclosed", ""))
    """
    text = _FOLD.sub(b"", raw[:MAX_FIELD_SIZE])
    found: list[Addressee] = []
    mailbox, group, members, position = _Mailbox(), b"", 0, 0
    while position < len(text) and len(found) < MAX_ADDRESSEES:
        match = next(_TOKEN.finditer(text, position))  # the last alternative takes anything
        position = match.end()
        if match.lastgroup == "comment":
            stop = _comment_end(text, position)
            mailbox.comments.append(_ESCAPE.sub(rb"\1", text[position:stop]))
            position = stop + 1
        elif match["mark"] == b":":
            group, members, mailbox = b"".join(mailbox.words), len(found), _Mailbox()
        elif match["mark"] is not None:
            _add(found, mailbox)
            if match["mark"] == b";" and group.strip() and len(found) == members:
                _add(found, _Mailbox(words=[group, b" "]))
            group, mailbox = group if match["mark"] == b"," else b"", _Mailbox()
        else:
            _read(mailbox, match)
    _add(found, mailbox)
    return tuple(found[:MAX_ADDRESSEES])


def _read(mailbox: _Mailbox, match: re.Match[bytes]) -> None:
    angle = match["angle"] if match["angle"] is not None else match["unclosed"]
    if angle is not None:
        mailbox.angle = angle if mailbox.angle is None else mailbox.angle
    elif match["quoted"] is not None:
        mailbox.words.append(_ESCAPE.sub(rb"\1", match["quoted"]))
        mailbox.raw.append(match[0])
    else:
        mailbox.words.append(b" " if match["space"] else match[0])
        mailbox.raw.append(mailbox.words[-1])


def _comment_end(text: bytes, position: int) -> int:
    """Where the `)` of the comment stands that began before `position`; comments nest."""
    depth = 1
    while (match := _COMMENT_MARK.search(text, position)) is not None:
        if match[0] == b"\\":
            position = match.end() + 1
            continue
        depth += 1 if match[0] == b"(" else -1
        if not depth:
            return match.start()
        position = match.end()
    return len(text)


def _add(found: list[Addressee], mailbox: _Mailbox) -> None:
    addressee = mailbox.addressee()
    if addressee is not None:
        found.append(addressee)


def _addressee(name: bytes, address: bytes) -> Addressee | None:
    """None when nothing is left to show. Encoded words are read in names only (RFC 2047 section 5)."""
    shown_name = _DIRECTION.sub("", clean(decode_words(name)))[:_MAX_TEXT]
    shown_address = _DIRECTION.sub("", clean(to_text(address)))[:_MAX_TEXT]
    return Addressee(shown_name, shown_address) if shown_name or shown_address else None
