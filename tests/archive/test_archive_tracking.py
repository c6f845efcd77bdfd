"""Tokens and fetches: what is kept, what a repetition, a flood and a new opinion change."""

from __future__ import annotations

import sqlite3
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from relay.archive.api import NotFound
from relay.archive.api.engagement import INDIVIDUAL
from relay.archive.content import stored
from relay.archive.query import parse_query
from relay.archive.sums import prepare
from relay.model.event import Grade, Kind
from relay.model.fetch import Fetch, Judgement, Verdict
from relay.model.token import Token, TokenKind
from tests.support.archive_values import CONTENT, NOON, SECOND, a_message, an_attempt, deliveries_of, make_id

HOUR = 3600 * SECOND
PIXEL, LINK, OTHER, TRAP, LEAVE = "pixel-token", "link-token", "other-token", "trap-token", "leave-token"


def a_fetch(number: int, token: str = PIXEL, verdict: Verdict = Verdict.HUMAN, at: int | None = None) -> Fetch:
    return Fetch(
        id=make_id(number, 9000),
        token_id=token,
        at=NOON + number * SECOND if at is None else at,
        method="GET",
        address="192.0.2.0",
        user_agent="Mozilla/5.0 (X11; Linux)",
        verdict=verdict,
        reason="nothing speaks against it",
        rules_version=1,
        signals=(("Sec-Purpose", "prefetch"),),
        network="Acme",
    )


async def sent(archive, number: int = 1, prefix: str = "") -> tuple[str, list[Token]]:
    """A message with one recipient, an open attempt and five tokens: (its id, the tokens)."""
    message = a_message(number)
    [duty] = deliveries_of(message)
    await archive.add_message(message, stored(CONTENT), [duty], [])
    await archive.claim("me", NOON * 2, NOON * 2, 10)
    tokens = [
        Token(prefix + PIXEL, duty.id, message.id, TokenKind.OPEN, NOON, part=2),
        Token(prefix + LINK, duty.id, message.id, TokenKind.CLICK, NOON, "https://a.example/?q=ü&x=1", 2),
        Token(prefix + OTHER, duty.id, message.id, TokenKind.CLICK, NOON, "https://b.example/", 2),
        Token(prefix + TRAP, duty.id, message.id, TokenKind.HONEYPOT, NOON, part=2),
        Token(prefix + LEAVE, duty.id, message.id, TokenKind.UNSUBSCRIBE, NOON),
    ]
    await archive.begin_attempts([an_attempt(duty)], tokens)
    return message.id, tokens


async def told(archive, message_id: str) -> list[tuple[Kind, str]]:
    return [(event.kind, event.data.get("verdict", "")) for _, event in await archive.events(message_id=message_id)]


async def test_tokens_are_kept_with_the_attempt_and_once(archive):
    message_id, tokens = await sent(archive)
    found = await archive.message(message_id)
    assert len(found.attempts) == 1
    await archive.begin_attempts([], tokens)
    assert await archive.tokens_of(message_id) == tokens
    assert await archive.tracking_token(LINK) == tokens[1]
    assert await archive.tracking_token("nobody's") is None
    assert await archive.tracking_tokens([LINK, "x", PIXEL]) == {LINK: tokens[1], PIXEL: tokens[0]}
    assert await archive.tracking_tokens([]) == {}
    assert await archive.tokens_of("nothing") == []
    assert await archive.link_counts([tokens[0].delivery_id, "x"]) == {tokens[0].delivery_id: 2, "x": 0}


async def test_a_token_of_no_delivery_keeps_the_attempt_from_beginning(archive):
    message = a_message(1)
    duties = deliveries_of(message)
    await archive.add_message(message, stored(CONTENT), duties, [])
    await archive.claim("me", NOON * 2, NOON * 2, 10)
    stray = Token(LINK, "none", message.id, TokenKind.CLICK, NOON, "https://a.example/")
    with pytest.raises(NotFound):
        await archive.begin_attempts([an_attempt(duties[0])], [stray])
    assert (await archive.message(message.id)).attempts == ()


async def test_a_fetch_is_kept_as_it_was_and_the_first_of_each_verdict_is_an_event(archive):
    message_id, _ = await sent(archive)
    fetches = [
        a_fetch(1, verdict=Verdict.PROXY),
        a_fetch(2, verdict=Verdict.PROXY),
        a_fetch(3),
        a_fetch(4, LINK),
        a_fetch(5, OTHER),
    ]
    await archive.add_fetches(fetches)
    assert await archive.fetches(message_id) == fetches
    assert await archive.fetches("nothing") == []
    events = [event for _, event in await archive.events(message_id=message_id)]
    assert [(event.id, event.kind, event.data["verdict"]) for event in events] == [
        (fetches[0].id, Kind.OPENED, "proxy"),
        (fetches[2].id, Kind.OPENED, "likely-human"),
        (fetches[3].id, Kind.CLICKED, "likely-human"),
        (fetches[4].id, Kind.CLICKED, "likely-human"),
    ]
    assert {event.grade for event in events} == {Grade.HEURISTIC}
    assert events[2].data["url"] == "https://a.example/?q=ü&x=1"
    assert events[2].at == fetches[3].at
    assert not any(token in repr(event.data) for event in events for token in (PIXEL, LINK, OTHER))


