"""Every event is a leaf of the log, committed with it; paths and tiles lead to the roots that are signed."""

from __future__ import annotations

import asyncio
import sqlite3
from pathlib import Path

import pytest

from relay.archive.api import NotFound
from relay.archive.api.ledger import Stamp, StoredCheckpoint
from relay.archive.migrations.run import upgrade
from relay.archive.sums import prepare
from relay.ledger.hashing import EMPTY_ROOT, leaf_hash
from relay.ledger.leaf import Leaf, commit
from relay.ledger.tree import Frontier, append, root, verify_consistency, verify_inclusion
from relay.model.event import Event, Kind
from tests.support.archive_reports import a_payload, a_report, reported, sent
from tests.support.archive_values import NOON, new_id
from tests.support.fresh import open_archive


def paused(number: int) -> Event:
    return Event(new_id(), NOON + number, Kind.PAUSED, "user:ann", data={"number": number, "é": [1.5, True, None]})


async def grow(archive, count: int) -> None:
    await archive.add_events([paused(number) for number in range(count)])


async def test_an_empty_log_has_the_empty_root(archive):
    head = await archive.ledger_head()
    assert (head.size, head.root) == (0, EMPTY_ROOT)
    assert await archive.latest_checkpoint() is None


async def test_each_event_is_a_leaf_in_the_order_of_the_journal(archive):
    for count in (1, 3, 300):
        await grow(archive, count)
    events = await archive.events()
    leaves = await archive.leaves_at(range(len(events)))
    assert [Leaf.parse(leaf.entry).event for leaf in leaves] == [event.id for _, event in events]
    assert [leaf.index + 1 for leaf in leaves] == [seq for seq, _ in events]
    assert len({leaf.salt for leaf in leaves}) == len(leaves)
    frontier, _ = append(Frontier(), [leaf_hash(leaf.entry) for leaf in leaves])
    head = await archive.ledger_head()
    assert (head.size, head.root) == (len(events), root(frontier))


async def test_a_commitment_opens_to_all_that_an_event_is_about(archive):
    message, (jane,) = await sent(archive, 1, provider_id="p")
    payload = a_payload(1)
    await reported(archive, payload, a_report(payload, key="e", provider_id="p"))
    leaves = await archive.leaves_of(message.id)
    for leaf in leaves:
        assert Leaf.parse(leaf.entry).commitment == commit(leaf.salt, leaf.opening)
    openings = {Leaf.parse(leaf.entry).kind: leaf.opening for leaf in leaves}
    assert openings["captured"]["message"]["sha256"] == message.sha256.hex()
    assert openings["sent"]["attempt"]["reply"]["code"] == 250
    assert openings["sent"]["recipient"] == jane.recipient.address
    assert openings["delivered"]["payload"]["size"] == len(payload.body)


async def test_the_same_events_again_add_no_leaf(archive):
    events = [paused(1), paused(2)]
    await archive.add_events(events)
    await archive.add_events([*events, events[0]])
    assert (await archive.ledger_head()).size == 2


async def test_paths_of_every_leaf_and_every_older_size_hold(archive):
    sizes = (1, 2, 7, 255, 256, 257, 600)
    for old, new in zip((0, *sizes), sizes, strict=False):
        await grow(archive, new - old)
    roots = {size: await archive.ledger_root(size) for size in sizes}
    leaves = await archive.leaves_at(range(600))
    for size in sizes:
        paths = await archive.inclusion(range(size), size)
        for leaf, path in zip(leaves[:size], paths, strict=True):
            verify_inclusion(leaf_hash(leaf.entry), leaf.index, size, path, roots[size])
        verify_consistency(size, 600, roots[size], roots[600], await archive.consistency(size, 600))


async def test_tiles_have_the_hashes_of_leaves_and_of_whole_tiles(archive):
    await grow(archive, 600)
    leaves = await archive.leaves_at(range(600))
    assert await archive.tile(0, 1, 256) == b"".join(leaf_hash(leaf.entry) for leaf in leaves[256:512])
    assert await archive.tile(0, 2, 88) == b"".join(leaf_hash(leaf.entry) for leaf in leaves[512:])
    assert await archive.tile(1, 0, 2) == await archive.ledger_root(256) + root(
        append(Frontier(), [leaf_hash(leaf.entry) for leaf in leaves[256:512]])[0]
    )
    assert await archive.ledger_entries(598, 2) == [leaf.entry for leaf in leaves[598:]]


async def test_what_the_log_does_not_reach_is_not_found(archive):
    await grow(archive, 3)
    for question in (
        archive.ledger_root(4),
        archive.inclusion([3], 3),
        archive.inclusion([0], 4),
        archive.consistency(3, 4),
        archive.leaves_at([3]),
        archive.tile(0, 0, 4),
        archive.tile(1, 0, 1),
        archive.ledger_entries(2, 2),
    ):
        with pytest.raises(NotFound):
            await question


