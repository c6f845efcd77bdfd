"""A whole archive is checked: nothing is wrong with a sound one, and every change of a fact is found and named."""

from __future__ import annotations

import asyncio
import hashlib
import random
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from relay.archive import check_archive, open_archive
from relay.archive.api import Archive, ArchiveError
from relay.archive.api.audit import Extent, Fault, Portion
from relay.archive.api.ledger import Stamp, StoredCheckpoint
from relay.archive.audit.tables import CHECKED, NO_EVIDENCE, UNCOUNTED, UNWITNESSED
from relay.archive.audit.whole import REMEMBERED, UNREADABLE, check_portion, faults_in
from relay.archive.content import stored
from relay.ledger.checkpoint import Checkpoint
from relay.ledger.note import Signer, sign_note
from relay.model.deletion import Order
from relay.model.edit import Edit
from relay.model.event import Event, Kind
from relay.rendition.edit import splice
from tests.support.archive_reports import a_payload, a_report, finished, reported
from tests.support.archive_values import (
    CONTENT,
    NOON,
    SECOND,
    a_message,
    an_attempt,
    captured_event,
    deliveries_of,
    new_id,
)
from tests.support.stamping import Authority

SIGNER = Signer.from_seed("example.com/log", bytes(32))
AUTHORITY = Authority()
EDITS = (Edit(0, 0, b"Received: x\r\n", "trace"),)
WIRE = splice(CONTENT, EDITS)


def path_of(url: str) -> Path:
    return Path(url.removeprefix("sqlite:///"))


async def fill(archive: Archive) -> None:
    """A message sent and reported on, one waiting, one deleted, and 300 more events; two checkpoints."""
    for number in (1, 2, 3):
        message = a_message(number)
        await archive.add_message(message, stored(CONTENT), deliveries_of(message), [captured_event(message)])
    claims = await archive.claim("me", NOON + 3600 * SECOND, NOON + 7200 * SECOND, 1)
    deliveries = [delivery for claim in claims for delivery in claim.deliveries]
    attempts = [
        replace(an_attempt(delivery, edits=EDITS), wire_sha256=hashlib.sha256(WIRE).digest(), wire_size=len(WIRE))
        for delivery in deliveries
    ]
    await archive.begin_attempts(attempts)
    tried = [replace(delivery, upstream=one.upstream) for delivery, one in zip(deliveries, attempts, strict=True)]
    await finished(archive, tried, provider_id="p")
    payload = a_payload(1)
    await reported(archive, payload, a_report(payload, key="e", provider_id="p"))
    stamped = await checkpointed(archive)
    response = AUTHORITY.respond(stamped.note.encode())
    await archive.add_stamp(Stamp(stamped.size, "Some TSA", NOON, stamped.note, response, AUTHORITY.pem()))
    third = a_message(3)
    waiting = deliveries_of(third)[0]
    cancelled = Event(new_id(), NOON, Kind.CANCELLED, "user:ann", third.id, waiting.id)
    deleted = Event(new_id(), NOON, Kind.DELETED, "user:ann", third.id, data={"reason": "asked"})
    await archive.delete_content([Order(third.id, deleted, [cancelled])])
    await archive.add_events([Event(new_id(), NOON + n, Kind.VIEWED, "user:ann", third.id) for n in range(300)])
    await checkpointed(archive)


async def checkpointed(archive: Archive) -> StoredCheckpoint:
    head = await archive.ledger_head()
    text = Checkpoint(SIGNER.verifier.name, head.size, head.root).encode()
    checkpoint = StoredCheckpoint(head.size, NOON, sign_note(text, [SIGNER]))
    await archive.add_checkpoint(checkpoint)
    return checkpoint


@pytest.fixture
async def path(archive: Archive, url: str) -> Path:
    await fill(archive)
    await archive.close()
    return path_of(url)


def extent_of(database: sqlite3.Connection) -> Extent:
    return Extent(
        *(database.execute(f"SELECT max(seq) FROM {table}").fetchone()[0] or 0 for table in ("message", "event"))
    )


