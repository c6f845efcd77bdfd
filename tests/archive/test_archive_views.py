"""Preferences, saved views, mailings, rows for recipients, and the place of a day."""

from __future__ import annotations

from dataclasses import replace

import pytest

from relay.archive import measuring
from relay.archive.api import Archive, NotFound, User
from relay.archive.api.view import View
from relay.archive.content import stored
from relay.archive.query import Query, parse_query
from relay.archive.scoped import ScopedArchive
from relay.model.access import Scope, Share
from relay.model.delivery import State
from relay.model.event import Event, Kind
from relay.model.summary import Addressee, Summary
from tests.support.archive_values import CONTENT, NOON, SECOND, a_message, deliveries_of, make_id

DAY = 24 * 3600 * SECOND


def query(text: str) -> Query:
    return parse_query(text, now=NOON)


async def add(
    archive: Archive,
    number: int,
    subject: str,
    *,
    state: State = State.SENT,
    application: str = "shop",
    recipients: tuple[str, ...] = ("ann@example.com",),
    days: int = 0,
    tags: tuple[str, ...] = (),
) -> str:
    at = NOON + number * SECOND + days * DAY
    message = a_message(number, recipients=recipients, application=application, received_at=at, tags=tags)
    await archive.add_message(message, stored(CONTENT), deliveries_of(message, state), [])
    summary = Summary(subject=subject, senders=(Addressee("Shop", "shop@example.com"),))
    await archive.add_summaries([(message.id, summary)])
    return message.id


async def test_a_preference_is_the_users_own_and_is_taken_away_by_none(archive: Archive) -> None:
    await archive.put_preference("ann", "columns", ["to", "subject"])
    await archive.put_preference("ann", "columns", ["subject"])
    await archive.put_preference("ann", "zone", "UTC")
    assert await archive.preferences("ann") == {"columns": ["subject"], "zone": "UTC"}
    assert await archive.preferences("bob") == {}
    await archive.put_preference("ann", "zone", None)
    assert await archive.preferences("ann") == {"columns": ["subject"]}


async def test_views_are_ones_own_and_those_that_are_shared(archive: Archive) -> None:
    own = View(make_id(1), "ann", "mine", False, "status:failed", "-size", "", None)
    shared = View(make_id(2), "bob", "All of them", True, "", "", "mailings", ("subject", "date"))
    for view in (own, shared):
        await archive.put_view(view)
    assert await archive.views("ann") == [shared, own]
    assert await archive.views("eve") == [shared]
    await archive.put_view(replace(own, name="A"))
    assert [view.name for view in await archive.views("ann")] == ["A", "All of them"]
    await archive.remove_view(own.id)
    await archive.remove_view(own.id)
    assert await archive.views("ann") == [shared]


async def test_what_a_removed_user_had_is_not_found_by_the_next_of_that_name(archive: Archive) -> None:
    await archive.put_user(User("ann", "member", "", 1), Event(make_id(1, 9), 1, Kind.ACCOUNT_CHANGED, "relay"))
    await archive.put_preference("ann", "zone", "UTC")
    for number, is_shared in ((1, False), (2, True)):
        await archive.put_view(View(make_id(number), "ann", "x", is_shared, "", "", "", None))
    await archive.remove_user("ann", Event(make_id(2, 9), 2, Kind.ACCOUNT_CHANGED, "relay"))
    assert await archive.preferences("ann") == {}
    assert [(view.id, view.owner) for view in await archive.views("ann")] == [(make_id(2), "")]


async def test_messages_of_one_application_subject_and_day_are_a_mailing(archive: Archive) -> None:
    for number in range(1, 4):
        await add(archive, number, f"Invoice INV-{number}", state=State.FAILED if number == 1 else State.SENT)
    await add(archive, 4, "Invoice INV-4", application="other")
    await add(archive, 5, "Invoice INV-5", days=1)
    await add(archive, 6, "12345")
    page = await archive.mailings(Query())
    assert [(one.name, one.application, one.messages, one.is_exact) for one in page.rows] == [
        ("Invoice …", "shop", 1, True),
        ("Invoice …", "other", 1, True),
        ("Invoice …", "shop", 3, True),
    ]
    assert dict(page.rows[2].states) == {State.FAILED: 1, State.SENT: 2}
    assert page.rows[2].newest.id == make_id(3)
    mailing = page.rows[2].id
    assert (await archive.listing(make_id(1))).mailing == mailing
    assert (await archive.listing(make_id(6))).mailing is None
    assert await archive.count(query(f"mailing:{mailing}")) == 3
    assert await archive.count(query("mailing:999 OR mailing:x")) == 0
    assert (await archive.mailing(mailing, query("status:failed"))).messages == 1
    with pytest.raises(NotFound):
        await archive.mailing(mailing, query("status:held"))
    with pytest.raises(NotFound):
        await archive.mailing(99, Query())


