"""An encrypted archive: all readers read it, nobody without the key does, and what was changed in it is named."""

from __future__ import annotations

import asyncio
import hashlib
import os
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path

import pytest

from relay.archive import check_archive
from relay.archive.api import Archive, ArchiveError, Gone
from relay.archive.api.encryption import Encryption
from relay.archive.backup.copying import make_copy
from relay.archive.backup.restoring import build
from relay.archive.backup.store import Store
from relay.archive.cipher import MAGIC, Ring, key_id
from relay.archive.content import CHUNK, ContentBuilder, stored
from relay.archive.query import parse_query
from relay.archive.sums import prepare
from relay.archive.vault import Connection, Vault
from relay.model.deletion import Order
from relay.model.delivery import State
from relay.model.event import Event, Kind
from relay.model.summary import Summary
from relay.rendition.edit import splice
from tests.support.archive_reports import a_payload
from tests.support.archive_values import CONTENT, NOON, a_message, captured_event, deliveries_of, new_id
from tests.support.audited import SUMS, Bench, changes, fill, tamper
from tests.support.encrypted import NEW, OLD, OTHER, encryption
from tests.support.fresh import open_archive

LARGE = bytes(range(256)) * 4096 * 3 + b"the end"
"""Four frames."""
WORD = b"xylophonist"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "data" / "archive.db"


async def opened(path: Path, how: Encryption | None, *, read_only: bool = False) -> Archive:
    return await open_archive(f"sqlite:///{path}", read_only=read_only, encryption=how)


@pytest.fixture
async def archive(path: Path) -> AsyncIterator[Archive]:
    archive = await opened(path, encryption())
    yield archive
    await archive.close()


async def keep(archive: Archive, number: int, content: bytes) -> str:
    message = a_message(number, content=stored(content))
    held = deliveries_of(message, State.HELD)
    await archive.add_message(message, stored(content), held, [captured_event(message)])
    return message.id


async def filled(path: Path, how: Encryption | None) -> None:
    archive = await opened(path, how)
    await fill(archive)
    await archive.close()


def faults(path: Path, how: Encryption | None) -> list[str]:
    steps = check_archive(f"sqlite:///{path}", encryption=how, processes=1)
    return [str(fault) for step in steps for fault in step.faults]


def files_of(path: Path) -> bytes:
    return b"".join(file.read_bytes() for file in path.parent.iterdir() if file.is_file())


def plain_rows(path: Path) -> list[str]:
    """Where something is kept plain that is to be encrypted."""
    found = []
    with closing(sqlite3.connect(path)) as database:
        for table, column in (("content", "frame"), ("summary", "data"), ("edit_list", "data"), ("payload", "body")):
            for (value,) in database.execute(f"SELECT {column} FROM {table} WHERE length({column}) > 0"):
                if not value.startswith(MAGIC):
                    found.append(table)
    return found


CONTENTS = (b"", b"x", CONTENT, LARGE[:CHUNK], LARGE[: CHUNK + 1], LARGE)


@pytest.mark.parametrize("content", CONTENTS, ids=[f"{len(content)} octets" for content in CONTENTS])
async def test_a_content_comes_back_octet_for_octet(path: Path, archive: Archive, content: bytes) -> None:
    id_ = await keep(archive, 1, content)
    assert await archive.content(id_) == content
    await archive.close()
    assert plain_rows(path) == []
    again = await opened(path, encryption(), read_only=True)
    assert await again.content(id_) == content
    assert b"".join([piece async for piece in again.content_chunks(id_)]) == content
    await again.close()
    assert faults(path, encryption()) == []


async def test_pieces_of_any_size_make_the_same_content(path: Path, archive: Archive) -> None:
    for number, size in enumerate((1000, 65_536, CHUNK - 1, CHUNK, 3 * CHUNK + 5), 1):
        builder = ContentBuilder()
        for start in range(0, len(LARGE), size):
            builder.feed(LARGE[start : start + size])
        content = builder.finish()
        message = a_message(number, content=content)
        await archive.add_message(message, content, [], [captured_event(message)])
    await archive.close()
    again = await opened(path, encryption(), read_only=True)
    for number in range(1, 6):
        assert await again.content(a_message(number).id) == LARGE
    await again.close()


