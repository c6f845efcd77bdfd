from __future__ import annotations

import asyncio
import base64
import json
from dataclasses import dataclass, replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select, true
from sqlalchemy.dialects import sqlite

from relay.archive import schema
from relay.archive.api import SORT_KEYS, Archive, Listing, Sort
from relay.archive.condition import translate
from relay.archive.content import stored
from relay.archive.query import Query, QuerySyntaxError, parse_query, quoted
from relay.archive.search import Cursor, _keys, decode
from relay.model.delivery import State
from relay.model.event import Event, Kind
from relay.model.message import Recipient
from relay.model.summary import Addressee, Reference, Summary
from tests.support.archive_values import CONTENT, NOON, SECOND, a_message, deliveries_of, make_id
from tests.support.fresh import open_archive


@dataclass(frozen=True)
class Letter:
    number: int
    summary: Summary | None
    recipients: tuple[str, ...] = ("jane@example.com",)
    application: str = "shop"
    state: State = State.SENT
    size: int = len(CONTENT)
    received_at: int | None = None
    tags: tuple[str, ...] = ()
    parent_id: str | None = None


async def keep(archive: Archive, *letters: Letter) -> None:
    for letter in letters:
        content = replace(stored(CONTENT), size=letter.size)
        message = a_message(
            letter.number,
            content=content,
            recipients=letter.recipients,
            application=letter.application,
            received_at=letter.received_at,
            tags=letter.tags,
            parent_id=letter.parent_id,
        )
        await archive.add_message(message, content, deliveries_of(message, letter.state), [])
        if letter.summary is not None:
            await archive.add_summaries([(message.id, letter.summary)])


ORDER = Letter(
    1,
    Summary(
        subject="Your new order INV-12345",
        senders=(Addressee("Zoë Müller", "zoe@shop.example"),),
        to=(Addressee("Jane Roe", "jane@example.com"),),
        cc=(Addressee("", "accounts@example.com"),),
        header_message_id="abc@shop.example",
        header_text="Subject: Your new order INV-12345\nX-Mailer: Acme 3.1\nX-Other: blue",
        body_text="Dear Jane, thank you. Straße 日本語テキスト",
        filenames=("invoice-2026.pdf",),
        attachment_count=1,
        tags=("Billing",),
        references=(Reference("invoice", "INV-12345"),),
    ),
    recipients=("jane@example.com", "bcc@hidden.example"),
    tags=("web",),
)
NEWS = Letter(
    2,
    Summary(subject="*** News of an order 🎉", header_text="X-Mailer: Blue", body_text="we have news for you all"),
    recipients=("joe@example.org",),
    application="news",
    state=State.FAILED,
    size=50_000,
    received_at=NOON + 86_400 * SECOND,
)
EDITED = Letter(3, Summary(subject="Copy"), state=State.HELD, parent_id=make_id(1))
NOT_INDEXED = Letter(4, None, recipients=("late@example.com",), application="shop", state=State.QUEUED)