async def test_checkpoints_and_stamps_are_kept_and_only_cosignatures_come_later(archive):
    await grow(archive, 5)
    event = paused(9)
    await archive.add_checkpoint(StoredCheckpoint(5, NOON, "note\n"), event)
    await archive.add_checkpoint(StoredCheckpoint(5, NOON + 1, "note\ncosigned\n"), event)
    await archive.add_checkpoint(StoredCheckpoint(6, NOON + 2, "other\n"))
    assert await archive.checkpoints() == [
        StoredCheckpoint(5, NOON, "note\ncosigned\n"),
        StoredCheckpoint(6, NOON + 2, "other\n"),
    ]
    assert await archive.checkpoints(after=5, limit=1) == [await archive.latest_checkpoint()]
    stamp = Stamp(5, "tsa", NOON, "note\n", b"der", b"pem")
    await archive.add_stamp(stamp, paused(10))
    await archive.add_stamp(Stamp(5, "tsa", NOON, "note\n", b"other"))
    assert await archive.stamps() == [stamp]
    assert (await archive.ledger_head()).size == 7


async def test_nothing_of_the_log_is_changed_but_a_salt_taken_away(archive, url):
    await grow(archive, 300)
    await archive.add_checkpoint(StoredCheckpoint(300, NOON, "note\n"))
    await archive.add_stamp(Stamp(300, "tsa", NOON, "note\n", b"der"))
    await archive.close()
    database = sqlite3.connect(url.removeprefix("sqlite:///"), isolation_level=None)
    prepare(database)
    for statement in (
        "UPDATE leaf SET hash = x'00' WHERE seq = 1",
        "UPDATE leaf SET commitment = x'00' WHERE seq = 1",
        "UPDATE leaf SET salt = x'00' WHERE seq = 1",
        "DELETE FROM leaf WHERE seq = 300",
        "UPDATE node SET hash = x'00'",
        "DELETE FROM node",
        "DELETE FROM tree",
        "DELETE FROM checkpoint",
        "UPDATE checkpoint SET size = 2",
        "UPDATE stamp SET response = x'00'",
        "DELETE FROM stamp",
    ):
        with pytest.raises(sqlite3.IntegrityError):
            database.execute(statement)
    database.execute("UPDATE leaf SET salt = NULL WHERE seq = 1")
    database.close()
    again = await open_archive(url)
    (erased, kept) = await again.leaves_at([0, 1])
    assert (erased.salt, erased.opening) == (None, None)
    assert kept.opening is not None
    verify_inclusion(
        leaf_hash(erased.entry), 0, 300, (await again.inclusion([0], 300))[0], await again.ledger_root(300)
    )
    await again.close()


async def test_many_who_write_at_once_make_one_log(archive):
    await asyncio.gather(*(archive.add_events([paused(number)]) for number in range(500)))
    head = await archive.ledger_head()
    leaves = await archive.leaves_at(range(500))
    assert (head.size, head.root) == (500, root(append(Frontier(), [leaf_hash(leaf.entry) for leaf in leaves])[0]))


async def test_an_archive_from_before_there_was_a_log_gets_its_leaves(archive, url):
    await sent(archive, 1, provider_id="p")
    await grow(archive, 2500)
    await archive.close()
    path = Path(url.removeprefix("sqlite:///"))
    _as_of_0015(path)
    again = await open_archive(url)
    events = await again.events(limit=10_000)
    leaves = await again.leaves_at(range(len(events)))
    assert (await again.ledger_head()).size == len(events)
    for leaf in leaves:
        assert leaf.salt
        assert leaf.opening
        assert Leaf.parse(leaf.entry).commitment == commit(leaf.salt, leaf.opening)
    await again.close()


def _as_of_0015(path: Path) -> None:
    """Puts in place of the archive one with the same rows, made before there was a log."""
    new = path.rename(path.with_name("new.db"))
    database = sqlite3.connect(path, isolation_level=None)
    upgrade(database, "0015")
    tables = "SELECT name FROM sqlite_master WHERE type = 'table' AND sql NOT LIKE 'CREATE VIRTUAL%'"
    names = [name for (name,) in database.execute(f"{tables} AND name NOT GLOB 'full_text*'").fetchall()]
    database.execute("ATTACH ? AS new", (str(new),))
    for name in names:
        if name == "alembic_version":
            continue
        columns = ", ".join(column for _, column, *_ in database.execute(f"PRAGMA table_info({name})"))
        database.execute(f"DELETE FROM {name}")
        database.execute(f"INSERT INTO {name} ({columns}) SELECT {columns} FROM new.{name}")
    database.close()
