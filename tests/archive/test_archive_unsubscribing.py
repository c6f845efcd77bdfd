"""Unsubscribing in the archive: the fact, the mark on the delivery and the entry on the list are one commit."""

from __future__ import annotations

from dataclasses import replace

import pytest

from relay.archive.api import Archive, NotFound
from relay.archive.api.suppression import Selection, Unsubscribing
from relay.model.event import Kind
from relay.model.fetch import Fetch, Verdict
from relay.model.suppressing import NO_RULES
from relay.model.suppression import Cause, removed_event
from tests.support.archive_values import NOON, make_id
from tests.support.tracked_copy import TrackedCopy, tracked_copy

ON_UNSUBSCRIBE = replace(NO_RULES, on_unsubscribe=True)


def a_fetch(copy: TrackedCopy, number: int, method: str = "POST") -> Fetch:
    return Fetch(make_id(number, 9000), copy.leave, NOON + number, method, "", "", Verdict.HUMAN, "asked", 1)


async def test_who_looked_at_the_page_before_unsubscribes_all_the_same(archive: Archive) -> None:
    copy = await tracked_copy(archive)
    await archive.add_fetches([a_fetch(copy, 1, "GET")])
    await archive.add_fetches([a_fetch(copy, 2), a_fetch(copy, 3)])
    kinds = [event.kind for _, event in await archive.events(message_id=copy.message_id)]
    assert kinds == [Kind.CLICKED, Kind.UNSUBSCRIBED]
    [delivery] = (await archive.message(copy.message_id)).deliveries
    assert (delivery.id, delivery.unsubscribed_at) == (copy.delivery_id, a_fetch(copy, 2).at)
    assert (await archive.suppressions(Selection(NOON))).entries == ()


async def test_by_rule_who_unsubscribes_is_put_on_the_list_in_the_same_commit(archive: Archive) -> None:
    copy = await tracked_copy(archive)
    await archive.add_fetches([a_fetch(copy, 1)], ON_UNSUBSCRIBE)
    await archive.add_fetches([a_fetch(copy, 1)], ON_UNSUBSCRIBE)
    [entry] = (await archive.suppressions(Selection(NOON))).entries
    assert (entry.address, entry.application, entry.cause) == ("jane@example.com", "shop", Cause.UNSUBSCRIBE)
    assert (entry.message_id, entry.delivery_id, entry.created_by) == (copy.message_id, copy.delivery_id, "recipient")
    kinds = [event.kind for _, event in await archive.events(message_id=copy.message_id)]
    assert kinds == [Kind.UNSUBSCRIBED, Kind.SUPPRESSION_ADDED]


async def test_who_was_put_back_and_unsubscribes_again_is_on_the_list_again(archive: Archive) -> None:
    copy = await tracked_copy(archive)
    await archive.add_fetches([a_fetch(copy, 1)], ON_UNSUBSCRIBE)
    [entry] = (await archive.suppressions(Selection(NOON))).entries
    gone = removed_event(entry, event_id=make_id(9, 1), at=NOON, actor="user:admin", reason="asked")
    await archive.remove_suppressions([entry.id], [gone])
    await archive.add_fetches([a_fetch(copy, 1)], ON_UNSUBSCRIBE)
    assert (await archive.suppressions(Selection(NOON))).entries == ()
    await archive.add_fetches([a_fetch(copy, 2)], ON_UNSUBSCRIBE)
    [entry] = (await archive.suppressions(Selection(NOON))).entries
    kinds = [event.kind for _, event in await archive.events(message_id=copy.message_id)]
    assert kinds.count(Kind.UNSUBSCRIBED) == 1
    assert kinds[-1] is Kind.SUPPRESSION_ADDED


async def test_the_page_is_told_sender_recipient_and_whether_it_is_done(archive: Archive) -> None:
    copy = await tracked_copy(archive)
    before = await archive.unsubscribing(copy.delivery_id, NOON)
    assert before == Unsubscribing("shop@example.com", "jane@example.com", False)
    await archive.add_fetches([a_fetch(copy, 1)], ON_UNSUBSCRIBE)
    assert (await archive.unsubscribing(copy.delivery_id, NOON)).is_done
    with pytest.raises(NotFound):
        await archive.unsubscribing(make_id(1234), NOON)
