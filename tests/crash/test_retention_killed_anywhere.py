"""The process is killed before each write of a run of retention: nothing is half done, and the next run goes on."""

from __future__ import annotations

import io
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

from relay.archive.api import Archive, Gone
from relay.archive.audit.whole import faults_in, open_to_check
from relay.archive.vault import Vault
from relay.config.retention import Retention
from relay.ledger.checking import Trust
from relay.ledger.verifier import verify_stream
from relay.model.deletion import Order
from relay.model.erasure import ERASED_ADDRESS
from relay.model.event import Event, Kind
from relay.notary.retention import Done, Keeper, run
from tests.support.archive_values import NOON, SECOND, make_id, new_id
from tests.support.audited import STRUCTURE, extent_of, portions
from tests.support.doomed import killed_before, read_for_processes
from tests.support.fresh import open_archive
from tests.support.notarised import Notarised, OwnKeys, keep, report, send
from tests.support.thoroughness import one_in

DAY = 24 * 3600
RULES = (Retention(name="old", body=DAY, metadata=2 * DAY),)
FIRST = 'INSERT INTO "deletion"'
read_for_processes(__name__)
DELETED, ERASED, FRESH = (make_id(number) for number in (1, 2, 3))
"""One whose content is to go with its facts, one whose content went before, and one that still waits to be sent."""


async def prepare(path: Path) -> bytes:
    """The bundle about all of it, as it was given to somebody."""
    archive = await open_archive(f"sqlite:///{path}")
    for number in (1, 2):
        message = await keep(archive, number, "jane@example.com", "joe@example.net")
        await send(archive, message)
        await report(archive, number, message, body=b'{"delivered":%d}' % number)
    await keep(archive, 3)
    event = Event(make_id(2, 8000), NOON, Kind.DELETED, "user:boss", ERASED, data={"reason": "its time"})
    await archive.delete_content([Order(ERASED, event)])
    bundle = await Notarised(archive).bundle(DELETED, ERASED, FRESH)
    await archive.close()
    return bundle


def clock() -> int:
    """When both times of what came at noon are over."""
    return NOON + 2 * DAY * SECOND + 10 * SECOND


async def _run(path: str) -> None:
    archive = await open_archive(f"sqlite:///{path}")
    await Keeper(RULES, 0, archive=archive, clock=clock, new_id=new_id).run_due()
    await archive.settled()
    await archive.close()


async def standing(archive: Archive, message_id: str) -> str:
    """`whole`, `deleted` or `erased`; raises AssertionError if it is none of these."""
    found = await archive.message(message_id)
    kinds = [event.kind for _, event in await archive.events(message_id=message_id)]
    addresses = {one.recipient.address for one in found.deliveries}
    replies = {one.reply.text for one in found.attempts if one.reply}
    try:
        await archive.content(message_id)
    except Gone:
        assert found.deletion is not None
        assert kinds.count(Kind.DELETED) == 1
        if found.deletion.erased_at is None:
            assert (addresses, replies) == ({"jane@example.com", "joe@example.net"}, {"ok queued as 7"})
            assert Kind.ERASED not in kinds
            return "deleted"
        assert (addresses, replies, kinds.count(Kind.ERASED)) == ({ERASED_ADDRESS}, {""}, 1)
        return "erased"
    assert (found.deletion, ERASED_ADDRESS in addresses) == (None, False)
    assert not {Kind.DELETED, Kind.ERASED} & set(kinds)
    return "whole"


def leaves(path: Path) -> list[bytes]:
    with closing(sqlite3.connect(path)) as database:
        return [row[0] for row in database.execute("SELECT hash FROM leaf ORDER BY seq")]


async def is_whole_and_can_be_repeated(path: Path, before: list[bytes]) -> tuple[str, str]:
    """How the two stood after the restart."""
    archive = await open_archive(f"sqlite:///{path}")
    stood = await standing(archive, DELETED), await standing(archive, ERASED)
    now = leaves(path)
    assert now[: len(before)] == before
    await Keeper(RULES, 0, archive=archive, clock=clock, new_id=new_id).run_due()
    assert [await standing(archive, one) for one in (DELETED, ERASED, FRESH)] == ["erased", "erased", "whole"]
    assert await run(archive, RULES, clock=clock, new_id=new_id) == [Done("old", 0, 1, 0, 1)]
    assert leaves(path)[: len(now)] == now
    await archive.settled()
    await archive.close()
    assert faults(path) == []
    return stood


def faults(path: Path) -> list[str]:
    """Of the whole archive, looked through in this process: starting another takes longer."""
    keys = OwnKeys().verifiers()
    with closing(open_to_check(path, Vault())) as database:
        extent = extent_of(database)
        which = [*STRUCTURE, *portions(extent)]
        return [str(fault) for one in which for fault in faults_in(database, one, extent, keys)]


async def test_killed_before_any_write_of_a_run_it_is_gone_on_with(tmp_path: Path):
    prepared, undisturbed = tmp_path / "prepared" / "archive.db", tmp_path / "undisturbed" / "archive.db"
    bundle = await prepare(prepared)
    before = leaves(prepared)
    shutil.copytree(prepared.parent, undisturbed.parent)
    writes = await killed_before(None, FIRST, _run, str(undisturbed))
    assert await is_whole_and_can_be_repeated(undisturbed, before) == ("erased", "erased")
    last = max(number for number, write in enumerate(writes, 1) if "retention_run" in write)
    commits = [number for number, write in enumerate(writes, 1) if write == "COMMIT" and number <= last + 1]
    assert len(commits) >= 4, writes
    stood = set()
    # Before and after the commits that take away; the others say how far it is.
    around = [number for commit in commits[:2] for number in (commit, commit + 1)]
    for number in sorted({*one_in(60, range(1, last + 2)), *around}):
        path = tmp_path / str(number) / "archive.db"
        shutil.copytree(prepared.parent, path.parent)
        await killed_before(number, FIRST, _run, str(path))
        stood.add(await is_whole_and_can_be_repeated(path, before))
    # Contents first, then the facts of both in one commit.
    assert stood == {("whole", "deleted"), ("deleted", "deleted"), ("erased", "erased")}
    assert verify_stream(io.BytesIO(bundle), Trust(OwnKeys().verifiers())).exit_status == 0
