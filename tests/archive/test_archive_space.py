"""Space of what was deleted goes back to the disk: by itself in a new archive, by `compact` in an older one."""

from __future__ import annotations

import asyncio
import os
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from relay.archive import check_archive
from relay.archive.api import Archive, ArchiveError
from relay.archive.compacting import compact
from relay.archive.content import stored
from relay.model.deletion import Fate, Order
from relay.model.delivery import State
from relay.model.event import Event, Kind
from tests.support.archive_values import CONTENT, NOON, a_message, captured_event, deliveries_of, new_id
from tests.support.fresh import open_archive

LARGE = 30_000_000


async def filled(archive: Archive) -> str:
    content = stored(os.urandom(LARGE))
    message = a_message(1, content=content)
    await archive.add_message(message, content, deliveries_of(message, State.CAPTURED), [captured_event(message)])
    small = a_message(2)
    await archive.add_message(small, stored(CONTENT), deliveries_of(small, State.CAPTURED), [captured_event(small)])
    return message.id


async def delete(archive: Archive, message_id: str) -> None:
    event = Event(new_id(), NOON, Kind.DELETED, "user:anna", message_id, data={"reason": "asked"})
    assert [one.fate for one in await archive.delete_content([Order(message_id, event)])] == [Fate.DELETED]


async def test_a_new_archive_gives_space_back_while_it_is_open(tmp_path: Path):
    path = tmp_path / "archive.db"
    archive = await open_archive(f"sqlite:///{path}")
    await delete(archive, await filled(archive))
    async with asyncio.timeout(60):
        while path.stat().st_size > LARGE - 10_000_000:
            await asyncio.sleep(0.05)
    await archive.close()
    assert path.stat().st_size < 20_000_000
    assert [fault for step in check_archive(f"sqlite:///{path}", processes=1) for fault in step.faults] == []


async def test_an_older_archive_is_written_anew_by_compact(tmp_path: Path):
    path = tmp_path / "archive.db"
    with closing(sqlite3.connect(path)) as database:
        database.execute("PRAGMA auto_vacuum = NONE")
        database.execute("PRAGMA journal_mode = WAL")
        database.execute("CREATE TABLE x (y)")
        database.execute("DROP TABLE x")
    archive = await open_archive(f"sqlite:///{path}")
    await delete(archive, await filled(archive))
    with pytest.raises(ArchiveError, match="another process"):
        compact(path)
    await archive.close()
    before, after = compact(path)
    assert before - after > LARGE - 1_000_000
    assert after == path.stat().st_size
    with closing(sqlite3.connect(path)) as database:
        assert database.execute("PRAGMA auto_vacuum").fetchone() == (2,)
    with pytest.raises(ArchiveError, match="there is no archive"):
        compact(tmp_path / "no.db")