def portions(extent: Extent) -> list[Portion]:
    return [
        *(Portion(kind, 1, extent.messages) for kind in ("tables", "contents", "deliveries")),
        *(Portion(kind, 1, extent.events) for kind in ("leaves", "nodes", "signed")),
    ]


def faults_of(path: Path, known: tuple[str, ...] = (), remembered: str = "") -> list[Fault]:
    """All portions, in this process."""
    with closing(sqlite3.connect(path)) as database:
        extent = extent_of(database)
    return [
        fault
        for portion in (Portion("structure"), *portions(extent))
        for fault in check_portion(path, portion, extent, [SIGNER.verifier], known, remembered)
    ]


def tamper(path: Path, *statements: str) -> None:
    """As somebody with the file in hand would: without triggers in the way, and with all of them back afterwards."""
    with closing(sqlite3.connect(path, isolation_level=None)) as database:
        triggers = database.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'").fetchall()
        for name, _ in triggers:
            database.execute(f"DROP TRIGGER {name}")
        for statement in statements:
            assert database.execute(statement).rowcount, statement
        for _, sql in triggers:
            database.execute(sql)


class Bench:
    """A filled archive without triggers, in which one change after the other is tried and undone."""

    def __init__(self, database: sqlite3.Connection) -> None:
        self.database = database
        for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            database.execute(f"DROP TRIGGER {name}")
        # As the file was, whoever cut it off since.
        self.extent = extent_of(database)
        # Or every change would be "found".
        assert self.faults() == []

    def faults(self) -> list[Fault]:
        keys = [SIGNER.verifier]
        return [fault for one in portions(self.extent) for fault in faults_in(self.database, one, self.extent, keys)]

    def finds(self, statement: str, *values: object) -> bool:
        """False: nothing noticed. What SQLite does not even write, such as a key twice, is no change."""
        self.database.execute("BEGIN")
        try:
            self.database.execute(statement, values)
            if self.database.execute("PRAGMA foreign_key_check").fetchone() is not None:
                return True
            now = extent_of(self.database)
            extent = Extent(max(now.messages, self.extent.messages), max(now.events, self.extent.events))
            return any(faults_in(self.database, one, extent, [SIGNER.verifier]) for one in portions(extent))
        except sqlite3.IntegrityError:
            return True
        finally:
            self.database.execute("ROLLBACK")

    def rows(self, table: str) -> list[dict[str, object]]:
        """The first, one in the middle and the last."""
        found = self.database.execute(f"SELECT * FROM {table}")
        names = [column[0] for column in found.description]
        rows = [dict(zip(names, row, strict=True)) for row in found]
        return [rows[n] for n in sorted({0, len(rows) // 2, len(rows) - 1})] if rows else []

    def key(self, table: str) -> list[str]:
        columns = self.database.execute(f"PRAGMA table_info({table})").fetchall()
        return [column[1] for column in columns if column[5]] or [columns[0][1]]


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    path = tmp_path_factory.mktemp("bench") / "archive.db"

    async def made() -> None:
        archive = await open_archive(f"sqlite:///{path}")
        await fill(archive)
        await archive.close()

    asyncio.run(made())
    with closing(sqlite3.connect(path, isolation_level=None)) as database:
        yield Bench(database)


def test_nothing_is_wrong_with_a_sound_archive(path: Path) -> None:
    assert faults_of(path) == []


def test_every_table_is_checked_or_is_said_to_be_no_evidence(bench: Bench) -> None:
    tables = {row[0] for row in bench.database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    assert {table for table in tables if not table.startswith("full_text")} == CHECKED | set(NO_EVIDENCE)
    assert not CHECKED & set(NO_EVIDENCE)


def changes(value: object) -> list[object]:
    """What the value could be instead: one bit flipped, cut short, more, nothing."""
    match value:
        case int():
            return [value + 1, value ^ 1 << 40, None]
        case str():
            return [value + "x", value[:-1] if value else "y", None]
        case bytes():
            flipped = [value[:1] and bytes([value[0] ^ 1]) + value[1:], value[:-1] + bytes([value[-1] ^ 128])]
            return [*flipped, value[:-1], value + b"\0", b""] if value else [b"\0"]
        case _:
            return [1, "x"]


@pytest.mark.parametrize("table", sorted(CHECKED))
def test_every_change_of_a_value_is_found(bench: Bench, table: str) -> None:
    """Or the column is in the list of those that nobody vouches for, with the reason."""
    key = bench.key(table)
    missed = set()
    for row in bench.rows(table):
        for column, value in row.items():
            if f"{table}.{column}" in UNWITNESSED or f"{table}.{column}" in missed:
                continue
            where = " AND ".join(f"{name} = ?" for name in key)
            for changed in changes(value):
                named = [row[name] for name in key]
                if not bench.finds(f"UPDATE {table} SET {column} = ? WHERE {where}", changed, *named):
                    missed.add(f"{table}.{column}")
    assert missed == set()


@pytest.mark.parametrize("table", sorted(CHECKED - set(UNCOUNTED)))
def test_a_row_taken_away_is_found(bench: Bench, table: str) -> None:
    key = bench.key(table)
    rows = bench.rows(table)
    # The last checkpoint is missed by the file beside the archive: the next test.
    for row in rows[:-1] if table == "checkpoint" else rows:
        where = " AND ".join(f"{name} = ?" for name in key)
        assert bench.finds(f"DELETE FROM {table} WHERE {where}", *(row[name] for name in key)), row


def test_the_last_checkpoint_taken_away_is_found_by_the_file_beside(path: Path) -> None:
    with closing(sqlite3.connect(path)) as database:
        (note,) = database.execute("SELECT note FROM checkpoint ORDER BY size DESC").fetchone()
    assert faults_of(path, remembered=note) == []
    tamper(path, "DELETE FROM checkpoint WHERE size = (SELECT max(size) FROM checkpoint)")
    (fault,) = faults_of(path, remembered=note)
    assert "taken away" in fault.words
    path.with_name(REMEMBERED).write_text(note)
    assert fault in [one for progress in check_archive(f"sqlite:///{path}") for one in progress.faults]


@pytest.mark.parametrize("table", sorted(CHECKED))
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
        of_last = " AND ".join(f"{name} = ?" for name in key)
        either = f"({of_last}) OR ({of_last})"
        statement = f"UPDATE {table} SET {column} = CASE WHEN {of_last} THEN ? ELSE ? END WHERE {either}"
        keys = [[row[name] for name in key] for row in (first, last)]
        if not bench.finds(statement, *keys[1], first[column], last[column], *keys[0], *keys[1]):
            missed.add(column)
    assert missed == set()


@pytest.mark.parametrize("table", sorted(CHECKED - set(UNCOUNTED)))
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
    assert bench.finds(f"INSERT INTO {table} ({names}) VALUES ({places})", *copy.values())


def unused(value: object) -> object:
    match value:
        case int():
            return value + 1
        case str():
            return value[:-2] + "ZZ"
        case bytes():
            return bytes([value[0] ^ 1]) + value[1:]
    return value


def is_unique(name: str) -> bool:
    """Of columns that are no key, but have an index that lets nothing in twice."""
    return name in ("id", "digest", "event_key")


@pytest.mark.parametrize("columns", ["hash", "commitment", "salt"])
def test_leaves_that_changed_places_are_found(bench: Bench, columns: str) -> None:
    assert bench.finds(
        f"UPDATE leaf SET {columns} = (SELECT {columns} FROM leaf AS other WHERE other.seq = 5 - leaf.seq)"
        " WHERE seq IN (2, 3)"
    )


def test_contents_that_changed_places_are_found(bench: Bench) -> None:
    assert bench.finds("UPDATE content SET message_seq = 9 - message_seq WHERE message_seq IN (1, 2)")


def test_the_journal_cut_off_at_its_end_is_found(path: Path) -> None:
    tamper(path, "DELETE FROM leaf WHERE seq > 300", "DELETE FROM event WHERE seq > 300")
    assert any("cut off" in fault.words for fault in faults_of(path))


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


def test_it_runs_in_processes_and_goes_on_where_it_was_stopped(path: Path, tmp_path: Path) -> None:
    tamper(path, "UPDATE event SET actor = 'user:eve' WHERE seq = 1")
    state = tmp_path / "state.json"
    begun: list[Fault] = []
    for progress in check_archive(f"sqlite:///{path}", keys=[SIGNER.verifier], state=state, processes=1):
        begun.extend(progress.faults)
        if progress.portion.kind == "leaves":
            break
    assert begun
    rest = list(check_archive(f"sqlite:///{path}", keys=[SIGNER.verifier], state=state, processes=2))
    assert [fault for progress in rest for fault in progress.faults] == begun
    assert rest[-1].done == rest[-1].total


def test_what_is_not_an_archive_any_more_is_said(path: Path) -> None:
    octets = bytearray(path.read_bytes())
    for place in range(4096, len(octets), 4096):
        octets[place : place + 64] = bytes(64)
    path.write_bytes(octets)
    assert check_portion(path, Portion("contents", 1, 3), Extent(3, 600), (), ())


def recorded(path: Path) -> list[tuple[object, ...]]:
    """Every value that counts, of every table that is checked."""
    values: list[tuple[object, ...]] = []
    with closing(sqlite3.connect(path)) as database:
        for table in sorted(CHECKED):
            names = [row[1] for row in database.execute(f"PRAGMA table_info({table})")]
            shown = ", ".join(name for name in names if f"{table}.{name}" not in UNWITNESSED)
            values.extend((table, *row) for row in database.execute(f"SELECT {shown} FROM {table} ORDER BY {shown}"))
    return values


@pytest.mark.parametrize("seed", range(4))
def test_a_bit_of_the_file_that_flips_is_found_or_changes_nothing_that_counts(path: Path, seed: int) -> None:
    """Anywhere: in rows, indexes, free room, the header. What is not found must leave all as it can be read."""
    before, octets = recorded(path), path.read_bytes()
    dice = random.Random(seed)
    found = 0
    for _ in range(60):
        place, bit = dice.randrange(len(octets)), 1 << dice.randrange(8)
        path.write_bytes(octets[:place] + bytes([octets[place] ^ bit]) + octets[place + 1 :])
        try:
            faults = faults_of(path)
        except UNREADABLE:
            found += 1  # as `check_archive` says it: this is no archive
            continue
        if faults:
            found += 1
        else:
            assert recorded(path) == before, f"bit {bit:#x} of octet {place} went unseen"
    assert found


@pytest.mark.parametrize("share", [0.2, 0.5, 0.9])
def test_a_file_cut_short_is_found(path: Path, share: float) -> None:
    octets = path.read_bytes()
    path.write_bytes(octets[: int(len(octets) * share)])
    try:
        faults = faults_of(path)
    except UNREADABLE:
        with pytest.raises(ArchiveError):
            list(check_archive(f"sqlite:///{path}"))
    else:
        assert faults


def test_a_journal_of_sqlite_from_elsewhere_is_found_or_not_used(path: Path, tmp_path: Path) -> None:
    """A `-wal` of another archive beside it: SQLite takes it up if its checksums fit, and then it is not this one."""
    before = recorded(path)
    other = tmp_path / "other.db"
    other.write_bytes(path.read_bytes())
    database = sqlite3.connect(other, isolation_level=None)
    database.execute("PRAGMA journal_mode = WAL")
    database.execute("PRAGMA wal_autocheckpoint = 0")
    database.execute("DROP TRIGGER event_refuses_update")
    database.execute("UPDATE event SET actor = 'user:eve' WHERE seq = 1")
    path.with_name(path.name + "-wal").write_bytes(other.with_name("other.db-wal").read_bytes())
    database.close()
    assert faults_of(path) or recorded(path) == before
