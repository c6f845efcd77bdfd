"""The worker process that reads summaries out of contents: `python -m relay.extraction`, spoken to over its pipes.

A content that makes a parser hang or crash hangs or crashes this process alone. Asked: a length (4 octets, big endian)
and so many octets; the first time a pickled Wish, then contents. Answers: a length and a pickled Summary.
Ends when its input ends, so it never outlives the server. Does not start itself (`extractor.py`).
"""

from __future__ import annotations

import os
import pickle
import signal
import struct
import sys
from dataclasses import dataclass, replace
from typing import BinaryIO

from relay.confined import Bounds, confined
from relay.model.summary import Summary
from relay.rendition.extract import MAX_TEXT, ReferencePattern, extract

LENGTH = struct.Struct(">I")
NICENESS = 10
"""Reading summaries must not slow down intake on a busy machine."""


@dataclass(frozen=True, slots=True)
class Wish:
    """How to read: the business codes to look for, and how many characters of visible text to keep."""

    patterns: tuple[ReferencePattern, ...] = ()
    max_text: int = MAX_TEXT
    attachment_text: bool = False
    """Whether attached files are read too."""


def read(content: bytes, wish: Wish) -> Summary:
    """The summary of a content; what attached files say is read by a process that lives for this content alone."""
    summary = extract(content, wish.patterns, max_text=wish.max_text)
    if not wish.attachment_text or not summary.attachment_count:
        return summary
    # Here, not above: who does not want it need not have loaded it.
    from relay.attachments import attached_texts

    text, is_whole = confined(lambda: attached_texts(content, wish.max_text), Bounds(room=4 * wish.max_text))
    defects = summary.defects if is_whole else (*summary.defects, "attached files could not all be read for searching")
    return replace(summary, attachment_text=text[: wish.max_text], defects=defects)


def _asked(source: BinaryIO) -> bytes | None:
    head = source.read(LENGTH.size)
    if len(head) < LENGTH.size:
        return None
    return source.read(LENGTH.unpack(head)[0])


def main() -> None:
    """Answers until its input ends. Signals from a terminal are the server's to act on."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    os.nice(NICENESS)
    source, sink = sys.stdin.buffer, sys.stdout.buffer
    wish: Wish = pickle.loads(_asked(source) or b"")  # noqa: S301 - from our own parent process
    while (content := _asked(source)) is not None:
        answer = pickle.dumps(read(content, wish))
        sink.write(LENGTH.pack(len(answer)) + answer)
        sink.flush()


if __name__ == "__main__":
    main()