async def test_nothing_of_what_is_encrypted_is_in_any_file(path: Path) -> None:
    archive = await opened(path, encryption(index_bodies=False))
    id_ = await keep(archive, 1, b"Subject: x\r\n\r\n" + WORD)
    text = WORD.decode()
    await archive.add_summaries([(id_, Summary(subject="x", body_text=text, snippet=text, header_text="Subject: x"))])
    await archive.add_payload(a_payload(1, body=WORD))
    assert (await archive.message(id_)).summary == Summary(
        subject="x", body_text=text, snippet=text, header_text="Subject: x"
    )
    assert (await archive.payload(a_payload(1).id)).body == WORD
    assert [one.body for one in await archive.unmapped(10)] == [WORD]
    assert (await archive.listing(id_)).snippet == ""
    assert await archive.count(parse_query(f"body:{text}", now=NOON)) == 0
    await archive.close()
    assert WORD not in files_of(path)
    assert OLD not in files_of(path)


async def test_words_of_bodies_are_found_unless_they_are_kept_out(archive: Archive) -> None:
    id_ = await keep(archive, 1, CONTENT)
    await archive.add_summaries([(id_, Summary(body_text=WORD.decode(), snippet="begins"))])
    assert await archive.count(parse_query(f"body:{WORD.decode()}", now=NOON)) == 1
    assert (await archive.listing(id_)).snippet == "begins"


async def test_the_copy_that_was_sent_is_built_again_from_what_is_encrypted(path: Path) -> None:
    await filled(path, encryption())
    archive = await opened(path, encryption(), read_only=True)
    (attempt,) = (await archive.message(a_message(1).id)).attempts
    sent = splice(await archive.content(a_message(1).id), attempt.edits)
    assert (hashlib.sha256(sent).digest(), len(sent)) == (attempt.wire_sha256, attempt.wire_size)
    assert sent != CONTENT
    await archive.close()


async def test_an_encrypted_archive_holds_and_all_of_it_is_encrypted(path: Path) -> None:
    await filled(path, encryption())
    assert plain_rows(path) == []
    assert faults(path, encryption()) == []


@pytest.mark.parametrize(
    ("how", "words"),
    [
        (None, "[encryption] names none"),
        (encryption(OTHER), f"[encryption] has {key_id(OTHER)}"),
        (encryption(OTHER, is_on=False), f"[encryption] has {key_id(OTHER)}"),
    ],
)
async def test_without_its_key_nothing_opens_the_archive_and_the_key_is_named(
    path: Path, how: Encryption | None, words: str
) -> None:
    await filled(path, encryption())
    for read_only in (False, True):
        with pytest.raises(ArchiveError) as refusal:
            await opened(path, how, read_only=read_only)
        assert key_id(OLD) in str(refusal.value)
        assert words in str(refusal.value)
    with pytest.raises(ArchiveError, match=key_id(OLD)):
        faults(path, how)


async def test_encryption_without_any_key_is_refused_before_a_message_is_taken(path: Path) -> None:
    with pytest.raises(ArchiveError, match="there is no key to encrypt with"):
        await opened(path, Encryption(Ring))


async def test_turned_off_with_the_key_at_hand_old_contents_are_read_and_new_ones_are_plain(path: Path) -> None:
    archive = await opened(path, encryption())
    first = await keep(archive, 1, CONTENT)
    await archive.close()
    archive = await opened(path, encryption(is_on=False))
    second = await keep(archive, 2, CONTENT)
    assert [await archive.content(id_) for id_ in (first, second)] == [CONTENT, CONTENT]
    assert (await archive.encryption_state()).plain == 1
    with pytest.raises(ArchiveError, match="encryption is off"):
        await archive.encrypt_all(event_of("applied"))
    await archive.close()


TAMPERINGS = {
    "swapped": (
        "UPDATE content SET n = n + 100",
        "UPDATE content SET n = CASE n WHEN 100 THEN 1 WHEN 101 THEN 0 ELSE n - 100 END",
    ),
    "cut": ("DELETE FROM content WHERE n = 3",),
    "without the second": ("DELETE FROM content WHERE n = 1", "UPDATE content SET n = n - 1 WHERE n > 1"),
    "of another message": (
        "UPDATE content SET frame = (SELECT frame FROM content WHERE message_seq = 2 AND n = 0)"
        " WHERE message_seq = 1 AND n = 0",
    ),
    "of an earlier place": (
        "UPDATE content SET frame = (SELECT frame FROM content AS o WHERE message_seq = 1 AND o.n = 1)"
        " WHERE message_seq = 1 AND n = 2",
    ),
    "with the other's key": ("UPDATE data_key SET wrapped = (SELECT wrapped FROM data_key AS o ORDER BY owner DESC)",),
    "without its key": ("DELETE FROM data_key",),
}