async def test_indexing_again_counts_a_message_once_and_in_its_new_mailing(archive: Archive) -> None:
    first = await add(archive, 1, "News")
    await archive.add_summaries([(first, Summary(subject="News", senders=(Addressee("", "shop@example.com"),)))])
    assert [one.messages for one in (await archive.mailings(Query())).rows] == [1]
    await add(archive, 2, "News")
    await archive.add_summaries([(first, Summary(subject="Other"))])
    assert sorted((one.name, one.messages) for one in (await archive.mailings(Query())).rows) == [
        ("News", 1),
        ("Other", 1),
    ]


@pytest.mark.parametrize("is_dense", [True, False])
async def test_a_search_finds_its_mailings_and_counts_what_matches(
    archive: Archive, monkeypatch: pytest.MonkeyPatch, is_dense: bool
) -> None:
    if is_dense:
        monkeypatch.setattr(measuring, "DENSE", 1)
    for number in range(1, 9):
        await add(archive, number, f"Kind {'a' * (number % 2 + 2)}", state=State.FAILED if number > 6 else State.SENT)
    found = await archive.mailings(query("status:failed after:2026-01-01 before:2026-01-02"))
    assert sorted((one.name, one.messages) for one in found.rows) == [("Kind aa", 1), ("Kind aaa", 1)]
    assert (await archive.mailings(query("before:2025-01-01"))).rows == ()
    alone = await archive.mailings(query("status:failed aaa"))
    assert [(one.name, one.messages) for one in alone.rows] == [("Kind aaa", 1)]


async def test_pages_of_mailings_follow_each_other(archive: Archive) -> None:
    for number in range(1, 6):
        await add(archive, number, f"Letter {'x' * (number + 1)}")
    first = await archive.mailings(Query(), limit=3)
    second = await archive.mailings(Query(), cursor=first.next, limit=3)
    assert [one.newest.seq for one in (*first.rows, *second.rows)] == [5, 4, 3, 2, 1]
    assert second.next is None
    for wrong in ("x", "e30", "WzEsIC0xXQ"):
        with pytest.raises(ValueError, match="not a cursor"):
            await archive.mailings(Query(), cursor=wrong)
    with pytest.raises(ValueError, match="a page has"):
        await archive.mailings(Query(), limit=0)
    with pytest.raises(ValueError, match="a page has"):
        await archive.copies(Query(), limit=0)


async def test_each_recipient_has_a_row_and_the_search_is_asked_of_the_copy(archive: Archive) -> None:
    two = ("ann@example.com", "bob@example.com")
    await add(archive, 1, "One", recipients=two, state=State.QUEUED)
    await add(archive, 2, "Two", recipients=two, state=State.SENT)
    first = await archive.copies(Query(), limit=3)
    second = await archive.copies(Query(), cursor=first.next, limit=3)
    seen = [(copy.listing.subject, copy.delivery.recipient.address) for copy in (*first.rows, *second.rows)]
    assert sorted(seen) == [(subject, address) for subject in ("One", "Two") for address in two]
    assert second.next is None
    for text, expected in (
        ("recipient:bob@example.com", 2),
        ("recipient:bob", 4),
        ("status:pending", 2),
        ("status:sent recipient:ann@example.com", 1),
        ("-status:sent", 2),
        ("status:complained", 0),
        ("bounce:hard", 0),
    ):
        assert len((await archive.copies(query(text))).rows) == expected, text


async def test_whoever_has_a_scope_sees_no_more_of_a_mailing(archive: Archive) -> None:
    await add(archive, 1, "News", tags=("a",))
    await add(archive, 2, "News", tags=("b",))
    scoped = ScopedArchive(archive, Scope((Share(tags=("a",)),)))
    (mailing,) = (await scoped.mailings(Query())).rows
    assert (mailing.messages, mailing.newest.id) == (1, make_id(1))
    assert (await scoped.mailing(mailing.id, Query())).messages == 1
    assert len((await scoped.copies(Query())).rows) == 1
    cursor = await scoped.place(Query(), NOON + DAY)
    assert [row.id for row in (await scoped.search(Query(), cursor=cursor)).rows] == [make_id(1)]


async def test_the_place_of_a_moment_begins_with_what_came_before_it(archive: Archive) -> None:
    for number in range(1, 5):
        await add(archive, number, "x" * (number + 1))
    page = await archive.search(Query(), cursor=await archive.place(Query(), NOON + 2 * SECOND))
    assert [row.seq for row in page.rows] == [2, 1]
    assert page.previous is not None
