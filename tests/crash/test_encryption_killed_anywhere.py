"""The process is killed before each write of encrypting what was plain and of rotating keys: the next start goes on."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

from relay.archive.api import Archive
from relay.archive.api.encryption import Encryption
from relay.archive.cipher import MAGIC, key_id
from relay.archive.content import stored
from relay.model.edit import Edit
from relay.model.event import Event, Kind
from relay.model.summary import Summary
from tests.support.archive_reports import a_payload
from tests.support.archive_values import NOON, SECOND, a_message, an_attempt, captured_event, deliveries_of, make_id
from tests.support.doomed import killed_before, read_for_processes
from tests.support.encrypted import NEW, OLD, encryption
from tests.support.fresh import open_archive
from tests.support.thoroughness import one_in

CONTENT = b"Subject: secret\r\n\r\nsecret\r\n" + bytes(range(256)) * 5000
MESSAGES = [a_message(number, content=stored(CONTENT)) for number in (1, 2)]
EDITS = (Edit(0, 0, b"Received: x\r\n", "trace"),)
read_for_processes(__name__)


async def opened(path: Path | str, how: Encryption | None) -> Archive:
    return await open_archive(f"sqlite:///{path}", encryption=how)


async def prepare(path: Path, how: Encryption | None) -> None:
    archive = await opened(path, how)
    for message in MESSAGES:
        await archive.add_message(message, stored(CONTENT), deliveries_of(message), [captured_event(message)])
        await archive.add_summaries([(message.id, Summary(subject="secret"))])
    claims = await archive.claim("me", NOON + 3600 * SECOND, NOON + 7200 * SECOND, 1)
    await archive.begin_attempts([an_attempt(one, edits=EDITS) for claim in claims for one in claim.deliveries])
    await archive.add_payload(a_payload(1))
    await archive.close()


async def _work(path: str, errand: str) -> None:
    archive = await opened(path, encryption(NEW, OLD))
    await getattr(archive, errand)(Event(make_id(1, 7000), NOON, Kind.ENCRYPTION_CHANGED, "command:ann"))
    await archive.encryption_settled()
    await archive.close()


async def is_begun(path: Path) -> bool:
    """The archive as the next start finds it, brought to its end; everything in it can be read before and after."""
    archive = await opened(path, encryption(NEW, OLD))
    try:
        for _ in range(2):
            for message in MESSAGES:
                assert await archive.content(message.id) == CONTENT
                found = await archive.message(message.id)
                assert found.summary == Summary(subject="secret")
                assert all(attempt.edits == EDITS for attempt in found.attempts)
            assert (await archive.payload(a_payload(1).id)).body == a_payload(1).body
            await archive.encryption_settled()
        assert not await archive.is_encrypting()
        return any(event.kind is Kind.ENCRYPTION_CHANGED for _, event in await archive.events())
    finally:
        await archive.close()


def is_plain(path: Path) -> bool:
    """Whether something is; never a part of it alone."""
    statements = ("SELECT frame FROM content", "SELECT data FROM summary", "SELECT data FROM edit_list")
    with closing(sqlite3.connect(path)) as database:
        rows = [row[0] for one in (*statements, "SELECT body FROM payload") for row in database.execute(one)]
    assert len({row.startswith(MAGIC) for row in rows}) == 1
    return not rows[0].startswith(MAGIC)


def masters(path: Path) -> set[str]:
    with closing(sqlite3.connect(path)) as database:
        return {row[0] for row in database.execute("SELECT master FROM data_key")}


async def tried(tmp_path: Path, errand: str, how: Encryption | None) -> list[tuple[Path, bool]]:
    """The archive after a kill before some of the writes, gone on with; and whether the work had begun."""
    prepared, undisturbed = tmp_path / "prepared" / "archive.db", tmp_path / "undisturbed" / "archive.db"
    await prepare(prepared, how)
    shutil.copytree(prepared.parent, undisturbed.parent)
    writes = await killed_before(None, "INSERT", _work, str(undisturbed), errand)
    assert len(writes) > 4, writes
    found = [(undisturbed, await is_begun(undisturbed))]
    for number in one_in(3, range(1, len(writes) + 1)):
        path = tmp_path / str(number) / "archive.db"
        shutil.copytree(prepared.parent, path.parent)
        await killed_before(number, "INSERT", _work, str(path), errand)
        found.append((path, await is_begun(path)))
        assert found[-1][1] == (number > writes.index("COMMIT") + 1)
    return found


async def test_encrypting_what_was_plain_killed_before_any_write(tmp_path: Path) -> None:
    for path, has_begun in await tried(tmp_path, "encrypt_all", None):
        assert is_plain(path) != has_begun


async def test_rotation_killed_before_any_write(tmp_path: Path) -> None:
    for path, has_begun in await tried(tmp_path, "rotate_keys", encryption(OLD)):
        assert masters(path) == {key_id(NEW if has_begun else OLD)}
