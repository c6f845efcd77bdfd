"""Contents are packed and unpacked in several threads at once: the loop's, the readers', the writer's.

A zstd context is not safe to share between threads; when one was, a busy courier found contents "damaged".
"""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor

from relay.archive.content import CHUNK, joined, stored

# Zstd lets go of the interpreter's lock while it works; text keeps it busy for long enough to be caught at it.
CONTENTS = [(os.urandom(40).hex().encode() * (CHUNK // 60) + bytes([n])) for n in range(8)]


def test_contents_are_packed_and_unpacked_in_several_threads_at_once():
    def round_trip(number: int) -> bool:
        content = CONTENTS[number % len(CONTENTS)]
        return joined(list(stored(content).frames)) == content

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(round_trip, range(200)))
