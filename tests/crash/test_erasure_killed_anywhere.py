"""The process is killed before and after each commit of an erasure: it goes on, or it is done; all else holds."""

from __future__ import annotations

import shutil
from pathlib import Path

from relay.archive import check_archive
from relay.archive.content import stored
from relay.model.delivery import State
from relay.model.erasure import Standing
from relay.model.summary import Addressee, Summary
from relay.notary.erasing import asked, run
from tests.support.archive_values import NOON, SECOND, a_message, captured_event, deliveries_of, make_id, new_id
from tests.support.doomed import killed_before, read_for_processes
from tests.support.fresh import open_archive

JANE = "jane.q.public@example.com"
CONTENT = b"To: %s\r\nSubject: hello\r\n\r\nhello\r\n" % JANE.encode()
FIRST = 'INSERT INTO "erasure"'
ID = make_id(1, 9000)
read_for_processes(__name__)


async def prepare(path: Path) -> None:
    archive = await open_archive(f"sqlite:///{path}")
    for number, content in ((1, CONTENT), (2, b"Subject: hello\r\n\r\nhello\r\n")):
        recipients = (JANE,) if number == 1 else (JANE, "bob@example.net")
        message = a_message(number, content=stored(content), recipients=recipients)
        events = [captured_event(message)]
        await archive.add_message(message, stored(content), deliveries_of(message, State.CAPTURED), events)
        to = (Addressee("", JANE),) if number == 1 else ()
        await archive.add_summaries([(message.id, Summary(subject="hello", to=to, body_text="hello"))])
    await archive.close()


def clock() -> int:
    return NOON + 3600 * SECOND


async def _erase(path: str) -> None:
    archive = await open_archive(f"sqlite:///{path}")
    request, event = asked(
        JANE, "she asked", id_=ID, at=NOON, actor="user:anna", event_id=make_id(1, 9001), needs_another=False
    )
    await archive.ask_erasure(request, event)
    await run(archive, ID, clock=clock, new_id=new_id)
    await archive.settled()
    await archive.close()


async def gone_on_with(path: Path) -> None:
    """What a start does."""
    archive = await open_archive(f"sqlite:///{path}")
    for one in await archive.erasures(only_open=True):
        assert (one.standing, one.address) == (Standing.APPROVED, JANE)
        await run(archive, one.id, clock=clock, new_id=new_id)
    was_asked = bool(await archive.erasures(only_open=False))
    await archive.settled()
    await archive.close()
    octets = b"".join(file.read_bytes() for file in path.parent.iterdir() if file.is_file())
    assert (JANE.encode() in octets) != was_asked
    assert [str(fault) for step in check_archive(f"sqlite:///{path}", processes=1) for fault in step.faults] == []


async def test_killed_before_any_write_of_an_erasure_it_is_gone_on_with(tmp_path: Path):
    prepared, undisturbed = tmp_path / "prepared" / "archive.db", tmp_path / "undisturbed" / "archive.db"
    await prepare(prepared)
    shutil.copytree(prepared.parent, undisturbed.parent)
    writes = await killed_before(None, FIRST, _erase, str(undisturbed))
    await gone_on_with(undisturbed)
    last = next(number for number, write in enumerate(writes) if write.startswith("UPDATE erasure SET address"))
    commits = [number for number, write in enumerate(writes, 1) if write == "COMMIT" and number <= last + 10]
    assert len(commits) >= 4, writes
    for number in sorted({*commits, *(number + 1 for number in commits), 1, last}):
        path = tmp_path / str(number) / "archive.db"
        shutil.copytree(prepared.parent, path.parent)
        await killed_before(number, FIRST, _erase, str(path))
        await gone_on_with(path)
