"""A whole archive is checked by several processes, or by one alone where there is little to do."""

from __future__ import annotations

import multiprocessing
from pathlib import Path

import pytest

from relay.archive import check_archive
from relay.archive.api import Archive, ArchiveError
from relay.archive.api.audit import Extent, Portion
from relay.archive.audit.whole import LEAVES, check_there
from relay.model.event import Event, Kind
from tests.support.archive_values import NOON, new_id
from tests.support.audited import path_of, tamper


async def filled(archive: Archive, url: str, events: int) -> Path:
    await archive.add_events([Event(new_id(), NOON + n, Kind.PAUSED, "user:ann") for n in range(events)])
    await archive.close()
    tamper(path_of(url), f"UPDATE event SET actor = 'user:eve' WHERE seq = {events}")
    return path_of(url)


def checked(url: str, state: Path, *, stopped_at: int | None = None) -> tuple[list[str], list[int]]:
    """Faults, and how many processes there were beside this one after each portion."""
    faults: list[str] = []
    beside: list[int] = []
    for progress in check_archive(url, processes=2, state=state, is_stopped=lambda: len(beside) == stopped_at):
        faults += map(str, progress.faults)
        beside.append(len(multiprocessing.active_children()))
    assert not multiprocessing.active_children()
    return faults, beside


async def test_little_is_checked_here_and_gone_on_with_where_it_was_stopped(
    archive: Archive, url: str, tmp_path: Path
) -> None:
    await filled(archive, url, 300)
    _, beside = checked(url, tmp_path / "state", stopped_at=3)
    assert beside == [0, 0, 0]
    faults, beside = checked(url, tmp_path / "state")
    assert (len(faults), set(beside)) == (1, {0})
    assert not (tmp_path / "state").exists()


async def test_more_is_shared_by_processes_that_end_with_it(archive: Archive, url: str, tmp_path: Path) -> None:
    await filled(archive, url, LEAVES + 1)
    faults, beside = checked(url, tmp_path / "state")
    assert (faults[1:], set(beside)) == ([], {2})
    assert len(faults) == 1


async def test_a_process_that_has_another_version_of_the_program_takes_nothing_for_a_fault(
    archive: Archive, url: str
) -> None:
    """It read the program when it was started, which may have been replaced since the check began."""
    await archive.close()
    with pytest.raises(ArchiveError, match="was replaced"):
        check_there("0001", path_of(url), Portion("structure"), Extent(0, 0))
