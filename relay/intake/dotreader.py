"""The end of DATA: takes octets in any chunks, gives the content, the end, and what the octets show on the way.

Only CRLF `.` CRLF ends a content (RFC 5321 section 4.1.1.4); a dot after a CRLF is taken off (section 4.5.2). Bare CR
and bare LF are content. Works on whole chunks with find, replace and count: nothing is done per line or per octet.

Theory: every CRLF in the stream ends a line and CRLFs cannot overlap, so the first occurrence of CRLF.CRLF is the end
whatever stands around it, and every CRLF. before it is a stuffed dot. What cannot be decided yet is the longest end
of a chunk that begins such an occurrence (CR, CRLF, CRLF. or CRLF.CR); it is held back for the next chunk. The stream
begins just after the CRLF of the DATA command: that CRLF is put before it and never given out.
"""

from __future__ import annotations

import re

from relay.model.message import Trait
from relay.rendition.instructions import Given, find

LINE_LIMIT = 998
"""Octets of a line before its CRLF (RFC 5322 section 2.1.1)."""
HEAD_LIMIT = 256 * 1024
"""Octets from the start of a content in which Received fields are counted."""

_END = b"\r\n.\r\n"
_HEAD_END = re.compile(rb"\n\r?\n")
_RECEIVED = re.compile(rb"^received[ \t]*:", re.IGNORECASE | re.MULTILINE)


class DotReader:
    """Reads one content. Memory: one chunk, 4 octets, and the head of the content.

    >>> reader = DotReader(limit=1000)
    >>> reader.feed(b"Subject: a\\r\\n\\r\\n..b\\r\\n.\\r\\nQUIT\\r\\n")
    b'Subject: a\\r\\n\\r\\n.b\\r\\n'
    >>> reader.is_complete, reader.rest
    (True, b'QUIT\\r\\n')
    """

    def __init__(self, limit: int) -> None:
        self.size = 0
        """Octets of content so far, also those that are dropped."""
        self.is_complete = False
        self.is_over_limit = False
        """More than `limit` octets came; from then on `feed` gives nothing but still looks for the end."""
        self.rest = b""
        """What followed the end: pipelined commands."""
        self._limit = limit
        self._held = b"\r\n"
        self._is_fresh = True
        self._traits: set[Trait] = set()
        self._open_line = 0
        self._head: bytearray | None = bytearray(b"\n")
        self._hops = 0
        self._instructions: Given = ()

    @property
    def traits(self) -> frozenset[Trait]:
        """What the content so far shows."""
        return frozenset(self._traits)

    @property
    def instructions(self) -> Given:
        """What the header section, as far as it lies within HEAD_LIMIT, asks of sending (`rendition.instructions`)."""
        return self._instructions if self._head is None else _instructions(self._head)

    @property
    def hops(self) -> int:
        """Received fields in the header section so far, as far as it lies within HEAD_LIMIT."""
        return self._hops if self._head is None else _count_hops(self._head)

    def feed(self, data: bytes) -> bytes:
        """The content octets that `data` decides, dot-unstuffed; b"" for none. Not to be called once complete."""
        stream = self._held + data
        end = stream.find(_END)
        if end >= 0:
            content, self.rest, self._held = stream[: end + 2], stream[end + len(_END) :], b""
            self.is_complete = True
        else:
            kept = len(stream) - _undecided(stream)
            content, self._held = stream[:kept], stream[kept:]
        if not content:
            return b""
        content = content.replace(b"\r\n.", b"\r\n")
        if self._is_fresh:
            content, self._is_fresh = content[2:], False
        self.size += len(content)
        if self.size > self._limit:
            self.is_over_limit = True
            return b""
        self._note(content)
        return content

    def _note(self, content: bytes) -> None:
        """Adds what a decided piece shows. A CRLF is never split between two pieces."""
        traits = self._traits
        if not content.isascii():
            traits.add(Trait.EIGHT_BIT)
        if b"\0" in content:
            traits.add(Trait.NUL)
        pairs = content.count(b"\r\n")
        if content.count(b"\r") != pairs:
            traits.add(Trait.BARE_CR)
        if content.count(b"\n") != pairs:
            traits.add(Trait.BARE_LF)
        if Trait.LONG_LINE not in traits:
            self._note_long_line(content)
        if self._head is not None:
            self._note_head(self._head, content)

    def _note_long_line(self, content: bytes) -> None:
        """Looks for a line of more than LINE_LIMIT octets, one search backwards in each window of that length.

        If a window that begins with a line has a CRLF in it, then no line up to the last one there is too long.
        """
        start = -self._open_line
        while len(content) - start > LINE_LIMIT:
            last = content.rfind(b"\r\n", max(start, 0), start + LINE_LIMIT + 2)
            if last < 0:
                self._traits.add(Trait.LONG_LINE)
                return
            start = last + 2
        last = content.rfind(b"\r\n", max(start, 0))
        self._open_line = len(content) - (last + 2 if last >= 0 else start)

    def _note_head(self, head: bytearray, content: bytes) -> None:
        searched = max(len(head) - 2, 0)
        head += content[: HEAD_LIMIT + 1 - len(head)]
        if _HEAD_END.search(head, searched) or len(head) > HEAD_LIMIT:
            self._hops, self._instructions, self._head = _count_hops(head), _instructions(head), None


def _count_hops(head: bytearray) -> int:
    return len(_RECEIVED.findall(head, 0, _stop(head)))


def _instructions(head: bytearray) -> Given:
    # Most messages have none; to look for the fields costs more than to see that.
    section = head[: _stop(head)]
    return find(section) if b"x-mailwitness-" in section.lower() else ()


def _stop(head: bytearray) -> int:
    end = _HEAD_END.search(head)
    return end.start() if end else len(head)


def _undecided(stream: bytes) -> int:
    """How many octets at the end of `stream` may begin CRLF.CRLF."""
    for length in (4, 3, 2, 1):
        if stream.endswith(_END[:length]):
            return length
    return 0
