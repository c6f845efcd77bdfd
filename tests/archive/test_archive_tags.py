from __future__ import annotations

import pytest

from relay.archive.api import Archive, NotFound
from relay.archive.content import stored
from relay.archive.query import parse_query
from relay.model.event import Event, Kind
from relay.model.message import Message
from relay.model.summary import Summary
from tests.support.archive_values import CONTENT, NOON, a_message, captured_event, deliveries_of, new_id


async def keep(archive: Archive, number: int, tags: tuple[str, ...] = (), *, is_indexed: bool = True) -> Message:
    message = a_message(number, tags=tags)
    await archive.add_message(message, stored(CONTENT), deliveries_of(message), [captured_event(message)])
    if is_indexed:
        await archive.add_summaries([(message.id, Summary(tags=("Invoice",)))])
    return message


def tagged(*messages: Message) -> list[Event]:
    return [Event(new_id(), NOON, Kind.TAGGED, "user:anna", message.id) for message in messages]


async def found(archive: Archive, query: str) -> list[str]:
    return [row.id for row in (await archive.search(parse_query(query, now=NOON))).rows]


async def test_tags_are_put_on_and_taken_off_and_found(archive: Archive):
    message, other = await keep(archive, 1), await keep(archive, 2)
    assert await archive.change_tags([message.id], ["VIP"], ["invoice"], tagged(message)) == [message.id]
    assert (await archive.message(message.id)).tags == ("VIP",)
    assert await found(archive, "tag:vip") == [message.id]
    assert await found(archive, "tag:invoice") == [other.id]
    assert [event.kind for _, event in await archive.events(message_id=message.id)] == [Kind.CAPTURED, Kind.TAGGED]


async def test_they_stay_when_the_message_is_indexed_anew(archive: Archive):
    message = await keep(archive, 1, tags=("shop",))
    await archive.change_tags([message.id], ["vip"], ["invoice"], tagged(message))
    await archive.add_summaries([(message.id, Summary(tags=("Invoice",)))])
    assert (await archive.listing(message.id)).tags == ("shop", "vip")
    assert await found(archive, "tag:invoice") == []


async def test_a_change_of_what_is_so_already_is_none_and_leaves_no_event(archive: Archive):
    message = await keep(archive, 1)
    assert await archive.change_tags([message.id], ["INVOICE"], ["vip"], tagged(message)) == []
    assert len(await archive.events(message_id=message.id)) == 1


async def test_a_tag_taken_off_can_be_put_on_again(archive: Archive):
    message = await keep(archive, 1)
    await archive.change_tags([message.id], [], ["invoice"], tagged(message))
    await archive.change_tags([message.id], ["Invoice"], [], tagged(message))
    await archive.add_summaries([(message.id, Summary(tags=("Invoice",)))])
    assert (await archive.listing(message.id)).tags == ("Invoice",)


async def test_a_message_that_is_not_indexed_yet_keeps_them_for_then(archive: Archive):
    message = await keep(archive, 1, is_indexed=False)
    assert await archive.change_tags([message.id], ["vip"], ["invoice"], tagged(message)) == [message.id]
    await archive.add_summaries([(message.id, Summary(tags=("Invoice",)))])
    assert (await archive.listing(message.id)).tags == ("vip",)


async def test_many_messages_are_changed_in_one_commit_and_an_unknown_one_stops_it(archive: Archive):
    first, second = await keep(archive, 1), await keep(archive, 2)
    changed = await archive.change_tags([first.id, second.id], ["vip"], [], tagged(first, second))
    assert changed == [first.id, second.id]
    with pytest.raises(NotFound):
        await archive.change_tags([first.id, new_id()], ["more"], [], [])
    assert (await archive.message(first.id)).tags == ("Invoice", "vip")
