from __future__ import annotations

import asyncio

import pytest

from relay.archive.api import Archive, NotFound, OutOfReach, Sort
from relay.archive.api.suppression import Selection
from relay.archive.api.waiting import WaitingFilter
from relay.archive.content import stored
from relay.archive.query import And, Not, Query, Term, Within, format_query, parse_query
from relay.archive.scoped import ScopedArchive
from relay.archive.scoping import applications_within, is_from, may_write, within
from relay.model.access import EVERYTHING, NOTHING, Scope, Share
from relay.model.delivery import State
from relay.model.event import Event, Kind
from relay.model.summary import Addressee, Summary
from relay.model.suppression import Cause, Suppressed
from tests.support.archive_values import CONTENT, NOON, a_message, captured_event, deliveries_of, make_id

SHOP = Scope((Share(applications=("shop",)),))


async def put(archive, number, *, author="", indexed=True, **facts):
    message = a_message(number, **facts)
    await archive.add_message(message, stored(CONTENT), deliveries_of(message), [captured_event(message)])
    if indexed:
        senders = (Addressee("", author),) if author else ()
        await archive.add_summaries([(message.id, Summary(subject="hello", senders=senders, body_text="marker"))])
    return message


async def numbers(archive, scope, query=Query()):
    page = await archive.search(within(query, scope))
    return sorted(row.seq for row in page.rows)


# -- which messages are within a scope -------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("scope", "expected"),
    [
        (EVERYTHING, [1, 2, 3, 4]),
        (NOTHING, []),
        (Scope((Share(),)), []),
        (SHOP, [1, 2]),
        (Scope((Share(applications=("SHOP",)),)), []),
        (Scope((Share(applications=("shop", "crm")),)), [1, 2, 3]),
        (Scope((Share(senders=("ann@example.com",)),)), [1, 3]),
        (Scope((Share(senders=("@example.com",)),)), [1, 3]),
        (Scope((Share(senders=("ANN@Example.com", "@other.example")),)), [1, 3]),
        (Scope((Share(senders=("bounces@mail.example.net",)),)), [1, 2, 3, 4]),
        (Scope((Share(senders=("@mail.example.net",)),)), [1, 2, 3, 4]),
        (Scope((Share(senders=("@example.net",)),)), []),
        (Scope((Share(senders=("@",)),)), []),
        (Scope((Share(tags=("Invoice",)),)), [2, 3]),
        (Scope((Share(applications=("shop",), tags=("invoice",)),)), [2]),
        (Scope((Share(applications=("shop",), tags=("invoice",)), Share(applications=("lab",)))), [2, 4]),
        (Scope((Share(applications=("shop",), senders=("ann@example.com",), tags=("invoice",)),)), []),
    ],
)
async def test_a_message_is_within_a_scope_if_it_matches_all_conditions_of_a_share(archive, scope, expected):
    envelope = {"sender": "Bounces@mail.example.net"}
    await put(archive, 1, author="Ann@example.com", **envelope)
    await put(archive, 2, author="ann@notexample.com", tags=("invoice",), **envelope)
    await put(archive, 3, author="ann@example.com", application="crm", tags=("INVOICE",), **envelope)
    await put(archive, 4, author="zed@sub.example.com", application="lab", **envelope)
    assert await numbers(archive, scope) == expected
    assert await archive.count(within(Query(), scope)) == len(expected)
    assert await archive.count(within(parse_query("hello", now=NOON), scope)) == len(expected)
    by_subject = await archive.search(within(Query(), scope), sort=Sort("subject"))
    assert sorted(row.seq for row in by_subject.rows) == expected
    assert [row.seq for row in await archive.newer(within(Query(), scope), 0, 10)] == expected
    assert sorted(row.seq for row in await archive.older(within(Query(), scope), 99, 10)) == expected


async def test_a_message_not_indexed_yet_is_within_no_scope_of_senders(archive):
    await put(archive, 1, sender="ann@example.com", indexed=False)
    assert await numbers(archive, Scope((Share(senders=("ann@example.com",)),))) == []
    assert await numbers(archive, SHOP) == [1]


