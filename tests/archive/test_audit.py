"""A whole archive is checked: nothing is wrong with a sound one, and every change of a fact is found and named."""

from __future__ import annotations

import random
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from relay.archive import check_archive
from relay.archive.api import Archive, ArchiveError
from relay.archive.api.audit import Extent, Fault, Portion
from relay.archive.audit.kinds import CHECKED, DERIVED, NO_EVIDENCE, SUMMED_WHOLE, SUMS, UNCOUNTED, UNWITNESSED
from relay.archive.audit.whole import REMEMBERED, UNREADABLE, check_portion
from relay.archive.sums import summed
from relay.model.event import Event, Kind
from tests.support.archive_values import (
    NOON,
    new_id,
)
from tests.support.audited import (
    SIGNER,
    Bench,
    changes,
    checkpointed,
    faults_of,
    fill,
    path_of,
    tamper,
    unused,
)
from tests.support.audited import (
    SUMS as SUMMED,
)
from tests.support.fresh import open_archive
from tests.support.thoroughness import IS_THOROUGH


def test_nothing_is_wrong_with_a_sound_archive(audited_path: Path) -> None:
    assert faults_of(audited_path) == []


def test_every_table_is_checked_or_is_said_to_be_no_evidence(bench: Bench) -> None:
    tables = {row[0] for row in bench.database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    kinds = [CHECKED, set(NO_EVIDENCE), set(DERIVED), {SUMS}]
    assert {table for table in tables if not table.startswith("full_text")} == set().union(*kinds)
    assert sum(map(len, kinds)) == len(set().union(*kinds)), "a table is of one kind"


TRIED = CHECKED - {"alembic_version"}
"""That one is compared with the structure, which has no triggers on the bench."""


@pytest.mark.parametrize("table", sorted(TRIED))
def test_every_change_of_a_value_is_found(bench: Bench, table: str) -> None:
    """Or the column is in the list of those that nobody vouches for, with the reason."""
    key = bench.key(table)
    missed = set()
    for row in bench.rows(table):
        for column, value in row.items():
            if f"{table}.{column}" in UNWITNESSED or f"{table}.{column}" in missed:
                continue
            where = " AND ".join(f'"{name}" = ?' for name in key)
            for changed in changes(value):
                named = [row[name] for name in key]
                if not bench.finds(f'UPDATE "{table}" SET "{column}" = ? WHERE {where}', changed, *named):
                    missed.add(f"{table}.{column}")
    assert missed == set()


@pytest.mark.parametrize("table", sorted(TRIED - set(UNCOUNTED)))
def test_a_row_taken_away_is_found(bench: Bench, table: str) -> None:
    key = bench.key(table)
    rows = bench.rows(table)
    # The last checkpoint is missed by the file beside the archive: the next test.
    for row in rows[:-1] if table == "checkpoint" else rows:
        where = " AND ".join(f'"{name}" = ?' for name in key)
        assert bench.finds(f'DELETE FROM "{table}" WHERE {where}', *(row[name] for name in key)), row


# -- what no signed evidence tells of ------------------------------------------------------------------------------
def test_every_column_is_vouched_for_or_is_in_a_sum(bench: Bench) -> None:
    in_sums = {(one.table, column) for one in summed(bench.database) for column in one.columns}
    for table in CHECKED - {"alembic_version"} | NO_EVIDENCE.keys():
        columns = {column[1] for column in bench.database.execute(f'PRAGMA table_info("{table}")')}
        left_out = {name for name in columns if table in NO_EVIDENCE or f"{table}.{name}" in UNWITNESSED}
        assert {(table, name) for name in left_out} <= in_sums
    known = {(one.table, column[1]) for one in summed(bench.database) for column in bench.columns(one.table)}
    assert {tuple(name.split(".")) for name in UNWITNESSED} <= known, "what is named is there"


WITH_A_SUM = sorted(SUMMED_WHOLE | {name.partition(".")[0] for name in UNWITNESSED})
WITHOUT_ROWS = {"erasing", "data_key"}
"""The first has some only while somebody is taken out; of an encrypted archive: `test_encryption.py`."""


@pytest.mark.parametrize("table", sorted(set(WITH_A_SUM) - WITHOUT_ROWS))
def test_every_change_of_a_row_in_a_sum_is_found(bench: Bench, table: str) -> None:
    key = bench.key(table)
    (columns,) = (one.columns for one in summed(bench.database) if one.table == table)
    where = " AND ".join(f'"{name}" = ?' for name in key)
    rows = bench.rows(table, is_every=True)
    assert rows
    missed = set()
    for row in rows:
        named = [row[name] for name in key]
        for column in columns:
            for changed in changes(row[column]):
                if not bench.finds(f'UPDATE "{table}" SET "{column}" = ? WHERE {where}', changed, *named, of=SUMMED):
                    missed.add(column)
        if not bench.finds(f'DELETE FROM "{table}" WHERE {where}', *named, of=SUMMED):
            missed.add("a row")
    assert missed == set()


@pytest.mark.parametrize("table", WITH_A_SUM)
def test_a_change_of_the_sum_is_found_too(bench: Bench, table: str) -> None:
    for change in ("SET rows = rows + 1", "SET sum = sum + 1", "SET sum = 'x'", "SET table_name = 'x'"):
        assert bench.finds(f"UPDATE row_sum {change} WHERE table_name = ?", table, of=SUMMED)
    assert bench.finds("DELETE FROM row_sum WHERE table_name = ?", table, of=SUMMED)


def test_where_one_bit_flipped_is_named(audited_path: Path) -> None:
    tamper(audited_path, "UPDATE preference SET value = replace(value, 'UTC', 'UTB') WHERE key = 'zone'")
    (fault,) = faults_of(audited_path)
    assert str(fault) == "preference ann, zone: one bit of its value is not as it was written"


def test_where_a_text_is_none_any_more_is_named(audited_path: Path) -> None:
    tamper(audited_path, "UPDATE token SET url = CAST(CAST(replace(url, 'a', 'á') AS BLOB) AS TEXT) WHERE part = 2")
    assert {fault.where for fault in faults_of(audited_path)} == {"table token"}
    octets = audited_path.read_bytes()
    place = octets.index("Ärger".encode())
    audited_path.write_bytes(octets[: place + 1] + bytes([octets[place + 1] ^ 128]) + octets[place + 2 :])
    assert any(str(one).endswith("one bit of its name is not as it was written") for one in faults_of(audited_path))


def test_a_text_that_became_a_blob_is_named(audited_path: Path) -> None:
    """With the same octets: one bit of the row's head."""
    tamper(audited_path, "UPDATE event SET data = CAST(data AS BLOB) WHERE seq = 100")
    assert any(fault.where == "event 100" and "type" in fault.words for fault in faults_of(audited_path))


def test_two_tables_in_one_page_are_told(audited_path: Path) -> None:
    with closing(sqlite3.connect(audited_path, isolation_level=None)) as database:
        database.execute("PRAGMA writable_schema = ON")
        database.execute(
            "UPDATE sqlite_master SET rootpage = (SELECT rootpage FROM sqlite_master WHERE name = 'figure_cursor')"
            " WHERE name = 'index_queue'"
        )
    assert "figure_cursor and index_queue" in {fault.where for fault in faults_of(audited_path)}


def test_a_page_in_use_that_is_on_the_list_of_free_ones_is_told_in_an_older_file_too(audited_path: Path) -> None:
    with closing(sqlite3.connect(audited_path, isolation_level=None)) as database:
        for statement in ("PRAGMA journal_mode = DELETE", "PRAGMA auto_vacuum = 0", "VACUUM"):
            database.execute(statement)
        database.execute("CREATE TABLE passing (octets BLOB)")
        database.executemany("INSERT INTO passing VALUES (?)", [(bytes(4000),)] * 20)
        database.execute("DROP TABLE passing")
        (used,) = database.execute("SELECT rootpage FROM sqlite_master WHERE name = 'preference'").fetchone()
    assert faults_of(audited_path) == []
    octets = bytearray(audited_path.read_bytes())
    # Where the list begins is at 32 of the file; on that page, behind two numbers, are the others (file format, 1.5).
    first = (int.from_bytes(octets[32:36]) - 1) * 4096 + 8
    octets[first : first + 4] = used.to_bytes(4)
    audited_path.write_bytes(octets)
    assert any("2nd reference" in fault.words for fault in faults_of(audited_path))


def test_a_row_too_many_is_told_with_the_numbers(audited_path: Path) -> None:
    tamper(audited_path, "INSERT INTO figure_day VALUES (1, 1, 1)")
    (fault,) = faults_of(audited_path)
    assert str(fault) == "table figure_day: has 2 rows, and 1 were written"


def test_the_last_checkpoint_taken_away_is_found_by_the_file_beside(audited_path: Path) -> None:
    with closing(sqlite3.connect(audited_path)) as database:
        (note,) = database.execute("SELECT note FROM checkpoint ORDER BY size DESC").fetchone()
    assert faults_of(audited_path, remembered=note) == []
    tamper(audited_path, "DELETE FROM checkpoint WHERE size = (SELECT max(size) FROM checkpoint)")
    fault, *others = (one for one in faults_of(audited_path, remembered=note) if "row" not in one.words)
    assert "taken away" in fault.words
    assert not others
    audited_path.with_name(REMEMBERED).write_text(note)
    assert fault in [
        one for progress in check_archive(f"sqlite:///{audited_path}", processes=1) for one in progress.faults
    ]


@pytest.mark.parametrize("table", sorted(TRIED))
def test_values_that_changed_places_are_found(bench: Bench, table: str) -> None:
    """Of the first row and the last, column by column; where it is the same in both, nothing changes."""
    key = bench.key(table)
    rows = bench.rows(table)
    if len(rows) < 2:
        return
    first, last = rows[0], rows[-1]
    missed = set()
    for column in first:
        if f"{table}.{column}" in UNWITNESSED or column in key or first[column] == last[column]:
            continue
        of_last = " AND ".join(f'"{name}" = ?' for name in key)
        either = f"({of_last}) OR ({of_last})"
        statement = f'UPDATE "{table}" SET "{column}" = CASE WHEN {of_last} THEN ? ELSE ? END WHERE {either}'
        keys = [[row[name] for name in key] for row in (first, last)]
        if not bench.finds(statement, *keys[1], first[column], last[column], *keys[0], *keys[1]):
            missed.add(column)
    assert missed == set()


@pytest.mark.parametrize("table", sorted(TRIED - set(UNCOUNTED)))
def test_a_row_added_is_found(bench: Bench, table: str) -> None:
    """One as the last, under a key that nobody has."""
    *_, last = bench.rows(table) or [{}]
    if not last:
        return
    copy = {
        name: unused(value) if name in bench.key(table) or is_unique(name) else value for name, value in last.items()
    }
    names = ", ".join(f'"{name}"' for name in copy)
    places = ", ".join("?" * len(copy))
    assert bench.finds(f'INSERT INTO "{table}" ({names}) VALUES ({places})', *copy.values())


def is_unique(name: str) -> bool:
    """Of columns that are no key, but have an index that lets nothing in twice."""
    return name in ("id", "digest", "event_key")


def test_another_version_of_the_schema_is_told(audited_path: Path) -> None:
    tamper(audited_path, "UPDATE alembic_version SET version_num = '0001'")
    assert any("alembic_version" in fault.where for fault in faults_of(audited_path))


@pytest.mark.parametrize("columns", ["hash", "commitment", "salt"])
def test_leaves_that_changed_places_are_found(bench: Bench, columns: str) -> None:
    assert bench.finds(
        f"UPDATE leaf SET {columns} = (SELECT {columns} FROM leaf AS other WHERE other.seq = 5 - leaf.seq)"
        " WHERE seq IN (2, 3)"
    )


def test_contents_that_changed_places_are_found(bench: Bench) -> None:
    assert bench.finds("UPDATE content SET message_seq = 9 - message_seq WHERE message_seq IN (1, 2)")


def test_the_journal_cut_off_at_its_end_is_found(audited_path: Path) -> None:
    tamper(audited_path, "DELETE FROM leaf WHERE seq > 300", "DELETE FROM event WHERE seq > 300")
    assert any("cut off" in fault.words for fault in faults_of(audited_path))


async def test_an_archive_put_back_to_an_older_copy_is_found_with_a_later_checkpoint(
    archive: Archive, url: str, tmp_path: Path
) -> None:
    await fill(archive)
    await archive.close()
    old = tmp_path / "old.db"
    old.write_bytes(path_of(url).read_bytes())
    again = await open_archive(url)
    await again.add_events([Event(new_id(), NOON, Kind.PAUSED, "user:ann")])
    await checkpointed(again)
    latest = await again.latest_checkpoint()
    await again.close()
    assert latest is not None
    assert faults_of(old) == []
    (fault,) = faults_of(old, (latest.note,))
    assert "older copy" in fault.words


def test_it_runs_in_processes_and_goes_on_where_it_was_stopped(audited_path: Path, tmp_path: Path) -> None:
    tamper(audited_path, "UPDATE event SET actor = 'user:eve' WHERE seq = 1")
    state = tmp_path / "state.json"
    begun: list[Fault] = []
    for progress in check_archive(f"sqlite:///{audited_path}", keys=[SIGNER.verifier], state=state, processes=1):
        begun.extend(progress.faults)
        if progress.portion.kind == "leaves":
            break
    assert begun
    rest = list(check_archive(f"sqlite:///{audited_path}", keys=[SIGNER.verifier], state=state, processes=2))
    assert [fault for progress in rest for fault in progress.faults] == begun
    assert rest[-1].done == rest[-1].total


def test_what_is_not_an_archive_any_more_is_said(audited_path: Path) -> None:
    octets = bytearray(audited_path.read_bytes())
    for place in range(4096, len(octets), 4096):
        octets[place : place + 64] = bytes(64)
    audited_path.write_bytes(octets)
    assert check_portion(audited_path, Portion("contents", 1, 3), Extent(3, 600), (), ())


HEADER = ("user_version", "application_id", "encoding", "auto_vacuum", "page_size", "journal_mode")


def recorded(path: Path) -> list[tuple[object, ...]]:
    """Every value of every table but those that are made of others, the schema, and what the header says."""
    values: list[tuple[object, ...]] = []
    with closing(sqlite3.connect(path)) as database:
        for table in sorted(CHECKED | NO_EVIDENCE.keys() | {SUMS}):
            rows = database.execute(f'SELECT * FROM "{table}"').fetchall()
            values.extend((table, *row) for row in sorted(rows, key=repr))
        values += database.execute("SELECT type, name, tbl_name, sql FROM sqlite_master").fetchall()
        values += [database.execute(f"PRAGMA {name}").fetchone() for name in HEADER]
    return values


@pytest.mark.parametrize("seed", range(4))
def test_a_bit_of_the_file_that_flips_is_found_or_changes_nothing_that_counts(audited_path: Path, seed: int) -> None:
    """Anywhere: in rows, indexes, free room, the header. What is not found must leave all as it can be read.

    Most are tried where something is: half of so small an archive is room that nothing uses."""
    before, octets = recorded(audited_path), audited_path.read_bytes()
    dice = random.Random(seed)
    found = 0
    written = [place for place, octet in enumerate(octets) if octet]
    for number in range(250 if IS_THOROUGH else 15):
        place = dice.choice(written) if number % 8 else dice.randrange(len(octets))
        bit = 1 << dice.randrange(8)
        audited_path.write_bytes(octets[:place] + bytes([octets[place] ^ bit]) + octets[place + 1 :])
        try:
            faults = faults_of(audited_path)
        except UNREADABLE:
            found += 1  # as `check_archive` says it: this is no archive
            continue
        if faults:
            found += 1
        else:
            assert recorded(audited_path) == before, f"bit {bit:#x} of octet {place} went unseen"
    assert found


@pytest.mark.parametrize("share", [0.2, 0.5, 0.9])
def test_a_file_cut_short_is_found(audited_path: Path, share: float) -> None:
    octets = audited_path.read_bytes()
    audited_path.write_bytes(octets[: int(len(octets) * share)])
    try:
        faults = faults_of(audited_path)
    except UNREADABLE:
        with pytest.raises(ArchiveError):
            list(check_archive(f"sqlite:///{audited_path}"))
    else:
        assert faults


def test_a_journal_of_sqlite_from_elsewhere_is_found_or_not_used(audited_path: Path, tmp_path: Path) -> None:
    """A `-wal` of another archive beside it: SQLite takes it up if its checksums fit, and then it is not this one."""
    before = recorded(audited_path)
    other = tmp_path / "other.db"
    other.write_bytes(audited_path.read_bytes())
    database = sqlite3.connect(other, isolation_level=None)
    database.execute("PRAGMA journal_mode = WAL")
    database.execute("PRAGMA wal_autocheckpoint = 0")
    database.execute("DROP TRIGGER event_refuses_update")
    database.execute("UPDATE event SET actor = 'user:eve' WHERE seq = 1")
    audited_path.with_name(audited_path.name + "-wal").write_bytes(other.with_name("other.db-wal").read_bytes())
    database.close()
    assert faults_of(audited_path) or recorded(audited_path) == before
