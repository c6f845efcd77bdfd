"""Messages read whole, many at one moment: each as it is read alone, its content, and where its first fact is."""

from __future__ import annotations

from pathlib import Path

import pytest

from relay.archive.api import Archive, ArchiveError, Gone
from relay.archive.api.encryption import Encryption
from relay.archive.content import stored
from relay.archive.query import Query, parse_query
from relay.archive.scoped import ScopedArchive
from relay.model.access import Scope, Share
from relay.model.summary import Summary
from tests.support.archive_values import CONTENT, NOON, a_message, captured_event, deliveries_of, make_id
from tests.support.audited import fill, tamper
from tests.support.encrypted import encryption
from tests.support.fresh import open_archive

LARGE = bytes(range(256)) * 300
"""More octets than are asked for below."""
MOST = 64 * 1024


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "data" / "archive.db"


async def filled(path: Path, how: Encryption | None) -> Archive:
    """Sent, waiting and deleted; a large one; one resent from another, not indexed; one without a fact in the log."""
    archive = await open_archive(f"sqlite:///{path}", encryption=how)
    await fill(archive)
    await archive.change_tags([make_id(1)], ["Asked"], [], [])
    await keep(archive, 4, LARGE)
    await keep(archive, 5, b"", parent_id=make_id(1), recipients=("a@example.com", "b@example.com"))
    message = a_message(6)
    await archive.add_message(message, stored(CONTENT), deliveries_of(message), [])
    for number in (1, 2, 4):
        await archive.add_summaries([(make_id(number), Summary(subject=f"letter {number}", tags=("own",)))])
    return archive


async def keep(archive: Archive, number: int, content: bytes, **facts: object) -> None:
    ready = stored(content)
    message = a_message(number, content=ready, **facts)  # type: ignore[arg-type]
    await archive.add_message(message, ready, deliveries_of(message), [captured_event(message)])


IDS = [make_id(number) for number in range(1, 7)]


@pytest.mark.parametrize("how", [None, encryption()], ids=["plain", "encrypted"])
async def test_each_is_as_it_is_read_alone(path: Path, how: Encryption | None) -> None:
    archive = await filled(path, how)
    found = await archive.whole([*reversed(IDS), make_id(99)], MOST)
    assert [one.stored for one in found] == [await archive.message(id_) for id_ in IDS]
    first, second, third, fourth, fifth, sixth = found
    assert first.stored.attempts[0].edits
    assert first.stored.children == (fifth.stored.message.id,)
    assert {"own", "Asked"} <= set(first.stored.tags)
    assert third.stored.deletion is not None
    for one in (first, second, fifth, sixth):
        assert one.content == await archive.content(one.stored.message.id)
    assert (fifth.content, sixth.content) == (b"", CONTENT)
    assert third.content is fourth.content is None
    with pytest.raises(Gone):
        await archive.content(third.stored.message.id)
    for one in found[:5]:
        ((seq, _),) = await archive.events(message_id=one.stored.message.id, limit=1)
        assert one.leaf == seq - 1
    assert sixth.leaf is None
    assert await archive.whole([], MOST) == []
    await archive.close()


async def test_a_content_that_was_changed_is_not_handed_over(path: Path) -> None:
    archive = await filled(path, None)
    await archive.close()
    tamper(path, "UPDATE content SET frame = (SELECT frame FROM content WHERE message_seq = 4) WHERE message_seq = 2")
    again = await open_archive(f"sqlite:///{path}", read_only=True)
    assert len(await again.whole(IDS[:1], MOST)) == 1
    with pytest.raises(ArchiveError, match="does not have its recorded SHA-256"):
        await again.whole(IDS, MOST)
    await again.close()


async def test_numbers_come_in_order_above_one_up_to_another_and_as_many_as_asked_for(path: Path) -> None:
    archive = await filled(path, None)
    named = [(number, make_id(number)) for number in range(1, 7)]
    assert await archive.captured(Query(), after=0, until=6, limit=10) == named
    assert await archive.captured(Query(), after=1, until=4, limit=10) == named[1:4]
    assert await archive.captured(Query(), after=1, until=6, limit=2) == named[1:3]
    assert await archive.captured(parse_query("letter", now=NOON), after=1, until=6, limit=9) == [named[1], named[3]]
    assert await archive.captured(Query(), after=6, until=6, limit=10) == []
    await archive.close()


async def test_within_a_scope_only_what_is_in_it_is_handed_over(path: Path) -> None:
    archive = await filled(path, None)
    await keep(archive, 7, CONTENT, application="crm", parent_id=make_id(1))
    await keep(archive, 8, CONTENT, parent_id=make_id(7))
    scoped = ScopedArchive(archive, Scope((Share(applications=("shop",)),)))
    ids = [*IDS, make_id(7), make_id(8)]
    found = await scoped.whole(ids, MOST)
    assert [one.stored.message.id for one in found] == [id_ for id_ in ids if id_ != make_id(7)]
    assert [one.stored for one in found] == [await scoped.message(one.stored.message.id) for one in found]
    assert found[0].stored.children == (make_id(5),)
    assert found[-1].stored.message.parent_id is None
    assert found[-1].content == CONTENT
    assert make_id(7) not in dict(await scoped.captured(Query(), after=0, until=9, limit=9)).values()
    await archive.close()