@pytest.fixture
async def four(archive: Archive) -> Archive:
    await keep(archive, ORDER, NEWS, EDITED, NOT_INDEXED)
    await archive.add_events([Event(make_id(1, 9), NOON, Kind.RESENT, "user:ann", make_id(1))])
    return archive


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", {1, 2, 3, 4}),
        ("order", {1, 2}),
        ("ord", {1, 2}),
        ("rder", set()),
        ("order news", {2}),
        ("order -news", {1}),
        ("-order", {3, 4}),
        ("jane OR copy", {1, 3}),
        ("order (jane OR copy)", {1}),
        ('"new order"', {1}),
        ('"order new"', set()),
        ('"new ord"', set()),
        ("INV-123", {1}),
        ("jane@exam", {1, 3}),
        ("accounts@example.com", {1}),
        ("ZOE", {1}),
        ("muller", {1}),
        ("müller", {1}),
        ("strasse", {1}),
        ("本語", {1}),
        ("語本", set()),
        ("テキ", {1}),
        ("invoice-2026", {1}),
        ("acme", set()),
        ("tom & order", set()),
        ("jane & order", {1}),
        ("***", {1, 2, 3, 4}),
        ('"***"', {2}),
        ('subject:"🎉"', {2}),
        ('-"***"', {1, 3, 4}),
        ("from:zoe", {1}),
        ("from:jane", set()),
        ("to:roe", {1}),
        ("cc:accounts", {1}),
        ("recipient:hidden", {1}),
        ("sender:shop@example.com", {1, 2, 3}),
        ("subject:copy", {3}),
        ("body:news", {2}),
        ("body:order", set()),
        ("filename:invoice", {1}),
        ("has:attachment", {1}),
        ("header:x-mailer=acme", {1}),
        ("header:X-Mailer=blue", {2}),
        ('header:"x-mailer=acme 3.1"', {1}),
        ("header:x-other=blue", {1}),
        ("header:mailer=acme", set()),
        ("ref:inv-12345", {1}),
        ("ref:INV-123", set()),
        ("tag:billing", {1}),
        ("tag:WEB", {1}),
        ("application:news", {2}),
        ("status:failed", {2}),
        ("status:pending", {4}),
        ("-status:sent", {2, 3, 4}),
        ("is:held", {3}),
        ("is:resent", {1}),
        ("is:edited", {3}),
        (f"id:{make_id(2)}", {2}),
        (f"id:{make_id(2).lower()}", {2}),
        ("message-id:<abc@shop.example>", {1}),
        ("message-id:abc@shop.example", {1}),
        ("message-id:<>", set()),
        ("on:2026-01-02", {2}),
        ("before:2026-01-02", {1, 3, 4}),
        ("after:2026-01-02", {2}),
        ("on:2026", {1, 2, 3, 4}),
        ("larger:10K", {2}),
        ("smaller:10K", {1, 3, 4}),
        ("recipient:late", set()),
    ],
)
async def test_a_search_finds_what_it_says(four: Archive, text: str, expected: set[int]):
    query = parse_query(text, now=NOON)
    page = await four.search(query)
    assert {row.id for row in page.rows} == {make_id(number) for number in expected}
    assert await four.count(query) == len(expected)
    assert {row.seq for row in await four.newer(query, 0, 10)} == expected


async def test_a_row_shows_what_the_grid_needs(four: Archive):
    row = await four.listing(make_id(1))
    assert row == Listing(
        id=make_id(1),
        seq=1,
        received_at=NOON + SECOND,
        sender="Zoë Müller <zoe@shop.example>",
        recipients=("Jane Roe <jane@example.com>", "bcc@hidden.example"),
        recipient_count=2,
        subject="Your new order INV-12345",
        snippet="",
        application="shop",
        states={State.SENT: 2},
        references=(Reference("invoice", "INV-12345"),),
        tags=("web", "Billing"),
        size=len(CONTENT),
        attachment_count=1,
        parent_id=None,
        mailing=row.mailing,
    )


async def test_a_message_is_listed_by_its_envelope_until_it_is_indexed(four: Archive):
    row = await four.listing(make_id(4))
    assert (row.sender, row.recipients, row.subject) == ("shop@example.com", ("late@example.com",), "")
    assert row.states == {State.QUEUED: 1}
    assert [waiting[1] for waiting in await four.unindexed(10)] == [make_id(4)]
    health = await four.health()
    assert (health.last_seq, health.indexed_seq) == (4, 3)


async def test_indexing_again_replaces(four: Archive):
    await four.add_summaries([(make_id(1), Summary(subject="Something else"))])
    assert await four.count(parse_query("subject:order", now=NOON)) == 1
    assert await four.count(parse_query("else", now=NOON)) == 1
    assert await four.count(parse_query("tag:billing OR ref:inv-12345 OR has:attachment", now=NOON)) == 0
    assert await four.count(parse_query("tag:web", now=NOON)) == 1


async def test_a_recipient_added_by_a_resend_is_found(four: Archive):
    duty = deliveries_of(a_message(1))[0]
    again = replace(duty, id=make_id(7), recipient=Recipient("someone.new@example.net"))
    await four.add_deliveries([again], [])
    assert [row.seq for row in (await four.search(parse_query("recipient:someone", now=NOON))).rows] == [1]
    later = replace(again, id=make_id(8), message_id=make_id(4), recipient=Recipient("other@example.net"))
    await four.add_deliveries([later], [])
    await four.add_summaries([(make_id(4), Summary())])
    assert [row.seq for row in (await four.search(parse_query("recipient:other", now=NOON))).rows] == [4]


