"""A reader of SMTP replies: octets in, whole replies out, within bounds. Pure. RFC 5321 section 4.2.

More patient than the RFC (longer lines, LF alone), because a provider's odd reply is better kept than lost; but an
upstream that never ends a line, or a reply, is found out after a bounded number of octets.
"""

from __future__ import annotations

from collections.abc import Iterator

from relay.model.reply import MalformedReply, Reply, parse_reply

LINE_LIMIT = 8192
"""Octets of one line."""
LINES_LIMIT = 256
"""Lines of one reply."""
REPLY_LIMIT = 64 * 1024
"""Octets of one reply, its line ends included: it is kept, and shown."""


class ReplyReader:
    """Feed it whatever the socket gave."""

    def __init__(self) -> None:
        self._buffer = b""
        self._lines: list[bytes] = []
        self._size = 0

    @property
    def is_empty(self) -> bool:
        """Whether nothing of a further reply has come."""
        return not self._buffer and not self._lines

    def feed(self, data: bytes) -> Iterator[Reply]:
        """The replies that `data` completes, to be taken at once. Raises MalformedReply after those that came before
        what is none; the reader is of no use afterwards."""
        *lines, self._buffer = (self._buffer + data).split(b"\n")
        for line in lines:
            reply = self._line(line.removesuffix(b"\r"))
            if reply is not None:
                yield reply
        if len(self._buffer) > LINE_LIMIT:
            raise MalformedReply(f"a reply line of more than {LINE_LIMIT} octets: {self._buffer[:80]!r}")

    def _line(self, line: bytes) -> Reply | None:
        if len(line) > LINE_LIMIT:
            raise MalformedReply(f"a reply line of more than {LINE_LIMIT} octets: {line[:80]!r}")
        self._lines.append(line)
        self._size += len(line) + 2
        if self._size > REPLY_LIMIT:
            raise MalformedReply(f"a reply of more than {REPLY_LIMIT} octets: {self._lines[0][:80]!r}")
        if line[3:4] == b"-" and line[:3].isdigit():
            if len(self._lines) >= LINES_LIMIT:
                raise MalformedReply(f"a reply of more than {LINES_LIMIT} lines")
            return None
        lines, self._lines, self._size = self._lines, [], 0
        return parse_reply(lines)