async def test_a_search_cannot_leave_its_scope(archive):
    await put(archive, 1)
    await put(archive, 2, application="lab")
    for text in ("application:lab", "hello OR application:lab", "-application:shop", "(hello) OR (marker)", "-zebra"):
        assert 2 not in await numbers(archive, SHOP, parse_query(text, now=NOON))


# -- the archive that is narrowed ------------------------------------------------------------------------------
@pytest.fixture
async def near_and_far(archive):
    near = await put(archive, 1, recipients=("near@example.com",))
    far = await put(archive, 2, recipients=("far@example.com",), application="lab")
    return ScopedArchive(archive, SHOP), near, far


def test_every_method_of_the_archive_is_narrowed_or_refused():
    methods = {name for name in dir(Archive) if not name.startswith("_")}
    assert not {name for name in methods if not hasattr(ScopedArchive, name)}


async def test_what_is_elsewhere_is_as_what_is_nowhere(near_and_far):
    scoped, near, far = near_and_far
    for name in ("message", "listing", "content"):
        assert await getattr(scoped, name)(near.id)
        with pytest.raises(NotFound):
            await getattr(scoped, name)(far.id)
    assert [chunk async for chunk in scoped.content_chunks(near.id)] == [CONTENT]
    with pytest.raises(NotFound):
        [chunk async for chunk in scoped.content_chunks(far.id)]
    for name in ("reports", "tokens_of", "fetches"):
        assert await getattr(scoped, name)(near.id) == await getattr(scoped, name)(far.id) == []


async def test_searches_counts_and_events_are_narrowed(near_and_far):
    scoped, near, far = near_and_far
    assert [row.id for row in (await scoped.search(Query())).rows] == [near.id]
    assert await scoped.count(Query()) == 1
    assert [row.id for row in await scoped.newer(Query(), 0, 10)] == [near.id]
    assert [row.id for row in await scoped.older(Query(), 99, 10)] == [near.id]
    assert {event.message_id for _, event in await scoped.events()} == {near.id}
    assert await scoped.events(message_id=far.id) == []
    assert len(await scoped.events(message_id=near.id)) == 1
    assert (await scoped.health()).messages == 0


async def test_what_waits_is_narrowed(near_and_far):
    scoped, near, far = near_and_far
    deliveries = [*deliveries_of(near), *deliveries_of(far)]
    assert [row.delivery.message_id for row in (await scoped.waiting(WaitingFilter())).rows] == [near.id]
    assert await scoped.waiting_count(WaitingFilter()) == 1
    assert [group.count for group in await scoped.waiting_groups()] == [1]
    assert len(await scoped.waiting_of([one.id for one in deliveries])) == 1


async def test_changes_of_other_messages_are_not_told(archive):
    scoped = ScopedArchive(archive, SHOP)
    changes = scoped.changes()
    await put(archive, 1, application="lab")
    near = await put(archive, 2, indexed=False)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0):
            await anext(changes)
    assert (await anext(changes)).message_id == near.id


async def test_what_is_written_must_be_within_the_scope(archive, near_and_far):
    scoped, near, far = near_and_far
    with pytest.raises(NotFound):
        await scoped.add_deliveries(deliveries_of(far), [])
    with pytest.raises(NotFound):
        await scoped.add_events([Event(make_id(9), NOON, Kind.VIEWED, "user:a", far.id)])
    await scoped.add_events([Event(make_id(9), NOON, Kind.VIEWED, "user:a", near.id)])
    await scoped.add_events([Event(make_id(10), NOON, Kind.EXPORTED, "user:a")])
    assert len(await archive.events()) == 4


async def test_a_new_message_must_be_within_the_scope_or_come_from_one_that_is(near_and_far):
    scoped, near, far = near_and_far
    content = stored(CONTENT)
    for message in (
        a_message(3, application="lab"),
        a_message(3, application="lab", parent_id=near.id),
    ):
        with pytest.raises(OutOfReach):
            await scoped.add_message(message, content, [], [])
    with pytest.raises(NotFound):
        await scoped.add_message(a_message(3, parent_id=far.id), content, [], [])
    with pytest.raises(NotFound):
        await scoped.add_message(
            a_message(3, parent_id=near.id), content, [], [Event(make_id(9), NOON, Kind.RESENT, "user:a", far.id)]
        )
    child = a_message(3, parent_id=near.id)
    await scoped.add_message(child, content, deliveries_of(child, State.HELD), [])
    assert (await scoped.message(near.id)).children == (child.id,)
    assert (await scoped.message(child.id)).message.parent_id == near.id