async def test_a_batch_may_be_repeated(archive):
    message_id, _ = await sent(archive)
    fetches = [a_fetch(number) for number in range(INDIVIDUAL + 7)]
    for _ in range(3):
        await archive.add_fetches(fetches)
    assert sum(fetch.count for fetch in await archive.fetches(message_id)) == INDIVIDUAL + 7
    assert await told(archive, message_id) == [(Kind.OPENED, "likely-human")]


async def test_a_flood_only_raises_a_count_for_each_verdict_and_hour(archive):
    message_id, _ = await sent(archive)
    start = NOON - NOON % HOUR
    await archive.add_fetches([a_fetch(number, at=start) for number in range(INDIVIDUAL)])
    for batch in range(1, 4):
        numbers = range(batch * 1000, batch * 1000 + 500)
        await archive.add_fetches([a_fetch(number, at=start + 1) for number in numbers])
        await archive.add_fetches([a_fetch(number + 500, LINK, at=start + 1) for number in numbers])
    await archive.add_fetches([a_fetch(9000, verdict=Verdict.SCANNER, at=start + 2)])
    await archive.add_fetches([replace(a_fetch(9001, at=start + HOUR), count=30)])
    found = await archive.fetches(message_id)
    opens = [fetch for fetch in found if fetch.token_id == PIXEL]
    assert len(opens) == INDIVIDUAL + 3
    assert sorted(fetch.count for fetch in opens)[-3:] == [1, 30, 1500]
    assert sum(fetch.count for fetch in opens) == INDIVIDUAL + 1500 + 1 + 30
    assert sum(fetch.count for fetch in found if fetch.token_id == LINK) == 1500
    assert len([fetch for fetch in found if fetch.token_id == LINK]) == INDIVIDUAL + 1
    assert await told(archive, message_id) == [
        (Kind.OPENED, "likely-human"),
        (Kind.CLICKED, "likely-human"),
        (Kind.OPENED, "scanner-suspected"),
    ]


async def test_a_fetch_of_no_token_is_refused_with_its_batch(archive):
    message_id, _ = await sent(archive)
    with pytest.raises(NotFound):
        await archive.add_fetches([a_fetch(1), a_fetch(2, "nobody's")])
    assert await archive.fetches(message_id) == []
    await archive.add_fetches([])


async def test_unsubscribing_is_what_was_asked_by_post(archive):
    message_id, _ = await sent(archive)
    await archive.add_fetches([a_fetch(1, LEAVE, Verdict.SCANNER), replace(a_fetch(2, LEAVE), method="POST")])
    events = [event for _, event in await archive.events(message_id=message_id)]
    assert [(event.kind, event.grade) for event in events] == [
        (Kind.CLICKED, Grade.HEURISTIC),
        (Kind.UNSUBSCRIBED, Grade.OWN),
    ]


async def test_a_trap_is_told_of_as_one(archive):
    message_id, _ = await sent(archive)
    await archive.add_fetches([a_fetch(1, TRAP, Verdict.SCANNER)])
    [(_, event)] = await archive.events(message_id=message_id)
    assert event.data["honeypot"] is True


async def test_a_new_opinion_leaves_the_facts_and_adds_an_event(archive):
    message_id, _ = await sent(archive)
    fetches = [a_fetch(1, LINK), a_fetch(2, LINK, Verdict.PROXY), a_fetch(3, OTHER)]
    await archive.add_fetches(fetches)
    judgements = [
        Judgement(make_id(n, 9900), NOON + HOUR, fetch_id, Verdict.SCANNER, "three at once", 2)
        for n, fetch_id in enumerate([*(fetch.id for fetch in fetches), "nothing"])
    ]
    for _ in range(2):
        await archive.judge(judgements)
    changed = [replace(fetch, verdict=Verdict.SCANNER, reason="three at once", rules_version=2) for fetch in fetches]
    assert await archive.fetches(message_id) == changed
    events = [event for _, event in await archive.events(message_id=message_id)][3:]
    assert [(event.id, event.kind, event.at) for event in events] == [
        (judgements[0].id, Kind.CLICKED, NOON + HOUR),
        (judgements[2].id, Kind.CLICKED, NOON + HOUR),
    ]
    assert events[0].data["was"] == "likely-human"
    assert events[0].data["fetch"] == fetches[0].id


