"""A draft: what a program piped into sendmail -> the octets to submit, as a submission agent completes them.

Line ends become CRLF; From, Date and Message-ID are added where they are missing (RFC 6409 section 8); with -t the
recipients come from To, Cc and Bcc, and Bcc is taken out (RFC 5322 section 3.6.3). Everything else is left as it is.
Pure; does not read or send anything.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from email.utils import formataddr, formatdate, getaddresses

_FIELD = re.compile(rb"([\x21-\x39\x3b-\x7e]+)[ \t]*:")
_BARE_LF = re.compile(rb"(?<!\r)\n")
_LONE_DOT = re.compile(rb"(?:\A|\n)\.\r?\n")
_FOLD = re.compile(rb"\r\n(?=[ \t])")

RECIPIENT_FIELDS = (b"to", b"cc", b"bcc")
RESENT_FIELDS = (b"resent-to", b"resent-cc", b"resent-bcc")


class NotAddresses(ValueError):
    """A To, Cc or Bcc field from which no list of addresses can be read: exit code 65."""


@dataclass(frozen=True, slots=True)
class Field:
    """One header field: its name in small letters, and all its octets with the folds and the last CRLF."""

    name: bytes
    octets: bytes

    @property
    def value(self) -> str:
        """Unfolded, octets that are not UTF-8 kept as surrogates."""
        return _FOLD.sub(b"", self.octets.partition(b":")[2]).strip().decode("utf-8", "surrogateescape")


@dataclass(frozen=True, slots=True)
class Draft:
    """A message: its header fields and, from the empty line on, the rest."""

    fields: tuple[Field, ...]
    rest: bytes

    @property
    def octets(self) -> bytes:
        return b"".join(field.octets for field in self.fields) + self.rest

    def has(self, *names: bytes) -> bool:
        return any(field.name in names for field in self.fields)


def read_draft(piped: bytes, *, dot_ends: bool) -> Draft:
    """The draft in what was piped in. `dot_ends`: a line that is one dot is the end (no -i).

    `hello LF` has no header section: all of it is body. An mbox line `From ann Mon …` at the start is dropped.
    """
    if dot_ends and (dot := _LONE_DOT.search(piped)):
        piped = piped[: dot.start() + (1 if piped[dot.start() : dot.start() + 1] == b"\n" else 0)]
    octets = _BARE_LF.sub(b"\r\n", piped)
    if octets and not octets.endswith(b"\r\n"):
        octets += b"\r\n"
    if octets.startswith(b"From "):
        octets = octets.partition(b"\r\n")[2]
    fields: list[Field] = []
    position = 0
    for name, stop in _header(octets):
        fields.append(Field(name, octets[position:stop]))
        position = stop
    rest = octets[position:]
    return Draft(tuple(fields), rest if rest.startswith(b"\r\n") else b"\r\n" + rest)


def _header(octets: bytes) -> Iterator[tuple[bytes, int]]:
    """(name, where it stops) of each header field from the start, as far as they go."""
    position = 0
    while (match := _FIELD.match(octets, position)) is not None:
        position = octets.index(b"\r\n", position) + 2
        while octets[position : position + 1] in (b" ", b"\t"):
            position = octets.index(b"\r\n", position) + 2
        yield match[1].lower(), position


def recipients(draft: Draft) -> tuple[str, ...]:
    """The addresses of To, Cc and Bcc (or of their Resent- fields, where there is one), each once.

    Raises NotAddresses.
    """
    names = RESENT_FIELDS if draft.has(*RESENT_FIELDS) else RECIPIENT_FIELDS
    values = [field.value for field in draft.fields if field.name in names]
    try:
        pairs = getaddresses(values)
    except (IndexError, ValueError, AttributeError) as error:
        # The standard library's parser fails in these ways on some malformed lists.
        raise NotAddresses("the recipients in the header cannot be read") from error
    if any(value and not any(getaddresses([value])[0]) for value in values):
        raise NotAddresses("the recipients in the header cannot be read")
    return tuple(dict.fromkeys(address for _, address in pairs if address))


def without_bcc(draft: Draft) -> Draft:
    """The draft without Bcc and Resent-Bcc: a copy that shows them leaks who else got it."""
    return Draft(tuple(field for field in draft.fields if field.name not in (b"bcc", b"resent-bcc")), draft.rest)


def completed(draft: Draft, *, sender: str, name: str, now: float, message_id: str) -> Draft:
    """The draft with From, Date and Message-ID, each added after the other fields where it is missing.

    `now`: seconds since 1970; `message_id` without angle brackets.
    """
    added: list[tuple[str, str]] = []
    if not draft.has(b"from"):
        added.append(("From", formataddr((name, sender))))
    if not draft.has(b"date"):
        added.append(("Date", formatdate(now, localtime=True)))
    if not draft.has(b"message-id"):
        added.append(("Message-ID", f"<{message_id}>"))
    return Draft((*draft.fields, *_made(added)), draft.rest)


def _made(fields: Sequence[tuple[str, str]]) -> Iterator[Field]:
    for name, value in fields:
        text = value.replace("\r", " ").replace("\n", " ")
        yield Field(name.lower().encode(), f"{name}: {text}\r\n".encode("utf-8", "surrogateescape"))
