"""A whole archive is checked: nothing is wrong with a sound one, and every change of a fact is found and named."""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from relay.archive import open_archive
from relay.archive.api import Archive
from relay.archive.api.ledger import StoredCheckpoint
from relay.archive.audit.fault import Fault
from relay.archive.audit.whole import Extent, Portion, check_archive, check_portion
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

SIGNER = Signer.from_seed("example.com/log", bytes(32))
EDITS = (Edit(0, 0, b"Received: x\r\n", "trace"),)
WIRE = splice(CONTENT, EDITS)


def path_of(url: str) -> Path:
    return Path(url.removeprefix("sqlite:///"))


async def fill(archive: Archive) -> None:
    """A message sent and reported on, one waiting, one deleted, and 600 more events; two checkpoints."""
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
    await finished(archive, deliveries, provider_id="p")
    payload = a_payload(1)
    await reported(archive, payload, a_report(payload, key="e", provider_id="p"))
    await checkpointed(archive)
    third = a_message(3)
    waiting = deliveries_of(third)[0]
    cancelled = Event(new_id(), NOON, Kind.CANCELLED, "user:ann", third.id, waiting.id)
    deleted = Event(new_id(), NOON, Kind.DELETED, "user:ann", third.id, data={"reason": "asked"})
    await archive.delete_content([Order(third.id, deleted, [cancelled])])
    await archive.add_events([Event(new_id(), NOON + n, Kind.VIEWED, "user:ann", third.id) for n in range(600)])
    await checkpointed(archive)


async def checkpointed(archive: Archive) -> None:
    head = await archive.ledger_head()
    text = Checkpoint(SIGNER.verifier.name, head.size, head.root).encode()
    await archive.add_checkpoint(StoredCheckpoint(head.size, NOON, sign_note(text, [SIGNER])))


@pytest.fixture
async def path(archive: Archive, url: str) -> Path:
    await fill(archive)
    await archive.close()
    return path_of(url)


def faults_of(path: Path, known: tuple[str, ...] = ()) -> list[Fault]:
    """All portions, in this process."""
    with closing(sqlite3.connect(path)) as database:
        extent = Extent(
            *(database.execute(f"SELECT max(seq) FROM {table}").fetchone()[0] or 0 for table in ("message", "event"))
        )
    portions = [
        *(Portion(kind) for kind in ("structure", "nodes", "tables", "signed")),
        Portion("contents", 1, extent.messages),
        Portion("leaves", 1, extent.events),
    ]
    return [fault for portion in portions for fault in check_portion(path, portion, extent, [SIGNER.verifier], known)]


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


def test_nothing_is_wrong_with_a_sound_archive(path: Path) -> None:
    assert faults_of(path) == []


FACTS = {
    "content": "message_seq, n",
    "message": "seq",
    "event": "seq",
    "attempt": "id",
    "leaf": "seq",
    "node": "number",
    "checkpoint": "size",
    "edit_list": "hash",
    "payload": "id",
    "report": "id",
    "tree": "size",
    "deletion": "message_seq",
}


def columns(path: Path) -> Iterator[tuple[str, str]]:
    with closing(sqlite3.connect(path)) as database:
        for table in FACTS:
            for row in database.execute(f"PRAGMA table_info({table})"):
                yield table, row[1]


UNWITNESSED = {
    ("payload", "is_mapped"),
    ("payload", "problem"),
    ("payload", "nonce"),
    ("report", "detail"),
    ("report", "source"),
    ("report", "event_key"),
    ("report", "kind"),
    ("report", "message_id"),
    ("report", "named_message"),
    ("report", "named_delivery"),
    ("report", "provider_id"),
    ("report", "header_message_id"),
    ("report", "is_machine"),
    ("edit_list", "message_seq"),
    ("edit_list", "is_shared"),
    ("checkpoint", "at"),
    ("deletion", "reason"),
    ("deletion", "asked_by"),
    ("message", "recipient_count"),
}


def test_every_value_of_every_fact_is_witnessed(path: Path, tmp_path: Path) -> None:
    missed = []
    for number, (table, column) in enumerate(columns(path)):
        copy = tmp_path / f"copy{number}.db"
        copy.write_bytes(path.read_bytes())
        changed = (
            f"UPDATE {table} SET {column} = CASE typeof({column}) WHEN 'integer' THEN {column} + 1"
            f" WHEN 'text' THEN {column} || 'x' WHEN 'null' THEN 1 ELSE CAST({column} || x'00' AS BLOB) END"
            f" WHERE rowid = (SELECT max(rowid) FROM {table})"
            if table != "node"
            else f"UPDATE node SET {column} = CASE typeof({column}) WHEN 'integer' THEN {column} + 1 ELSE x'00' END"
            " WHERE number = 1"
        )
        with closing(sqlite3.connect(copy)) as database:
            database.execute("PRAGMA foreign_keys = OFF")
        tamper(copy, changed)
        if not faults_of(copy) and (table, column) not in UNWITNESSED:
            missed.append((table, column))
        copy.unlink()
    assert missed == []


@pytest.mark.parametrize("table", [table for table in FACTS if table != "checkpoint"])
def test_a_row_taken_away_is_found(path: Path, table: str) -> None:
    order = FACTS[table]
    tamper(path, f"DELETE FROM {table} WHERE ({order}) = (SELECT {order} FROM {table} ORDER BY {order} LIMIT 1)")
    assert faults_of(path)


def test_the_journal_cut_off_at_its_end_is_found(path: Path) -> None:
    tamper(path, "DELETE FROM leaf WHERE seq > 600", "DELETE FROM event WHERE seq > 600")
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
    for progress in check_archive(path, keys=[SIGNER.verifier], state=state, processes=1):
        begun.extend(progress.faults)
        if progress.portion.kind == "leaves":
            break
    assert begun
    rest = list(check_archive(path, keys=[SIGNER.verifier], state=state, processes=2))
    assert [fault for progress in rest for fault in progress.faults] == begun
    assert rest[-1].done == rest[-1].total


def test_what_is_not_an_archive_any_more_is_said(path: Path) -> None:
    octets = bytearray(path.read_bytes())
    for place in range(4096, len(octets), 4096):
        octets[place : place + 64] = bytes(64)
    path.write_bytes(octets)
    assert check_portion(path, Portion("contents", 1, 3), Extent(3, 600), (), ())