async def test_fetches_of_older_rules_are_found_page_by_page(archive):
    await sent(archive)
    fetches = [replace(a_fetch(number), rules_version=1 + number % 2) for number in range(6)]
    await archive.add_fetches(fetches)
    older = [fetch for fetch in fetches if fetch.rules_version == 1]
    assert await archive.fetches_judged_before(2, "", 2) == older[:2]
    assert await archive.fetches_judged_before(2, older[1].id, 2) == older[2:]
    assert await archive.fetches_judged_before(1, "", 10) == []


async def test_clicks_near_are_those_of_links_and_traps_in_time(archive):
    _, tokens = await sent(archive)
    fetches = [a_fetch(1), a_fetch(2, LINK), a_fetch(3, TRAP), a_fetch(4, OTHER), a_fetch(5, LEAVE)]
    await archive.add_fetches(fetches)
    delivery = tokens[0].delivery_id
    assert await archive.clicks_near([delivery], NOON, NOON + HOUR) == fetches[1:4]
    assert await archive.clicks_near([delivery], NOON + 3 * SECOND, NOON + 4 * SECOND) == [fetches[2]]
    assert await archive.clicks_near(["x"], NOON, NOON + HOUR) == []


async def test_the_database_refuses_to_change_what_was_observed(archive, url: str):
    await sent(archive)
    await archive.add_fetches([replace(a_fetch(1), count=3)])
    await archive.close()
    database = sqlite3.connect(Path(urlsplit(url).path[1:]))
    prepare(database)
    for change in (
        "UPDATE fetch SET at = 1",
        "UPDATE fetch SET user_agent = ''",
        "UPDATE fetch SET count = 2",
        "DELETE FROM fetch",
        "UPDATE token SET url = 'https://evil.example/'",
        "DELETE FROM token",
    ):
        with pytest.raises(sqlite3.IntegrityError, match="facts are only added"):
            database.execute(change)
    database.close()


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("opened:yes", {1, 2}),
        ("opened:no", {3}),
        ("opened:human", {1}),
        ("opened:proxy", {2}),
        ("opened:scanner", set()),
        ("clicked:yes", {1, 3}),
        ("clicked:scanner", {3}),
        ("clicked:HUMAN", {1}),
        ("-opened:yes", {3}),
        ("opened:yes -clicked:yes", {2}),
        ("clicked:no OR opened:human", {1, 2}),
    ],
)
async def test_messages_are_found_by_who_opened_and_clicked(archive, text: str, numbers: set[int]):
    for number in (1, 2, 3):
        await sent(archive, number, prefix=f"{number}-")
    await archive.add_fetches(
        [
            a_fetch(1, f"1-{PIXEL}"),
            a_fetch(2, f"1-{LINK}"),
            a_fetch(3, f"2-{PIXEL}", Verdict.PROXY),
            a_fetch(4, f"3-{LINK}", Verdict.SCANNER),
            a_fetch(5, f"2-{TRAP}", Verdict.SCANNER),
        ]
    )
    query = parse_query(text, now=NOON)
    rows = (await archive.search(query)).rows
    assert {row.id for row in rows} == {make_id(number) for number in numbers}
    assert await archive.count(query) == len(numbers)


async def test_the_grid_shows_which_verdicts_there_are(archive):
    first, _ = await sent(archive)
    second, _ = await sent(archive, 2, "b-")
    await archive.add_fetches(
        [
            a_fetch(1),
            a_fetch(2, verdict=Verdict.PROXY),
            a_fetch(3, LINK, Verdict.SCANNER),
            a_fetch(4, "b-" + TRAP, Verdict.SCANNER),
        ]
    )
    row, other = await archive.listing(first), await archive.listing(second)
    assert (row.opened, row.clicked) == ({Verdict.HUMAN, Verdict.PROXY}, {Verdict.SCANNER})
    assert (other.opened, other.clicked) == (frozenset(), frozenset())


async def test_tokens_and_fetches_of_one_delivery_are_told_apart(archive):
    message_id, tokens = await sent(archive)
    await archive.add_fetches([a_fetch(1), a_fetch(2, LINK)])
    mine = tokens[0].delivery_id
    assert await archive.tokens_of(message_id, delivery_id=mine) == tokens
    assert len(await archive.fetches(message_id, delivery_id=mine)) == 2
    assert await archive.tokens_of(message_id, delivery_id=make_id(9)) == []
    assert await archive.fetches(message_id, delivery_id=make_id(9)) == []
