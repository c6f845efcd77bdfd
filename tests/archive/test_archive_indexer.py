from __future__ import annotations

import asyncio

import pytest

from relay.archive.api import Archive
from relay.archive.content import stored
from relay.archive.indexer import Indexer
from relay.archive.query import Query, parse_query
from relay.model.deletion import Fate, Order
from relay.model.event import Event, Kind
from relay.model.summary import Summary
from tests.support.archive_values import NOON, a_message, deliveries_of, new_id


async def keep(archive: Archive, number: int, octets: bytes = b"text") -> None:
    content = stored(octets)
    message = a_message(number, content=content)
    await archive.add_message(message, content, deliveries_of(message), [])


async def extract(content: bytes) -> Summary:
    return Summary(subject=content.decode("ascii"))


async def indexed(archive: Archive, upto: int) -> None:
    """Returns when all messages up to the number are indexed."""
    async with asyncio.timeout(20):
        changes = archive.changes()
        while (await archive.health()).indexed_seq < upto:
            await anext(changes)


async def subjects(archive: Archive) -> list[str]:
    page = await archive.search(Query(), limit=1000)
    return [row.subject for row in reversed(page.rows)]


async def test_it_catches_up_after_a_start_and_then_follows(archive):
    for number in range(1, 121):
        await keep(archive, number, b"old %d" % number)
    indexer = Indexer(archive, extract)
    await indexer.start()
    await indexed(archive, 120)
    await keep(archive, 121, b"new")
    await indexed(archive, 121)
    await indexer.stop()
    assert await subjects(archive) == [*(f"old {number}" for number in range(1, 121)), "new"]
    assert await archive.count(parse_query("old", now=NOON)) == 120


async def test_a_message_that_extract_fails_on_is_listed_with_the_reason(archive):
    async def fail(content: bytes) -> Summary:
        if content == b"bad":
            raise RuntimeError("broken \udcff beyond words")
        return await extract(content)

    for number, octets in enumerate((b"one", b"bad", b"three"), 1):
        await keep(archive, number, octets)
    indexer = Indexer(archive, fail)
    await indexer.start()
    await indexed(archive, 3)
    await indexer.stop()
    assert await subjects(archive) == ["one", "", "three"]
    summary = (await archive.message(a_message(2).id)).summary
    assert summary is not None
    assert "RuntimeError: broken ? beyond words" in summary.defects[0]
    assert await archive.count(parse_query("recipient:jane", now=NOON)) == 3


async def test_a_summary_that_cannot_be_stored_stops_nobody(archive):
    async def surrogate(content: bytes) -> Summary:
        return Summary(subject="\udc80" if content == b"bad" else content.decode())

    for number, octets in enumerate((b"one", b"bad", b"three"), 1):
        await keep(archive, number, octets)
    indexer = Indexer(archive, surrogate)
    await indexer.start()
    await indexed(archive, 3)
    await indexer.stop()
    assert await subjects(archive) == ["one", "", "three"]
    summary = (await archive.message(a_message(2).id)).summary
    assert summary is not None
    assert summary.defects[0].startswith("not stored: ")


async def test_a_message_that_takes_too_long_is_listed_too(archive):
    async def hang(content: bytes) -> Summary:
        await asyncio.Event().wait()
        return Summary()

    await keep(archive, 1)
    indexer = Indexer(archive, hang, timeout=0.05)
    await indexer.start()
    await indexed(archive, 1)
    await indexer.stop()
    summary = (await archive.message(a_message(1).id)).summary
    assert summary == Summary(defects=("not read: took more than 0.05 seconds",))


async def test_stopping_in_the_middle_leaves_the_rest_for_the_next_start(archive):
    reached = asyncio.Event()

    async def stall(content: bytes) -> Summary:
        reached.set()
        await asyncio.Event().wait()
        return Summary()

    await keep(archive, 1, b"later")
    first = Indexer(archive, stall)
    await first.stop()
    await first.start()
    await reached.wait()
    await first.stop()
    assert await subjects(archive) == [""]
    second = Indexer(archive, extract)
    await second.start()
    await indexed(archive, 1)
    await second.stop()
    assert await subjects(archive) == ["later"]