@pytest.mark.parametrize("name", TAMPERINGS)
async def test_frames_that_are_not_where_they_were_do_not_open(path: Path, archive: Archive, name: str) -> None:
    first, _ = await keep(archive, 1, LARGE), await keep(archive, 2, LARGE)
    await archive.close()
    tamper(path, *TAMPERINGS[name])
    again = await opened(path, encryption(), read_only=True)
    with pytest.raises(ArchiveError):
        await again.content(first)
    with pytest.raises(ArchiveError, match="cannot be opened"):
        async for _ in again.content_chunks(first):
            pass
    await again.close()
    assert any(first in fault for fault in faults(path, encryption()))


@pytest.mark.parametrize("table", ["content", "data_key", "edit_list", "payload"])
async def test_every_change_in_an_encrypted_archive_is_found(path: Path, table: str) -> None:
    await filled(path, encryption())
    with closing(sqlite3.connect(path, isolation_level=None, factory=Connection)) as database:
        database.vault = Vault(Ring.of([OLD]))
        bench = Bench(database)
        column = {"content": "frame", "edit_list": "data", "payload": "body"}
        for row in bench.rows(table):
            where = " AND ".join(f"{name} = ?" for name in bench.key(table))
            named = [row[name] for name in bench.key(table)]
            for name in [column[table]] if table in column else row:
                for changed in changes(row[name]):
                    statement = f"UPDATE {table} SET {name} = ? WHERE {where}"
                    assert bench.finds(statement, changed, *named), (name, changed)
            assert bench.finds(f"DELETE FROM {table} WHERE {where}", *named), row
        if table == "data_key":
            # The sum shows it by itself.
            statement = "INSERT INTO data_key SELECT 'x', master, wrapped FROM data_key LIMIT 1"
            assert bench.finds(statement, of=SUMS)
            assert bench.finds("UPDATE data_key SET wrapped = wrapped || x'00' WHERE owner = ?", *named, of=SUMS)


async def test_a_deleted_content_has_no_key_any_more(path: Path, archive: Archive) -> None:
    id_, other = await keep(archive, 1, CONTENT), await keep(archive, 2, CONTENT)
    await archive.add_summaries([(id_, Summary(subject="secret"))])
    with closing(sqlite3.connect(path)) as database:
        (wrapped,) = database.execute("SELECT wrapped FROM data_key WHERE owner = ?", (id_,)).fetchone()
    (delivery,) = (await archive.message(id_)).deliveries
    cancelled = Event(new_id(), NOON, Kind.CANCELLED, "user:ann", id_, delivery.id)
    await archive.delete_content([Order(id_, Event(new_id(), NOON, Kind.DELETED, "user:ann", id_), [cancelled])])
    with pytest.raises(Gone):
        await archive.content(id_)
    assert (await archive.message(id_)).summary == Summary()
    assert await archive.content(other) == CONTENT
    await archive.close()
    assert wrapped not in files_of(path)
    assert faults(path, encryption()) == []


async def test_the_file_itself_refuses_to_let_go_of_a_key_that_is_needed(path: Path, archive: Archive) -> None:
    id_ = await keep(archive, 1, CONTENT)
    await archive.close()
    with closing(sqlite3.connect(path)) as database:
        prepare(database)
        with pytest.raises(sqlite3.IntegrityError, match="needs it"):
            database.execute("DELETE FROM data_key WHERE owner = ?", (id_,))


def event_of(what: str) -> Event:
    return Event(new_id(), NOON, Kind.ENCRYPTION_CHANGED, "command:ann", data={"what": what})


async def test_what_was_plain_gets_encrypted_and_the_archive_holds_as_before(path: Path) -> None:
    archive = await opened(path, None)
    large = await keep(archive, 9, LARGE)
    await archive.add_summaries([(large, Summary(subject="large"))])
    await fill(archive)
    before = (await archive.ledger_head()).root
    await archive.close()
    assert plain_rows(path)
    archive = await opened(path, encryption())
    assert (await archive.encryption_state()).plain == 3
    assert await archive.encrypt_all(event_of("applied"))
    await archive.encryption_settled()
    state = await archive.encryption_state()
    assert (state.plain, state.work, await archive.is_encrypting()) == (0, "", False)
    assert await archive.content(large) == LARGE
    assert (await archive.ledger_head()).root != before
    assert [event.kind for _, event in await archive.events()][-1] is Kind.ENCRYPTION_CHANGED
    await archive.close()
    assert plain_rows(path) == []
    assert faults(path, encryption()) == []


