"""Copies of the archive: of one moment beside a writer, only what is new is written, and what is put back goes on."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from relay.archive.api import Archive, ArchiveError
from relay.archive.audit.structure import check_structure
from relay.archive.backup.copying import make_copy
from relay.archive.backup.restoring import build, build_from, settle
from relay.archive.backup.snapshot import snapshot
from relay.archive.backup.store import BLOCK, Store
from relay.archive.content import stored
from relay.archive.database import WRITER_PRAGMAS
from relay.ledger.checkpoint import Checkpoint
from relay.ledger.note import Signer, sign_note
from tests.support.archive_values import CONTENT, NOON, SECOND, a_message, captured_event, deliveries_of
from tests.support.fresh import open_archive

SIGNER = Signer.from_seed("example.com/log", bytes(32))


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "copies")


async def add(archive: Archive, *numbers: int) -> None:
    for number in numbers:
        message = a_message(number)
        await archive.add_message(message, stored(CONTENT), deliveries_of(message), [captured_event(message)])


async def note_of(archive: Archive) -> str:
    head = await archive.ledger_head()
    return sign_note(Checkpoint(SIGNER.verifier.name, head.size, head.root).encode(), [SIGNER])


def path_of(url: str) -> Path:
    return Path(url.removeprefix("sqlite:///"))


def files_of(folder: Path) -> set[Path]:
    return {path for path in folder.rglob("*") if path.is_file()}


# -- one moment ----------------------------------------------------------------------------------------------
@pytest.fixture
def writer(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(tmp_path / "archive.db", isolation_level=None)) as connection:
        for pragma in WRITER_PRAGMAS:
            connection.execute(pragma).fetchall()
        connection.execute("CREATE TABLE fact (n INTEGER PRIMARY KEY, text BLOB)")
        yield connection


def write(writer: sqlite3.Connection, first: int, count: int) -> None:
    writer.execute("BEGIN")
    writer.executemany("INSERT OR REPLACE INTO fact VALUES (?, randomblob(900))", [(first + n,) for n in range(count)])
    writer.execute("COMMIT")


def rows_of(path: Path) -> list[tuple[int, bytes]]:
    with closing(sqlite3.connect(path)) as database:
        assert database.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        return database.execute("SELECT n, text FROM fact ORDER BY n").fetchall()


@pytest.mark.parametrize("checkpoint", ["", "PASSIVE", "FULL", "RESTART", "TRUNCATE"])
def test_what_is_committed_while_it_is_read_is_not_in_it(
    writer: sqlite3.Connection, tmp_path: Path, checkpoint: str
) -> None:
    path = tmp_path / "archive.db"
    write(writer, 0, 500)
    if checkpoint:
        writer.execute(f"PRAGMA wal_checkpoint({checkpoint})").fetchall()
        write(writer, 400, 50)
    before = writer.execute("SELECT n, text FROM fact ORDER BY n").fetchall()
    copy = tmp_path / "copy.db"
    with snapshot(path, tmp_path) as moment, copy.open("wb") as file:
        for n, block in enumerate(moment.blocks(BLOCK)):
            file.write(block)
            write(writer, 100 * n, 150)
            writer.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()
        assert n > 0
    assert rows_of(copy) == before


def test_a_log_that_is_begun_anew_while_it_is_read_hurts_nothing(writer: sqlite3.Connection, tmp_path: Path) -> None:
    write(writer, 0, 500)
    # All of it is in the file: the next write begins the log anew, over the frames that are there.
    writer.execute("PRAGMA wal_checkpoint(FULL)").fetchall()
    before = writer.execute("SELECT n, text FROM fact ORDER BY n").fetchall()
    copy = tmp_path / "copy.db"
    with snapshot(tmp_path / "archive.db", tmp_path) as moment, copy.open("wb") as file:
        write(writer, 0, 500)
        write(writer, 0, 600)
        writer.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()
        file.writelines(moment.blocks(BLOCK))
    assert rows_of(copy) == before


# -- copies --------------------------------------------------------------------------------------------------
async def test_a_copy_put_back_is_the_archive_and_its_log_goes_on(archive: Archive, url: str, store: Store) -> None:
    path = path_of(url)
    await add(archive, 1, 2)
    note = await note_of(archive)
    (path.parent / "ledger.checkpoint").write_text(note)
    (path.parent / "ledger.key").write_text("secret")
    made = await _in_thread(make_copy, path, store, NOON)
    await add(archive, 3)
    assert made.name.endswith("Z")
    assert not made.faults
    place = path.parent.parent / "restored"
    built = await _in_thread(build, store, made.name, place, [note])
    assert built.faults == ()
    restored = settle(store, built)
    assert (place / "ledger.key").read_text() == "secret"
    assert (place / "ledger.checkpoint").read_text() == note
    assert {path.name for path in files_of(place)} >= {"archive.db", "ledger.key", "ledger.checkpoint"}
    assert restored.stat().st_mode & 0o777 == 0o600
    again = await open_archive(f"sqlite:///{restored}")
    try:
        head = await again.ledger_head()
        assert head.size == made.copy.events
        assert await again.content(a_message(1).id) == CONTENT
        await add(again, 4)
        grown = await again.ledger_head()
        assert grown.size > head.size
        assert await again.ledger_root(head.size) == head.root
    finally:
        await again.close()


async def test_the_second_copy_writes_what_is_new(archive: Archive, url: str, store: Store) -> None:
    await add(archive, *range(1, 400))
    first = await _in_thread(make_copy, path_of(url), store, NOON)
    second = await _in_thread(make_copy, path_of(url), store, NOON)
    assert second.written == 0
    assert second.name == f"{first.name}-2"
    await add(archive, 401)
    third = await _in_thread(make_copy, path_of(url), store, NOON + SECOND)
    assert 0 < third.written < first.written
    assert third.copy.messages == 400
    assert store.names() == [first.name, second.name, third.name]


async def test_only_the_newest_copies_stay(archive: Archive, url: str, store: Store) -> None:
    for number in range(3):
        await add(archive, number + 1)
        await _in_thread(make_copy, path_of(url), store, NOON + number * SECOND)
    with store.held():
        assert store.keep(1) > 0
    (name,) = store.names()
    built = await _in_thread(build, store, name, path_of(url).parent.parent / "restored")
    assert built.faults == ()


async def test_a_copy_without_a_checkpoint_in_hand_is_refused(archive: Archive, url: str, store: Store) -> None:
    path = path_of(url)
    await add(archive, 1)
    made = await _in_thread(make_copy, path, store, NOON)
    await add(archive, 2)
    later = await note_of(archive)
    place = path.parent.parent / "restored"
    built = await _in_thread(build, store, made.name, place, [later])
    assert ["put back to an older copy" in str(fault) for fault in built.faults] == [True]
    place.joinpath("ledger.checkpoint").write_text(later)
    built = await _in_thread(build, store, made.name, place)
    assert any("put back to an older copy" in str(fault) for fault in built.faults)


async def test_a_checkpoint_that_was_left_and_is_in_no_row_stops_no_good_copy(
    archive: Archive, url: str, store: Store
) -> None:
    path = path_of(url)
    await add(archive, 1)
    left = await note_of(archive)
    await add(archive, 2)
    made = await _in_thread(make_copy, path, store, NOON)
    place = path.parent.parent / "restored"
    place.mkdir()
    place.joinpath("ledger.checkpoint").write_text(left)
    built = await _in_thread(build, store, made.name, place)
    assert built.faults == ()
    settle(store, built)
    assert place.joinpath("ledger.checkpoint").read_text() == left


async def test_the_copys_own_key_may_be_there_and_no_other(archive: Archive, url: str, store: Store) -> None:
    path = path_of(url)
    await add(archive, 1)
    (path.parent / "ledger.key").write_text("secret")
    made = await _in_thread(make_copy, path, store, NOON)
    place = path.parent.parent / "restored"
    place.mkdir()
    place.joinpath("ledger.key").write_text("another")
    with pytest.raises(ArchiveError, match="empty place"):
        build(store, made.name, place)
    place.joinpath("ledger.key").write_text("secret")
    assert (await _in_thread(build, store, made.name, place)).faults == ()


async def test_a_place_that_is_not_empty_is_left_alone(archive: Archive, url: str, store: Store) -> None:
    await add(archive, 1)
    made = await _in_thread(make_copy, path_of(url), store, NOON)
    with pytest.raises(ArchiveError, match="empty place"):
        build(store, made.name, path_of(url).parent)


# -- a file that another program put back --------------------------------------------------------------------
async def test_a_file_of_another_program_is_put_back_as_a_copy_is(archive: Archive, url: str, tmp_path: Path) -> None:
    await add(archive, 1, 2)
    note = await note_of(archive)
    file, place = tmp_path / "restored.db", tmp_path / "restored"
    with closing(sqlite3.connect(path_of(url))) as source, closing(sqlite3.connect(file)) as target:
        # As Litestream leaves it in every file that it follows.
        source.backup(target)
        target.execute("CREATE TABLE _litestream_seq (id INTEGER PRIMARY KEY, seq INTEGER)")
        target.execute("CREATE TABLE _litestream_lock (id INTEGER)")
        target.commit()
    before = file.read_bytes()
    await add(archive, 3)
    later = await note_of(archive)
    place.mkdir()
    place.joinpath("ledger.key").write_text("secret")
    assert "older copy" in str((await _in_thread(build_from, file, place, [later])).faults)
    built = await _in_thread(build_from, file, place, [note])
    assert built.faults == ()
    restored = settle(None, built)
    assert file.read_bytes() == before
    assert (place / "ledger.key").read_text() == "secret"
    again = await open_archive(f"sqlite:///{restored}")
    try:
        assert await again.content(a_message(2).id) == CONTENT
    finally:
        await again.close()
    with pytest.raises(ArchiveError, match="empty place"):
        build_from(file, place)


@pytest.mark.parametrize("octets", [b"", b"SQLite format 3\0", b"no database at all, but long enough"])
def test_a_file_that_is_no_archive_is_not_put_back(tmp_path: Path, octets: bytes) -> None:
    file = tmp_path / "restored.db"
    file.write_bytes(octets)
    with pytest.raises(ArchiveError, match="is no archive"):
        build_from(file, tmp_path / "place")
    file.with_name("restored.db-wal").write_bytes(b"x")
    with pytest.raises(ArchiveError, match="somebody has"):
        build_from(file, tmp_path / "place")


def test_a_table_that_only_looks_like_litestreams_is_a_fault(audited_path: Path) -> None:
    with closing(sqlite3.connect(audited_path)) as database:
        database.execute("CREATE TABLE _litestream_seq (id INTEGER PRIMARY KEY, seq INTEGER)")
        assert list(check_structure(database)) == []
        database.execute("CREATE TABLE _litestream_lock (id INTEGER, more TEXT)")
        assert [str(fault) for fault in check_structure(database)] == [
            "table _litestream_lock: was not made by this version"
        ]


async def test_every_flipped_bit_of_a_backup_is_found(archive: Archive, url: str, store: Store, tmp_path: Path) -> None:
    await add(archive, 1)
    made = await _in_thread(make_copy, path_of(url), store, NOON)
    for number, path in enumerate(sorted(files_of(store.folder))):
        octets = path.read_bytes()
        if not octets:  # the lock
            continue
        place = len(octets) // 2
        path.write_bytes(octets[:place] + bytes([octets[place] ^ 1]) + octets[place + 1 :])
        with pytest.raises(ArchiveError, match="damaged"):
            await _in_thread(build, store, made.name, tmp_path / f"place{number}")
        path.unlink()
        with pytest.raises(ArchiveError, match=r"missing|no copy"):
            await _in_thread(build, store, made.name, tmp_path / f"place{number}")
        path.write_bytes(octets)


async def test_a_fault_of_the_archive_is_told_and_the_copy_is_kept(archive: Archive, url: str, store: Store) -> None:
    await add(archive, 1)
    await archive.close()
    with closing(sqlite3.connect(path_of(url))) as database:
        for (name,) in database.execute(
            "SELECT name FROM sqlite_schema WHERE type = 'trigger' AND tbl_name = 'event'"
        ).fetchall():
            database.execute(f"DROP TRIGGER {name}")
        database.execute("UPDATE event SET actor = 'nobody' WHERE seq = 1")
        database.commit()
    made = await _in_thread(make_copy, path_of(url), store, NOON)
    assert any("leaf" in str(fault) for fault in made.faults)
    assert made.copy.events == 0
    assert store.names() == [made.name]


async def test_two_backups_at_a_time_are_refused(archive: Archive, url: str, store: Store) -> None:
    with store.held(), pytest.raises(ArchiveError, match="another backup"):
        make_copy(path_of(url), Store(store.folder), NOON)


async def _in_thread(function, *arguments):
    import asyncio

    return await asyncio.to_thread(function, *arguments)