async def test_counting_stops_at_its_limit(four: Archive):
    assert await four.count(Query(), at_most=3) == 3
    assert await four.count(Query(), at_most=0) == 0


async def test_newer_is_oldest_first_and_bounded(four: Archive):
    assert [row.seq for row in await four.newer(Query(), 1, 2)] == [2, 3]
    assert await four.newer(Query(), 4, 10) == []


keys = st.sampled_from(["", "a", "A", "b", "é", "zz", "本"])
sizes = st.sampled_from([1, 2, 3])
letters = st.lists(st.tuples(keys, keys, keys, sizes, sizes), min_size=0, max_size=12)
orders = st.builds(Sort, st.sampled_from(SORT_KEYS), st.booleans())


def sort_key(key: str, row: Listing) -> tuple[object, int]:
    recipient = row.recipients[0].split(" <")[0].casefold() if row.recipients else ""
    values = {
        "date": row.received_at,
        "to": recipient,
        "subject": row.subject.casefold(),
        "sender": row.sender.split(" <")[0].casefold(),
        "size": row.size,
    }
    return values[key], row.seq


@settings(deadline=None, max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(letters, orders, st.integers(1, 4))
async def test_pages_in_both_directions_are_the_full_sort(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[str, str, str, int, int]], sort: Sort, limit: int
):
    archive = await open_archive(f"sqlite:///{tmp_path_factory.mktemp('pages')}/archive.db")
    for n, (subject, sender, to, size, received_at) in enumerate(rows, 1):
        summary = Summary(
            subject=subject,
            senders=(Addressee(sender, "a@example.com"),) if sender else (),
            to=(Addressee(to, "jane@example.com"),),
        )
        await keep(archive, Letter(n, summary, size=size, received_at=received_at))
    whole = await archive.search(Query(), sort=sort, limit=1000)
    assert [row.seq for row in whole.rows] == [
        row.seq for row in sorted(whole.rows, key=lambda row: sort_key(sort.key, row), reverse=sort.descending)
    ]
    assert len(whole.rows) == len(rows)
    assert (whole.next, whole.previous) == (None, None)
    pages = [await archive.search(Query(), sort=sort, limit=limit)]
    while pages[-1].next is not None:
        pages.append(await archive.search(Query(), sort=sort, limit=limit, cursor=pages[-1].next))
    assert [row for page in pages for row in page.rows] == list(whole.rows)
    assert pages[0].previous is None
    back = [pages[-1]]
    while back[-1].previous is not None:
        back.append(await archive.search(Query(), sort=sort, limit=limit, cursor=back[-1].previous))
    assert [page.rows for page in reversed(back)] == [page.rows for page in pages]
    await archive.close()


async def test_pages_do_not_shift_when_messages_arrive(four: Archive):
    first = await four.search(Query(), limit=2)
    await keep(four, Letter(5, None, received_at=NOON + 2 * 86_400 * SECOND))
    second = await four.search(Query(), limit=2, cursor=first.next)
    assert {row.seq for row in (*first.rows, *second.rows)} == {1, 2, 3, 4}
    back = await four.search(Query(), limit=2, cursor=second.previous)
    assert back.rows == first.rows
    assert back.previous is not None
    newest = await four.search(Query(), limit=2, cursor=back.previous)
    assert [row.seq for row in newest.rows] == [5]


async def test_a_cursor_of_another_search_is_refused(four: Archive):
    cursor = (await four.search(Query(), limit=1)).next
    assert cursor is not None
    for query, sort in [
        (parse_query("order", now=NOON), Sort()),
        (Query(), Sort("size")),
        (Query(), Sort("date", descending=False)),
    ]:
        with pytest.raises(ValueError, match="not a cursor"):
            await four.search(query, sort=sort, cursor=cursor)


async def test_a_cursor_outlives_the_second_of_its_relative_date(four: Archive):
    cursor = (await four.search(parse_query("after:7d", now=NOON), limit=1)).next
    later = parse_query("after:7d", now=NOON + SECOND)
    assert len((await four.search(later, limit=10, cursor=cursor)).rows) == 3


