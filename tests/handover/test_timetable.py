"""Exports by a timetable: each has what came since the last; one that was cut off or failed loses nothing."""

from __future__ import annotations

import json
import shutil
from dataclasses import asdict
from pathlib import Path

import pytest

from relay.archive.api import Archive
from relay.config.handover import Export
from relay.handover.checking import verify_export
from relay.handover.timetable import SETTING, Standing, is_due, slot, standings
from relay.model.event import Kind
from relay.model.summary import Summary
from tests.support.archive_values import NOON, SECOND
from tests.support.notarised import keep
from tests.support.offers import timetable

HOUR = 3600 * SECOND
DAY = 24 * HOUR


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "out"


def table(out: Path, **more: object) -> Export:
    return Export.model_validate({"name": "auditors", "to": str(out), **more})


def exported(out: Path) -> list[list[str]]:
    """Ids of the messages in each export that holds, in the order in which they were made."""
    found = []
    for folder in sorted(out.iterdir(), key=lambda path: json.loads((path / "manifest.json").read_text())["since"]):
        report = verify_export(folder)
        assert report.is_sound, report.text()
        lines = [line for path in sorted(folder.glob("*.jsonl")) for line in path.read_text().splitlines()]
        found.append([json.loads(line)["id"] for line in lines])
    return found


async def indexed(archive: Archive) -> None:
    for _, message_id, _ in await archive.unindexed(100):
        await archive.add_summaries([(message_id, Summary(subject="Invoice 7"))])


async def test_each_has_what_came_since_the_last_one(archive: Archive, out: Path) -> None:
    ids = [(await keep(archive, number)).id for number in range(1, 4)]
    await indexed(archive)
    await timetable(archive, table(out), out.parent).run_due()
    await timetable(archive, table(out), out.parent).run_due()
    later = [(await keep(archive, number)).id for number in range(4, 6)]
    await indexed(archive)
    await timetable(archive, table(out), out.parent, NOON + DAY).run_due()
    assert exported(out) == [ids, later]
    events = [event for _, event in await archive.events() if event.kind is Kind.EXPORTED]
    assert [event.data.get("manifest") is not None for event in events] == [False, True, False, True]
    assert {event.data["schedule"] for event in events} == {"auditors"}


async def test_one_that_fails_is_said_waits_and_is_made_whole(archive: Archive, out: Path) -> None:
    message = await keep(archive, 1)
    await indexed(archive)
    out.write_text("in the way")
    await timetable(archive, table(out), out.parent).run_due()
    await timetable(archive, table(out), out.parent, NOON + 59 * SECOND).run_due()
    standing = (await standings(archive))["auditors"]
    assert (standing.failures, standing.seq, bool(standing.error)) == (1, 0, True)
    await timetable(archive, table(out), out.parent, NOON + 60 * SECOND).run_due()
    assert (await standings(archive))["auditors"].failures == 2
    out.unlink()
    await timetable(archive, table(out), out.parent, NOON + HOUR).run_due()
    assert (await standings(archive))["auditors"].failures == 0
    assert exported(out) == [[message.id]]
    failed = [event.data for _, event in await archive.events() if "failed" in event.data]
    assert len(failed) == 1


async def test_one_that_was_cut_off_is_gone_on_with(archive: Archive, out: Path) -> None:
    ids = [(await keep(archive, number)).id for number in range(1, 4)]
    await indexed(archive)
    made = table(out)
    await timetable(archive, made, out.parent).run(made)
    (folder,) = out.iterdir()
    manifest = json.loads((folder / "manifest.json").read_text())
    wanted = {name: manifest[name] for name in ("id", "query", "form", "made_by", "made_at", "until", "since", "split")}
    for path in folder.iterdir():
        path.unlink()
    (folder / "unfinished.json").write_text(json.dumps({"wanted": {**wanted, "schedule": "auditors"}, "volumes": []}))
    (folder / "0001.zip").write_bytes(b"half")
    await archive.put_setting(SETTING, {"auditors": asdict(Standing(folder=str(folder)))})
    await keep(archive, 4)
    await indexed(archive)
    await timetable(archive, made, out.parent, NOON + SECOND).run_due()
    assert exported(out) == [ids]


async def test_a_folder_that_is_gone_is_made_anew(archive: Archive, out: Path) -> None:
    message = await keep(archive, 1)
    await indexed(archive)
    await archive.put_setting(SETTING, {"auditors": asdict(Standing(folder=str(out / "gone")))})
    await timetable(archive, table(out), out.parent).run_due()
    assert exported(out) == [[message.id]]
    shutil.rmtree(out)


@pytest.mark.parametrize(
    ("every", "now", "then"),
    [
        ("hour", NOON + 59 * 60 * SECOND, NOON),
        ("day", NOON, NOON - 9 * HOUR),
        ("day", NOON - 10 * HOUR, NOON - 33 * HOUR),
    ],
)
def test_when_it_was_last_to_be_made(out: Path, every: str, now: int, then: int) -> None:
    assert slot(table(out, every=every), now) == then


def test_a_week_begins_on_monday(out: Path) -> None:
    weekly = table(out, every="week")
    slots = {slot(weekly, NOON + day * DAY) for day in range(7)}
    assert len(slots) == 2
    assert all((at - 3 * HOUR) // DAY % 7 == 4 for at in slots)
    assert not is_due(weekly, Standing(finished_at=max(slots)), max(slots) + DAY)


async def test_a_search_that_is_none_is_said(archive: Archive, out: Path) -> None:
    one = table(out, query="(")
    assert (await timetable(archive, one, out.parent).run(one)).error
