"""The fingerprint of a content: the same for two messages that say the same, though they were made anew. Pure.

Left out is what every program writes differently each time: Date, Message-ID and the trace; and the names that hold a
MIME message together (boundaries, Content-IDs) count by their order alone. All other octets count as they are.
"""

from __future__ import annotations

import hashlib
import re

from relay.rendition.mime import parse, walk
from relay.rendition.untouched import SIGNATURE_FIELDS

MAX_NAMES = 50
"""Boundaries and Content-IDs that are made alike; a message with more is compared with theirs as written."""
SHORTEST = 8
"""Octets of a name that is made alike: a shorter one is chosen by hand, and stands in the text too."""

PER_SENDING = SIGNATURE_FIELDS | {
    *("date", "message-id", "received", "x-received", "return-path", "delivered-to", "authentication-results"),
    *("resent-date", "resent-message-id", "x-entity-ref-id", "x-request-id", "thread-index"),
    "x-mailwitness-send-at",
}


def fingerprint(content: bytes) -> bytes:
    """32 octets (SHA-256)."""
    root = parse(content)
    names: dict[bytes, None] = {}
    for part in walk(root):
        for name in (part.boundary, part.content_id.strip(b"<> \t\r\n")):
            if name is not None and len(name) >= SHORTEST:
                names[name] = None
    pieces = [content[field.start : field.stop] for field in root.fields if field.key not in PER_SENDING]
    octets = b"".join(pieces) + b"\r\n" + content[root.body_start :]
    if names and len(names) <= MAX_NAMES:
        numbers = {name: b"%d" % number for number, name in enumerate(names)}
        # The longest first: one may begin with another.
        pattern = b"|".join(re.escape(name) for name in sorted(names, key=len, reverse=True))
        octets = re.sub(pattern, lambda match: numbers[match[0]], octets)
    return hashlib.sha256(octets).digest()
