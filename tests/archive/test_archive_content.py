from __future__ import annotations

import hashlib
import os
import sqlite3
import tracemalloc
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from relay.archive.api import ArchiveError, StoredContent
from relay.archive.content import CHUNK, ContentBuilder, stored, unpack
from tests.support.archive_values import a_message
from tests.support.fresh import open_archive


def whole(content: StoredContent) -> bytes:
    return b"".join(map(unpack, content.frames))


@given(st.lists(st.binary(max_size=300), max_size=10))
def test_any_chunking_gives_the_same_content(pieces: list[bytes]):
    builder = ContentBuilder()
    for piece in pieces:
        builder.feed(piece)
    octets = b"".join(pieces)
    assert builder.size == len(octets)
    assert builder.finish() == stored(octets)
    assert whole(stored(octets)) == octets


@settings(deadline=None, max_examples=20)
@given(st.integers(-3, 3), st.integers(0, 3), st.integers(1, 5))
def test_frames_are_of_one_chunk_each_around_every_boundary(offset: int, chunks: int, feeds: int):
    octets = bytes(max(chunks * CHUNK + offset, 0))
    builder = ContentBuilder()
    step = len(octets) // feeds + 1
    for start in range(0, len(octets), step):
        builder.feed(memoryview(octets)[start : start + step])
    content = builder.finish()
    sizes = [len(unpack(frame)) for frame in content.frames]
    assert sum(sizes) == content.size == len(octets)
    assert all(size == CHUNK for size in sizes[:-1])
    assert len(sizes) == max(1, -(-len(octets) // CHUNK))
    assert content.sha256 == hashlib.sha256(octets).digest()


def test_building_needs_one_chunk_of_memory_and_the_frames():
    piece = os.urandom(64 * 1024)
    builder = ContentBuilder()
    tracemalloc.start()
    for _ in range(32 * 16):
        builder.feed(piece[:100] * 655)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert builder.size == 32 * 16 * 65_500
    assert peak < 4 * CHUNK


@pytest.mark.parametrize("size", [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 3 * CHUNK + 7])
async def test_a_content_comes_back_octet_for_octet(archive, size: int):
    octets = os.urandom(size)
    content = stored(octets)
    message = a_message(1, content=content)
    await archive.add_message(message, content, [], [])
    assert await archive.content(message.id) == octets
    chunks = [chunk async for chunk in archive.content_chunks(message.id)]
    assert b"".join(chunks) == octets
    assert max(map(len, chunks)) <= CHUNK


async def test_a_damaged_content_is_never_given_out(url: str):
    archive = await open_archive(url)
    for number in (1, 2, 3):
        content = stored(b"content %d" % number)
        await archive.add_message(a_message(number, content=content), content, [], [])
    await archive.close()
    database = sqlite3.connect(urlsplit(url).path[1:])
    database.execute("DROP TRIGGER content_refuses_update")
    change = "UPDATE content SET frame = ? WHERE message_seq = ?"
    database.execute(change, (zstandard.compress(b"content X"), 1))
    database.execute(change, (b"not zstd at all", 2))
    database.execute(change, (zstandard.compress(bytes(CHUNK + 1)), 3))
    database.commit()
    database.close()
    archive = await open_archive(url)
    with pytest.raises(ArchiveError, match="does not have its recorded SHA-256"):
        await archive.content(a_message(1).id)
    for number in (2, 3):
        with pytest.raises(ArchiveError, match="damaged"):
            await archive.content(a_message(number).id)
    await archive.close()


async def test_a_slow_download_holds_no_snapshot(url: str):
    archive = await open_archive(url)
    content = stored(os.urandom(3 * CHUNK))
    message = a_message(1, content=content)
    await archive.add_message(message, content, [], [])
    chunks = archive.content_chunks(message.id)
    await anext(chunks)
    await archive.put_setting("a", 1)
    database = sqlite3.connect(Path(urlsplit(url).path[1:]))
    busy, frames, moved = database.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    database.close()
    assert (busy, frames, moved) == (0, 0, 0)
    assert len([chunk async for chunk in chunks]) == 2
    await archive.close()


async def test_a_frame_for_each_chunk_is_its_own_row(url: str):
    archive = await open_archive(url)
    content = stored(bytes(2 * CHUNK + 1))
    await archive.add_message(replace(a_message(1, content=content)), content, [], [])
    await archive.close()
    database = sqlite3.connect(urlsplit(url).path[1:])
    assert database.execute("SELECT message_seq, n FROM content").fetchall() == [(1, 0), (1, 1), (1, 2)]
    database.close()