async def test_no_plain_octets_stay_in_the_file(path: Path) -> None:
    noise = WORD + os.urandom(20_000)
    archive = await opened(path, None)
    id_ = await keep(archive, 1, noise)
    await archive.close()
    assert noise[100:200] in files_of(path)
    archive = await opened(path, encryption())
    await archive.encrypt_all(event_of("applied"))
    await archive.encryption_settled()
    assert await archive.content(id_) == noise
    await archive.close()
    assert noise[100:200] not in files_of(path)
    assert WORD not in files_of(path)


async def test_rotation_wraps_all_data_keys_anew_and_nothing_else(path: Path) -> None:
    await filled(path, encryption())
    frames = kept(path)
    archive = await opened(path, encryption(NEW, OLD))
    assert set((await archive.encryption_state()).keys) == {key_id(OLD)}
    await archive.rotate_keys(event_of("rotated"))
    await archive.encryption_settled()
    assert set((await archive.encryption_state()).keys) == {key_id(NEW)}
    await archive.close()
    assert kept(path) == frames
    assert faults(path, encryption(NEW)) == []
    with pytest.raises(ArchiveError, match=key_id(NEW)):
        await opened(path, encryption(OLD))


async def test_a_running_archive_takes_a_new_key_and_refuses_a_ring_that_lacks_one(path: Path) -> None:
    ring = Ring.of([OLD])
    archive = await opened(path, Encryption(lambda: ring))
    first = await keep(archive, 1, CONTENT)
    ring = Ring.of([NEW])
    with pytest.raises(ArchiveError, match=key_id(OLD)):
        await archive.rotate_keys(event_of("rotated"))
    assert (await archive.encryption_state()).current == key_id(OLD)
    ring = Ring.of([NEW, OLD])
    await archive.rotate_keys(event_of("rotated"))
    await archive.encryption_settled()
    second = await keep(archive, 2, CONTENT)
    await archive.close()
    again = await opened(path, encryption(NEW))
    assert [await again.content(id_) for id_ in (first, second)] == [CONTENT, CONTENT]
    await again.close()


async def test_each_time_it_is_turned_on_or_off_is_a_fact_once(path: Path) -> None:
    for how in (None, encryption(), encryption(), encryption(is_on=False), None, encryption(NEW)):
        archive = await opened(path, how)
        noted = await archive.note_encryption(new_id(), NOON)
        assert not await archive.note_encryption(new_id(), NOON)
        events = [event for _, event in await archive.events()]
        assert (await archive.ledger_head()).size == len(events)
        await archive.close()
        if noted:
            assert events[-1].data["what"] == ("enabled" if how and how.is_on else "disabled")
    assert [(event.kind, event.actor, event.data) for event in events] == [
        (Kind.ENCRYPTION_CHANGED, "relay", data)
        for data in (
            {"what": "enabled", "key": key_id(OLD)},
            {"what": "disabled"},
            {"what": "enabled", "key": key_id(NEW)},
        )
    ]
    assert faults(path, encryption(NEW)) == []


def kept(path: Path) -> list[object]:
    with closing(sqlite3.connect(path)) as database:
        return database.execute("SELECT message_seq, n, frame FROM content ORDER BY 1, 2").fetchall()


async def test_a_backup_has_no_key_and_is_put_back_with_it_alone(path: Path, tmp_path: Path) -> None:
    await filled(path, encryption())
    store = Store(tmp_path / "copies")
    made = make_copy(path, store, NOON, encryption=encryption())
    assert made.faults == ()
    name = made.name
    assert not any(OLD in file.read_bytes() for file in (tmp_path / "copies").rglob("*") if file.is_file())
    with pytest.raises(ArchiveError, match=key_id(OLD)):
        await asyncio.to_thread(build, store, name, tmp_path / "first")
    built = await asyncio.to_thread(lambda: build(store, name, tmp_path / "second", encryption=encryption()))
    assert built.faults == ()