async def test_captures_go_before_index_work(archive):
    """Messages and summaries handed in together: every message is kept before the last summary is."""
    await keep(archive, 1)
    large = Summary(body_text="word " * 50_000)
    done: list[str] = []

    async def note(name: str, write) -> None:
        await write
        done.append(name)

    await asyncio.gather(
        *(note("index", archive.add_summaries([(a_message(1).id, large)])) for _ in range(5)),
        *(note("capture", keep(archive, number)) for number in range(2, 12)),
    )
    assert done.count("index") == 5
    assert done.index("index") >= 0
    assert done[-1] == "index"
    assert "capture" in done[:10]


@pytest.mark.parametrize("kind", ["captured", "indexed", "delivery"])
async def test_changes_tell_what_was_committed(archive, kind: str):
    changes = archive.changes()
    await keep(archive, 1)
    await archive.add_summaries([(a_message(1).id, Summary())])
    await archive.add_deliveries([], [])
    await archive.claim("me", NOON * 2, NOON * 3, 1)
    await archive.release(deliveries_of(a_message(1)))
    found = [await anext(changes) for _ in range(3)]
    assert [change.kind for change in found] == ["captured", "indexed", "delivery"]
    assert {(change.message_id, change.seq) for change in found} == {(a_message(1).id, 1)}
    assert kind in {change.kind for change in found}


async def test_a_slow_reader_of_changes_misses_the_oldest_only(archive):
    changes = archive.changes()
    await asyncio.gather(*(keep(archive, number) for number in range(1, 1101)))
    first = await anext(changes)
    assert first.seq == 101


async def test_changes_end_when_the_archive_closes(url: str):
    from tests.support.fresh import open_archive

    archive = await open_archive(url)
    changes = archive.changes()
    waiting = asyncio.ensure_future(anext(changes, None))
    await archive.close()
    assert await waiting is None
    assert await anext(archive.changes(), None) is None


async def test_all_messages_are_read_again_behind_new_ones_and_after_a_stop(archive):
    for number in range(1, 61):
        await keep(archive, number, b"text %d" % number)
    first = Indexer(archive, extract)
    while await first.index_some():
        pass
    assert await archive.reindex(False) == 60

    async def anew(content: bytes) -> Summary:
        return Summary(subject=content.decode("ascii").upper())

    again = Indexer(archive, anew)
    assert await again.index_some() == 50
    assert (now := await archive.rereading()) is not None
    assert (now.next, now.until, now.left) == (51, 60, 10)
    await keep(archive, 61, b"new")
    # The new one first; then another indexer goes on where this one was stopped.
    assert await again.index_some() == 1
    later = Indexer(archive, anew)
    assert await archive.reindex(False) == 10
    assert await later.index_some() == 10
    assert await later.index_some() == 0
    assert await archive.rereading() is None
    assert await subjects(archive) == [*(f"TEXT {number}" for number in range(1, 61)), "NEW"]
    assert await archive.count(parse_query("text", now=NOON)) == 60


async def test_what_is_read_again_begins_anew_on_wish_and_passes_deleted_messages_over(archive):
    assert await archive.reindex(False) == 0
    assert await archive.rereading() is None
    for number in range(1, 4):
        await keep(archive, number)
    indexer = Indexer(archive, extract)
    while await indexer.index_some():
        pass
    await archive.reindex(False)
    await archive.reread(2)
    assert await archive.reindex(True) == 3
    message_id = (await archive.search(Query(), limit=1)).rows[0].id
    (waiting,) = (await archive.message(message_id)).deliveries
    event = Event(new_id(), NOON, Kind.DELETED, "user:ann", message_id, data={"reason": "asked for"})
    cancelled = Event(new_id(), NOON, Kind.CANCELLED, "user:ann", message_id, waiting.id)
    (outcome,) = await archive.delete_content([Order(message_id, event, (cancelled,))])
    assert outcome.fate is Fate.DELETED
    await archive.reread(2)
    assert await indexer.index_some() == 0
    assert await archive.rereading() is None
