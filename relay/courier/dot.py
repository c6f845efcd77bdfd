"""Dot-stuffing: a content as it goes over the wire after 354, with the final dot. Pure. RFC 5321 section 4.5.2.

Works on large pieces of octets, never line by line, so that 2 MB of empty lines cost what they weigh.
"""

from __future__ import annotations

from collections.abc import Iterator

PIECE = 256 * 1024
"""Octets of content in one piece; a message never exists twice in memory."""


def is_clean(content: bytes) -> bool:
    """Whether every CR and LF is part of a CRLF, and the content is empty or ends with one.

    Anything else must not be sent: a lenient upstream may see the end of the message in it (SMTP smuggling), and a
    missing last CRLF would be added on the wire, so that what arrives is not what was hashed.
    """
    pairs = content.count(b"\r\n")
    if content.count(b"\r") != pairs or content.count(b"\n") != pairs:
        return False
    return not content or content.endswith(b"\r\n")


def stuffed(content: bytes, piece: int = PIECE) -> Iterator[bytes]:
    """The octets to write, in pieces; the last piece ends with the final dot. `content` must be clean."""
    start, is_line_start = 0, True
    while True:
        stop = min(start + piece, len(content))
        if content[stop - 1 : stop] == b"\r":
            stop += 1  # a CRLF and the dot after it are looked for within one piece
        part = content[start:stop]
        wire = part.replace(b"\r\n.", b"\r\n..")
        if is_line_start and part.startswith(b"."):
            wire = b"." + wire
        if stop >= len(content):
            yield wire + b".\r\n"
            return
        yield wire
        start, is_line_start = stop, part.endswith(b"\n")
