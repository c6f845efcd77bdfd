"""Failures of the disk itself, in a process of its own, and what the writer does when its connection breaks."""

from __future__ import annotations

import asyncio
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from relay.archive.api import ArchiveUnavailable
from relay.archive.content import stored
from relay.archive.database import BUSY_TIMEOUT, open_writer, prepare
from relay.archive.writer import CHECKPOINT_PAGES, Writer
from tests.support.archive_values import CONTENT, a_message, captured_event, deliveries_of
from tests.support.fresh import open_archive

ROOT = Path(__file__).parents[2]

FILLING = """
import asyncio, os, resource, signal, sys
from relay.archive import open_archive
from relay.archive.api import ArchiveUnavailable
from relay.archive.content import stored
from tests.support.archive_values import a_message, captured_event, deliveries_of

async def main(url):
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    archive = await open_archive(url)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2_000_000, hard))
    kept, refused = [], 0
    for number in range(1, 200):
        content = stored(os.urandom(40_000))
        message = a_message(number, content=content)
        try:
            await archive.add_message(message, content, deliveries_of(message), [captured_event(message)])
            kept.append(message.id)
        except ArchiveUnavailable:
            refused += 1
            if refused == 20:
                resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    for message_id in kept:
        await archive.content(message_id)
    health = await archive.health()
    assert (health.is_writable, health.messages) == (True, len(kept)), health
    await archive.close()
    print(refused, len(kept))

asyncio.run(main(sys.argv[1]))
"""


def test_files_that_cannot_grow_refuse_messages_until_they_can(url: str):
    """EFBIG from the kernel stands for a disk without room: the same write fails in the same place."""
    arguments = [sys.executable, "-c", FILLING, url]
    result = subprocess.run(arguments, cwd=ROOT, capture_output=True, text=True, timeout=100)
    assert result.returncode == 0, result.stderr
    refused, kept = map(int, result.stdout.split())
    assert refused == 20
    assert kept == 179
    database = sqlite3.connect(urlsplit(url).path[1:])
    assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    assert database.execute("SELECT count(*) FROM message").fetchone() == (kept,)
    assert database.execute("SELECT count(DISTINCT message_seq) FROM content").fetchone() == (kept,)
    database.close()


async def test_a_broken_connection_is_opened_again(archive):
    """The connection closed under the writer: the write fails as temporary, the next one works."""

    def hang_up(database: sqlite3.Connection, items: list[None]) -> list[None]:
        database.execute("ROLLBACK")
        database.close()
        return [None]

    with pytest.raises(ArchiveUnavailable):
        await archive._write(hang_up, None)
    message = a_message(1)
    await archive.add_message(message, stored(CONTENT), deliveries_of(message), [captured_event(message)])
    assert await archive.content(message.id) == CONTENT
    assert (await archive.health()).is_writable


async def test_a_unit_that_raises_is_told_so_and_the_writer_goes_on(archive):
    def fail(database: sqlite3.Connection, items: list[None]) -> list[None]:
        raise KeyError("a bug")

    with pytest.raises(KeyError):
        await archive._write(fail, None)
    await archive.put_setting("a", 1)


async def test_the_wal_does_not_grow_with_what_was_written(url: str):
    """Ten times the pages of a checkpoint are written; the file keeps the size of about one."""
    archive = await open_archive(url)
    content = stored(bytes(100))
    large = content.__class__((bytes(CHECKPOINT_PAGES * 4096 // 4),), content.size, content.sha256)
    for number in range(1, 41):
        await archive.add_message(a_message(number, content=large), large, [], [])
    wal = Path(urlsplit(url).path[1:]).with_name("archive.db-wal")
    assert wal.stat().st_size < 3 * CHECKPOINT_PAGES * 4096
    await archive.close()


async def test_a_wal_that_another_program_follows_is_left_to_it(url: str):
    archive: Any = await open_archive(url, is_followed=True)
    path = Path(urlsplit(url).path[1:])
    wal = path.with_name("archive.db-wal")
    content = stored(bytes(100))
    large = content.__class__((bytes(CHECKPOINT_PAGES * 4096 // 4),), content.size, content.sha256)
    with closing(sqlite3.connect(path, isolation_level=None)) as follower:
        for number in range(1, 21):
            await archive.add_message(a_message(number, content=large), large, [], [])
        written = wal.stat().st_size
        assert written > 4 * CHECKPOINT_PAGES * 4096, "nothing was checkpointed"
        archive._writer.empty_log()
        await archive.put_setting("a", 1)
        assert follower.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()[0] == 0
        await archive.put_setting("a", 2)
        assert wal.stat().st_size <= written + 100 * 4096, "it was begun anew"
        await archive.close()
        assert wal.stat().st_size > 0, "what was not copied is still there"


async def test_no_message_is_refused_while_another_program_empties_the_wal(url: str):
    archive: Any = await open_archive(url, is_followed=True)
    content = stored(CONTENT)
    with closing(sqlite3.connect(urlsplit(url).path[1:], isolation_level=None)) as follower:
        follower.execute("BEGIN IMMEDIATE")
        adding = asyncio.ensure_future(archive.add_message(a_message(1, content=content), content, [], []))
        # Longer than the writer waits for a lock that nobody should have.
        await asyncio.wait([adding], timeout=3 * BUSY_TIMEOUT / 1000)
        assert not adding.done()
        follower.execute("ROLLBACK")
        await adding
    assert await archive.content(a_message(1, content=content).id) == CONTENT
    await archive.close()


async def test_a_wal_that_nobody_follows_any_more_does_not_grow_for_ever(tmp_path: Path):
    path = tmp_path / "archive.db"
    prepare(path)
    limit = 2 * CHECKPOINT_PAGES * 4096
    writer = Writer(path, followed_up_to=limit)
    writer.start(open_writer(path))

    def put(database: sqlite3.Connection, items: list[bytes]) -> list[None]:
        database.execute("CREATE TABLE IF NOT EXISTS fact (octets BLOB)")
        database.executemany("INSERT INTO fact VALUES (?)", [(item,) for item in items])
        return [None] * len(items)

    for _ in range(20):
        await writer.submit(put, bytes(CHECKPOINT_PAGES * 4096 // 2))
    assert path.with_name("archive.db-wal").stat().st_size < 3 * limit
    await writer.close()


async def test_a_quiet_archive_moves_its_wal_into_the_database(url: str):
    archive = await open_archive(url)
    message = a_message(1)
    await archive.add_message(message, stored(CONTENT), [], [])
    path = Path(urlsplit(url).path[1:])
    async with asyncio.timeout(10):
        while not (checkpointed := b"Subject" in path.read_bytes() or message.id.encode() in path.read_bytes()):
            await asyncio.sleep(0.05)
    assert checkpointed
    await archive.close()


async def test_closing_finishes_what_waits(url: str):
    archive = await open_archive(url)
    messages = [a_message(number) for number in range(1, 31)]
    writes = [
        asyncio.ensure_future(archive.add_message(m, stored(CONTENT), deliveries_of(m), [captured_event(m)]))
        for m in messages
    ]
    await asyncio.sleep(0)
    await archive.close()
    await asyncio.gather(*writes)
    archive = await open_archive(url)
    assert (await archive.health()).messages == 30
    await archive.close()
