"""Contents: made ready for storing while they arrive, and read back.

A content is stored as zstd frames, one for each `CHUNK` octets of the original, so that neither way needs more than
one chunk in memory. The SHA-256 is of the verbatim octets.
"""

from __future__ import annotations

import hashlib
import io

import zstandard

from relay.archive.api import ArchiveError, StoredContent
from relay.archive.compression import compressor, decompressor

CHUNK = 1024 * 1024
"""Octets of the original in one frame (the last one has fewer)."""
LEVEL = 1
"""zstd's fast end: at 10 kB a message it costs less than the insert."""


class ContentBuilder:
    """Takes a content in pieces of any size; memory: one chunk, and the frames so far."""

    def __init__(self) -> None:
        self._hash = hashlib.sha256()
        self._size = 0
        self._buffer = bytearray()
        self._frames: list[bytes] = []

    @property
    def size(self) -> int:
        """Octets fed so far."""
        return self._size

    def feed(self, data: bytes | memoryview) -> None:
        """Adds the next octets of the content."""
        self._hash.update(data)
        self._size += len(data)
        self._buffer += data
        if len(self._buffer) >= CHUNK:
            self._compress_whole_chunks()

    def finish(self) -> StoredContent:
        """The content so far, ready for `add_message`; feed no more after it."""
        if self._buffer or not self._frames:
            self._frames.append(_pack(self._buffer))
            self._buffer = bytearray()
        return StoredContent(tuple(self._frames), self._size, self._hash.digest())

    def _compress_whole_chunks(self) -> None:
        whole = len(self._buffer) // CHUNK * CHUNK
        with memoryview(self._buffer) as view:
            self._frames.extend(_pack(view[start : start + CHUNK]) for start in range(0, whole, CHUNK))
        del self._buffer[:whole]


def stored(content: bytes) -> StoredContent:
    """A content that is at hand as a whole, ready for `add_message`."""
    builder = ContentBuilder()
    builder.feed(content)
    return builder.finish()


def _pack(chunk: bytearray | memoryview) -> bytes:
    """One frame. Copied: what zstandard returns keeps the room of the worst case, 1 MiB for a frame of 100 octets."""
    return bytes(memoryview(compressor(LEVEL).compress(chunk)))


def unpack(frame: bytes) -> bytes:
    """The octets of one frame, at most CHUNK. Raises ArchiveError if the frame is damaged."""
    try:
        if zstandard.frame_content_size(frame) > CHUNK:
            raise ArchiveError("a stored frame is damaged: larger than a chunk")
        return decompressor().decompress(frame, max_output_size=CHUNK, allow_extra_data=False)
    except zstandard.ZstdError as error:
        raise ArchiveError(f"a stored frame is damaged: {error}") from error


def joined(frames: list[bytes]) -> bytes:
    """The octets of all frames, which are let go one by one: the list is empty afterwards.

    Gathered in one growing buffer, as a list of pieces would double the memory of a large message.
    """
    buffer = io.BytesIO()
    while frames:
        buffer.write(unpack(frames.pop(0)))
    return buffer.getvalue()


def verified(content: bytes, sha256: bytes, message_id: str) -> bytes:
    """The content itself. Raises ArchiveError unless it has the recorded SHA-256."""
    if hashlib.sha256(content).digest() != sha256:
        raise ArchiveError(f"the stored content of {message_id} does not have its recorded SHA-256")
    return content
