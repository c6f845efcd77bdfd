"""The SMTP reply: code, enhanced status code and text, received from a peer or made by us.

Does not decide what a reply means for a delivery (see `delivery.py`). RFC 5321 section 4.2, RFC 2034, RFC 3463.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

_ENHANCED = re.compile(r"([245]\.\d{1,3}\.\d{1,3})(?:[ \t]+|$)")
_REPLY_LINE = re.compile(rb"([2-5][0-9]{2})([ -]?)(.*)", re.DOTALL)
_UNPRINTABLE = re.compile(r"[^\x20-\x7e]")

LINE_LIMIT = 512
"""Octets of one reply line, CRLF included (RFC 5321 section 4.5.3.1.5)."""


class MalformedReply(ValueError):
    """What the peer sent is not an SMTP reply; the caller closes the session and treats it as transient."""


@dataclass(frozen=True, slots=True)
class Reply:
    """One reply. `text` has its lines joined by LF, without codes. `is_local`: made by us, no peer said it."""

    code: int
    text: str
    enhanced: str | None = None
    is_local: bool = False

    @property
    def is_positive(self) -> bool:
        """2yz, or the 3yz that asks for more."""
        return 200 <= self.code < 400

    @property
    def is_transient(self) -> bool:
        return 400 <= self.code < 500

    @property
    def is_permanent(self) -> bool:
        return self.code >= 500

    def __str__(self) -> str:
        """One line for people: `250 2.0.0 queued as 01J…`."""
        return " ".join(part for part in (str(self.code), self.enhanced, self.text.replace("\n", " / ")) if part)

    def to_wire(self) -> bytes:
        """The octets to send to a client: ASCII only, each line at most 512 octets, never a stray CR or LF.

        `Reply(250, "a\\nb", "2.0.0")` -> `250-2.0.0 a CRLF 250 2.0.0 b CRLF`.
        """
        prefix = f"{self.enhanced} " if self.enhanced else ""
        room = LINE_LIMIT - len(prefix) - 6
        lines = [_UNPRINTABLE.sub("?", line)[:room] for line in self.text.split("\n")]
        last = len(lines) - 1
        return b"".join(
            f"{self.code}{' ' if n == last else '-'}{prefix}{line}\r\n".encode("ascii") for n, line in enumerate(lines)
        )


def parse_reply(lines: Sequence[bytes]) -> Reply:
    """The reply in `lines` (one reply's lines, CRLF removed), its text untruncated.

    Octets that are not UTF-8 are shown as `\\xNN`. Raises MalformedReply for anything without a code, or whose
    lines disagree about it.
    """
    codes: set[bytes] = set()
    texts: list[str] = []
    enhanced: str | None = None
    for line in lines:
        match = _REPLY_LINE.fullmatch(line)
        if match is None:
            raise MalformedReply(f"not an SMTP reply line: {line[:80]!r}")
        codes.add(match[1])
        text = match[3].decode("utf-8", "backslashreplace")
        status = _ENHANCED.match(text)
        if status is not None and status[1][0] == chr(match[1][0]):
            enhanced = enhanced or status[1]
            text = text[status.end() :]
        texts.append(text)
    if len(codes) != 1:
        raise MalformedReply(f"reply lines carry {len(codes)} different codes")
    return Reply(int(codes.pop()), "\n".join(texts), enhanced)


def local_reply(code: int, enhanced: str, text: str) -> Reply:
    """A reply that no peer sent: a connection error, a policy of ours."""
    return Reply(code, text, enhanced, is_local=True)