async def test_a_resend_beyond_the_scope_is_not_named(archive, near_and_far):
    scoped, near, _ = near_and_far
    child = await put(archive, 3, application="lab", parent_id=near.id)
    assert (await archive.message(near.id)).children == (child.id,)
    assert (await scoped.message(near.id)).children == ()
    laboratory = ScopedArchive(archive, Scope((Share(applications=("lab",)),)))
    assert (await laboratory.message(child.id)).message.parent_id is None


async def test_what_is_of_no_one_message_is_refused(near_and_far):
    scoped, *_ = near_and_far
    for name in ("users", "put_setting", "payload", "endpoints", "queue_facts", "claim"):
        with pytest.raises(OutOfReach):
            await getattr(scoped, name)("x")


def entry(number, application):
    return Suppressed(make_id(number), f"{number}@example.com", application, Cause.MANUAL, "why", NOON, "user:a")


async def test_the_suppression_list_is_that_of_the_applications_seen_whole(archive):
    scoped = ScopedArchive(archive, SHOP)
    entries = [entry(1, "shop"), entry(2, "lab"), entry(3, "")]
    await archive.add_suppressions(entries)
    chosen = Selection(NOON)
    assert [one.id for one in (await scoped.suppressions(chosen)).entries] == [entries[0].id]
    assert [one.id async for one in scoped.all_suppressions(chosen)] == [entries[0].id]
    assert await scoped.count_suppressions(Selection(NOON, applications=("shop", "lab"))) == 1
    assert (await scoped.suppression(entries[0].id)).application == "shop"
    told = await scoped.suppressions_of([one.address for one in entries], "shop", NOON)
    assert {address: found[0].reason for address, found in told.items()} == {
        "1@example.com": "why",
        "3@example.com": "",
    }
    for other in entries[1:]:
        with pytest.raises(NotFound):
            await scoped.remove_suppressions([other.id], [])
        with pytest.raises(OutOfReach):
            await scoped.add_suppressions([other])
    with pytest.raises(OutOfReach):
        await scoped.unsubscribing(make_id(1, 1000), NOON)
    assert await scoped.add_suppressions([entry(4, "shop")]) == 1


# -- scopes by themselves --------------------------------------------------------------------------------------
def test_a_query_is_narrowed_by_and():
    term = Term("", "hello")
    node = Within(SHOP)
    assert within(Query(term), EVERYTHING) == Query(term)
    assert within(Query(), SHOP) == Query(node)
    assert within(Query(Not(term)), SHOP) == Query(And((Not(term), node)))
    assert within(Query(And((term, term))), SHOP) == Query(And((term, term, node)))
    with pytest.raises(ValueError, match="scope"):
        format_query(within(Query(term), SHOP))


def test_applications_are_seen_whole_where_nothing_else_is_asked():
    scope = Scope((Share(applications=("b", "a")), Share(applications=("c",), tags=("x",)), Share(senders=("@d.e",))))
    assert applications_within(scope) == ("a", "b")


@pytest.mark.parametrize(
    ("share", "expected"),
    [
        (Share(), False),
        (Share(applications=("shop",)), True),
        (Share(applications=("lab",)), False),
        (Share(senders=("shop@example.com",)), True),
        (Share(senders=("@example.com",), tags=("RED",)), True),
        (Share(senders=("@example.net",)), False),
        (Share(tags=("blue",)), False),
    ],
)
def test_a_new_message_is_judged_by_its_envelope(share, expected):
    assert may_write(Scope((share,)), a_message(1, tags=("red",))) is expected
    assert may_write(EVERYTHING, a_message(1))


def test_a_domain_is_the_whole_domain():
    assert is_from("a@example.com", "@EXAMPLE.com")
    assert not is_from("a@notexample.com", "@example.com")
    assert not is_from("a@sub.example.com", "@example.com")
