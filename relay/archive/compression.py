"""Zstandard, one context a thread: the loop, the writer and the readers' threads all pack and unpack.

A context that two threads use at once damages what it packs, or ends the process; the library does not check.
"""

from __future__ import annotations

import threading

import zstandard


class _Contexts(threading.local):
    """Made anew for each thread that looks into it."""

    def __init__(self) -> None:
        self.compressors = _Compressors()
        self.decompressor = zstandard.ZstdDecompressor()


class _Compressors(dict[int, zstandard.ZstdCompressor]):
    def __missing__(self, level: int) -> zstandard.ZstdCompressor:
        self[level] = made = zstandard.ZstdCompressor(level=level, write_checksum=False)
        return made


_contexts = _Contexts()


def compressor(level: int) -> zstandard.ZstdCompressor:
    """This thread's compressor of that level; not to be kept."""
    return _contexts.compressors[level]


def decompressor() -> zstandard.ZstdDecompressor:
    """This thread's decompressor; not to be kept."""
    return _contexts.decompressor