def encoded(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode()


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.text() | st.lists(st.integers() | st.text() | st.booleans() | st.none()).map(encoded))
async def test_no_forged_cursor_does_more_than_raise(text: str):
    with pytest.raises(ValueError, match="not a cursor"):
        decode(text, Query(), Sort())


async def test_a_page_has_a_known_order_and_a_sane_size(four: Archive):
    for arguments in ({"sort": Sort("colour")}, {"limit": 0}, {"limit": 1001}):
        with pytest.raises(ValueError, match=r"sorted by|a page has"):
            await four.search(Query(), **arguments)


awkward = st.text(
    alphabet=st.sampled_from("\"*^-():{}+\\'%_ANDORNOTNEAR \x00\udc80é本🎉a1 ,.;@"), max_size=20
) | st.text(max_size=20)


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    awkward,
    st.sampled_from(["", "subject:", "from:", "header:X-A=", "tag:", "ref:", "id:", "message-id:"]),
    st.booleans(),
)
def test_no_text_of_a_person_breaks_the_search(url_of_four: str, text: str, field: str, is_quoted: bool):
    value = quoted((field.partition(":")[2] if is_quoted else "") + text) if is_quoted else text
    prefix = field.partition(":")[0] + ":" if field and is_quoted else field
    try:
        query = parse_query(prefix + value, now=NOON)
    except QuerySyntaxError:
        return

    async def run() -> None:
        archive = await open_archive(url_of_four, read_only=True)
        try:
            await archive.search(query, limit=3)
        finally:
            await archive.close()

    asyncio.run(run())


@pytest.fixture(scope="module")
def url_of_four(tmp_path_factory: pytest.TempPathFactory) -> str:
    url = f"sqlite:///{tmp_path_factory.mktemp('four')}/archive.db"

    async def fill() -> None:
        archive = await open_archive(url)
        await keep(archive, ORDER, NEWS, EDITED, NOT_INDEXED)
        await archive.close()

    asyncio.run(fill())
    return url


async def test_a_page_reads_indexes_only_and_never_the_content(four: Archive):
    """The plan of the grid's default page, of each order, and of a page in the middle."""
    for key in SORT_KEYS:
        value: int | str = 1 if key in ("date", "size") else "a"
        for cursor in (None, Cursor(True, value, 1), Cursor(False, value, 1)):
            statement = _keys(Query(), true(), Sort(key), cursor).limit(51)
            plan = await explain(four, statement)
            assert "TEMP B-TREE" not in plan, (key, plan)
            assert "content" not in plan


async def explain(archive, statement) -> str:
    compiled = statement.compile(dialect=sqlite.dialect(), compile_kwargs={"literal_binds": True})
    async with archive._reader() as connection:
        rows = await connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {compiled}")
        return " / ".join(row[3] for row in rows)


async def test_large_and_small_sets_find_the_same(archive):
    """Whether a set is gathered, walked past or asked for beyond a number is a matter of speed alone."""
    for number in range(1, 25):
        subject = f"order {number}" if number % 2 else "news"
        state = State.FAILED if number % 3 == 0 else State.SENT
        await keep(archive, Letter(number, Summary(subject=subject, header_text=f"X-N: {subject}"), state=state))
    for text, count in [
        ("order", 12),
        ("order status:failed", 4),
        ("-status:sent order", 4),
        ("order -news", 12),
        ("order OR news", 24),
        ("news OR status:failed", 16),
        ("-order", 12),
        ("header:x-n=order", 12),
        ("header:x-n=***", 0),
        ("application:shop -header:x-n=news", 12),
        ("(order OR news) subject:order -status:failed", 8),
    ]:
        query = parse_query(text, now=NOON)
        found = []
        for way in ("gathered", "walked", "beyond"):
            translation = translate(query.root)
            for members in translation.members:
                members.is_dense = way == "walked"
                if way == "beyond":
                    members.only_after(0)
            async with archive._reader() as connection:
                seqs = await connection.scalars(select(schema.message.c.seq).where(translation.condition()))
                found.append(sorted(seqs))
        assert [len(seqs) for seqs in found] == [count] * 3, text
        assert found[0] == found[1] == found[2], text
        assert await archive.count(query) == count
