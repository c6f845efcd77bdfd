"""Files of messages beside the archive: an erasure takes them away, and says what is not ours."""

from __future__ import annotations

from pathlib import Path

import pytest

from relay.archive.content import stored
from relay.config.handover import Export
from relay.config.retention import Retention
from relay.model.delivery import State
from relay.model.erasure import Standing
from relay.model.event import Kind
from relay.model.summary import Summary
from relay.notary.beside import ImportAtWork, clear, elsewhere, sole_import
from relay.notary.erasing import Advance, asked, run
from relay.notary.retention import FILES, Keeper
from relay.notary.retention import run as run_retention
from tests.support.archive_values import CONTENT, NOON, SECOND, a_message, captured_event, deliveries_of, new_id
from tests.support.fresh import open_archive

DAY = 86_400


def beside(folder: Path) -> list[str]:
    """Files and folders under it, but for the archive's own."""
    return sorted(
        str(path.relative_to(folder)) for path in folder.rglob("*") if not path.name.startswith(("archive.", "exports"))
    )


def fill(folder: Path) -> None:
    for name in ("exports/1.zip", "exports/signed-x/part/a.eml", "outgoing/monthly/b.eml", "import-1.spool"):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"ann@example.org")
    (folder / "ledger.key").write_bytes(b"key")


def test_exports_and_what_a_killed_import_left_are_taken_away_and_nothing_else(tmp_path: Path) -> None:
    assert clear(tmp_path) == 0
    fill(tmp_path)
    assert clear(tmp_path) == 4
    assert beside(tmp_path) == ["import.lock", "ledger.key", "outgoing"]
    assert clear(tmp_path) == 0


def test_the_spool_of_an_import_at_work_is_its_own(tmp_path: Path) -> None:
    with sole_import(tmp_path):
        fill(tmp_path)
        assert clear(tmp_path) == 3
        assert (tmp_path / "import-1.spool").exists()
        with pytest.raises(ImportAtWork), sole_import(tmp_path):
            raise AssertionError("two imports at once")
    with sole_import(tmp_path):
        assert not (tmp_path / "import-1.spool").exists()


def test_a_link_in_the_folder_is_taken_away_and_not_what_it_leads_to(tmp_path: Path) -> None:
    (tmp_path / "away").mkdir()
    (tmp_path / "away" / "kept").write_text("kept")
    (tmp_path / "data" / "exports").mkdir(parents=True)
    (tmp_path / "data" / "exports" / "link").symlink_to(tmp_path / "away")
    assert clear(tmp_path / "data") == 1
    assert (tmp_path / "away" / "kept").exists()


def test_places_of_copies_are_told() -> None:
    tables = (Export(name="monthly", to="/srv/exports"), Export(name="vault", to="s3://bucket/mail"))
    assert elsewhere(tables, "journal@archive.example") == [
        ("monthly", "/srv/exports"),
        ("vault", "s3://bucket/mail"),
        ("", "journal@archive.example"),
    ]
    assert elsewhere((), "") == []


async def test_retention_clears_the_folder_when_something_went_or_a_run_was_cut_short(tmp_path: Path) -> None:
    archive = await open_archive(f"sqlite:///{tmp_path}/archive.db")
    message = a_message(1, received_at=NOON)
    await archive.add_message(message, stored(CONTENT), deliveries_of(message, State.SENT), [captured_event(message)])
    await archive.add_summaries([(message.id, Summary(subject="hello"))])
    rules = (Retention(name="all", body=10 * DAY),)

    async def files_after(day: int) -> tuple[int, object]:
        """How many files are left of those that are there before, and what the event says."""
        fill(tmp_path)
        await run_retention(archive, rules, clock=lambda: NOON + day * DAY * SECOND, new_id=new_id, folder=tmp_path)
        told = [event for _, event in await archive.events() if event.kind is Kind.RETENTION_RUN][-1]
        return sum(path.is_file() for name in ("exports", "outgoing") for path in (tmp_path / name).rglob("*")), (
            told.data.get("files")
        )

    await archive.put_setting(FILES, None)
    assert await files_after(9) == (3, None), "nothing went"
    assert await files_after(10) == (0, 4)
    assert await files_after(11) == (3, None)
    await archive.put_setting(FILES, True)
    assert await files_after(12) == (0, 4), "the last run was killed: what went then may be in a file"
    await archive.close()


async def test_an_erasure_clears_the_folder_and_counts_it(tmp_path: Path) -> None:
    archive = await open_archive(f"sqlite:///{tmp_path}/archive.db")
    fill(tmp_path)
    keeper = Keeper((), 0, archive=archive, clock=lambda: NOON, new_id=new_id, folder=tmp_path)
    for needs_another in (True, False):
        request, event = asked(
            "ann@example.org",
            "asked",
            id_=new_id(),
            at=NOON,
            actor="user:boss",
            event_id=new_id(),
            needs_another=needs_another,
        )
        await archive.ask_erasure(request, event)
    await keeper.erase_due()
    assert beside(tmp_path) == ["import.lock", "ledger.key", "outgoing"]
    assert (await archive.erasure(request.id)).standing is Standing.DONE
    assert keeper.advance(request.id) is None
    (end,) = [event for _, event in await archive.events() if event.kind is Kind.ERASED]
    assert end.data["files"] == 4
    await archive.close()


async def test_a_run_says_how_far_it_is(tmp_path: Path) -> None:
    archive = await open_archive(f"sqlite:///{tmp_path}/archive.db")
    request, event = asked(
        "ann@example.org", "asked", id_=new_id(), at=NOON, actor="me", event_id=new_id(), needs_another=False
    )
    await archive.ask_erasure(request, event)
    advance = Advance()
    await run(archive, request.id, clock=lambda: NOON, new_id=new_id, advance=advance)
    assert (advance.named, advance.done) == (0, 0)
    await archive.close()
