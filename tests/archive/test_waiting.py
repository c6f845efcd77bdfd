"""What waits: listed oldest first page by page, chosen by what it waits for, counted by lane, upstream and state."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from relay.archive.api import Archive
from relay.archive.api.waiting import WaitingFilter
from relay.archive.content import stored
from relay.archive.query import parse_query
from relay.model.bounce import BounceClass
from relay.model.delivery import State
from relay.model.event import Grade
from relay.rendition.extract import extract
from tests.support.archive_values import CONTENT, NOON, SECOND, a_message, captured_event, deliveries_of


async def add(archive: Archive, number: int, state: State, *, application: str = "shop", **changes: Any) -> str:
    """A message with one delivery in that state; the delivery's id."""
    recipients = (f"jane{number}@{'Example.com' if number % 2 else 'example.net'}",)
    message = a_message(number, recipients=recipients, application=application)
    (delivery,) = deliveries_of(message, state)
    await archive.add_message(message, stored(CONTENT), [replace(delivery, **changes)], [captured_event(message)])
    return delivery.id


async def every(archive: Archive, wanted: WaitingFilter = WaitingFilter(), limit: int = 3) -> list[str]:
    """The ids on all pages."""
    found: list[str] = []
    cursor: str | None = None
    while True:
        page = await archive.waiting(wanted, cursor=cursor, limit=limit)
        assert len(page.rows) <= limit
        found += [row.delivery.id for row in page.rows]
        cursor = page.next
        if cursor is None:
            return found


async def test_what_waits_is_listed_in_the_order_of_capture_whatever_its_state(archive: Archive) -> None:
    cycle = (State.DEFERRED, State.QUEUED, State.SENT, State.HELD, State.UNCONFIRMED, State.FAILED, State.CAPTURED)
    ids = [await add(archive, number, cycle[number % len(cycle)]) for number in range(1, 15)]
    waits = [
        one for number, one in enumerate(ids, 1) if cycle[number % len(cycle)] not in (cycle[2], cycle[5], cycle[6])
    ]
    assert await every(archive) == waits
    assert await every(archive, limit=100) == waits
    assert await archive.waiting_count(WaitingFilter()) == len(waits)
    assert await archive.waiting_count(WaitingFilter(), at_most=2) == 2


async def test_the_queue_is_chosen_from_by_what_a_delivery_waits_for(archive: Archive) -> None:
    first = await add(archive, 1, State.QUEUED, lane="default", upstream="ses")
    second = await add(archive, 2, State.HELD, application="staging")
    third = await add(archive, 3, State.DEFERRED, lane="bulk", upstream="ses", wanted_upstream="spare")
    assert await every(archive, WaitingFilter(states=(State.HELD,))) == [second]
    assert await every(archive, WaitingFilter(lane="bulk")) == [third]
    assert await every(archive, WaitingFilter(upstream="ses")) == [first]
    assert await every(archive, WaitingFilter(upstream="spare")) == [third]
    assert await every(archive, WaitingFilter(application="staging")) == [second]
    assert await every(archive, WaitingFilter(domain="EXAMPLE.com")) == [first, third]
    assert await every(archive, WaitingFilter(domain="xample.com")) == []
    assert await archive.waiting_count(WaitingFilter(domain="example.com", states=(State.DEFERRED,))) == 1


async def test_a_search_of_messages_chooses_from_the_queue_too(archive: Archive) -> None:
    first = await add(archive, 1, State.QUEUED)
    await add(archive, 2, State.QUEUED, application="other")
    message = a_message(1)
    await archive.add_summaries([(message.id, extract(CONTENT))])
    wanted = WaitingFilter(query=parse_query("subject:hello application:shop", now=NOON))
    assert await every(archive, wanted) == [first]
    assert await archive.waiting_count(wanted) == 1
    (row,) = (await archive.waiting(wanted)).rows
    assert (row.subject, row.application, row.sender) == ("hello", "shop", "shop@example.com")


async def test_what_waits_is_counted_by_lane_upstream_and_state(archive: Archive) -> None:
    await add(archive, 1, State.QUEUED)
    for number in (2, 3):
        await add(archive, number, State.DEFERRED, lane="bulk", upstream="ses", due_at=NOON + 99 * SECOND * number)
    await add(archive, 4, State.SENT, lane="bulk", upstream="ses")
    unseen, deferred = await archive.waiting_groups()
    assert (unseen.lane, unseen.upstream, unseen.state, unseen.count) == ("", "", State.QUEUED, 1)
    assert (deferred.lane, deferred.upstream, deferred.state, deferred.count) == ("bulk", "ses", State.DEFERRED, 2)
    assert (deferred.oldest, deferred.next_due) == (NOON + 2 * SECOND, NOON + 198 * SECOND)


async def test_chosen_deliveries_are_found_again_while_they_wait(archive: Archive) -> None:
    first, second = await add(archive, 1, State.QUEUED), await add(archive, 2, State.HELD)
    sent = await add(archive, 3, State.SENT)
    found = await archive.waiting_of([second, sent, "unknown", first, second])
    assert [row.delivery.id for row in found] == [second, first]


@pytest.mark.parametrize("cursor", ["", "x", "W10", "Wy0xLDJd", "é", "W1sxXSwyXQ", "W3RydWUsMV0"])
async def test_what_is_no_cursor_is_refused(archive: Archive, cursor: str) -> None:
    with pytest.raises(ValueError, match="cursor"):
        await archive.waiting(WaitingFilter(), cursor=cursor)


async def test_a_page_has_one_to_a_thousand_rows(archive: Archive) -> None:
    for limit in (0, 1001):
        with pytest.raises(ValueError, match="1 to 1000"):
            await archive.waiting(WaitingFilter(), limit=limit)


async def test_what_was_reported_is_found_and_listed_with_its_source(archive: Archive) -> None:
    hard = {"bounce": BounceClass.HARD, "grade": Grade.SIGNED, "source": "webhook:ses"}
    await add(archive, 1, State.BOUNCED, **hard)
    await add(archive, 2, State.BOUNCED, bounce=BounceClass.SOFT, grade=Grade.UNSIGNED, source="bounce")
    await add(archive, 3, State.DELIVERED, grade=Grade.SIGNED, source="webhook:ses", complained_at=NOON)
    await add(archive, 4, State.SENT, unsubscribed_at=NOON)
    found = {
        text: [row.seq for row in (await archive.search(parse_query(text, now=NOON))).rows]
        for text in ("bounce:hard", "status:bounced", "status:complained", "status:unsubscribed", "-status:complained")
    }
    assert list(found.values()) == [[1], [2, 1], [3], [4], [4, 2, 1]]
    (row,) = (await archive.search(parse_query("status:complained", now=NOON))).rows
    assert (row.complained, row.unsubscribed) == (1, 0)
    (told,) = row.reports
    assert (told.state, told.bounce, told.grade, told.source, told.count) == (
        State.DELIVERED,
        None,
        Grade.SIGNED,
        "webhook:ses",
        1,
    )
