"""Memory that a large content takes while it is made ready and while it is read back."""

from __future__ import annotations

import os
import tracemalloc
from collections.abc import Callable
from typing import TypeVar

from relay.archive.content import CHUNK, ContentBuilder, joined, stored

T = TypeVar("T")
CONTENT = os.urandom(20 * CHUNK + 123)


def peak(work: Callable[[], T]) -> tuple[T, int]:
    tracemalloc.start()
    try:
        result = work()
        return result, tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_a_content_is_joined_in_little_more_than_its_own_size():
    frames = list(stored(CONTENT).frames)
    content, octets = peak(lambda: joined(frames))
    assert content == CONTENT
    assert octets < 1.4 * len(CONTENT)


def test_a_content_that_cannot_be_compressed_is_built_in_little_more_than_its_own_size():
    def build() -> int:
        builder = ContentBuilder()
        for start in range(0, len(CONTENT), 100_000):
            builder.feed(CONTENT[start : start + 100_000])
        return builder.finish().size

    size, octets = peak(build)
    assert size == len(CONTENT)
    assert octets < 1.4 * len(CONTENT)
