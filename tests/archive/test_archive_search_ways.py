"""Each way that a search may take finds the same: by table, by beginnings, between days, counted or told about."""

from __future__ import annotations

from dataclasses import replace

import pytest

from relay.archive import measuring, walking
from relay.archive.api import Archive, Estimate, Sort
from relay.archive.content import stored
from relay.archive.query import parse_query
from relay.model.delivery import State
from relay.model.summary import Summary
from tests.support.archive_values import CONTENT, NOON, SECOND, a_message, deliveries_of

DAY = 86_400 * SECOND


async def keep(
    archive: Archive, number: int, text: str, *recipients: str, at: int | None = None, original: str | None = None
) -> None:
    message = a_message(number, content=stored(CONTENT), recipients=recipients or ("a@example.com",), received_at=at)
    deliveries = [replace(one, original=original) for one in deliveries_of(message, State.SENT)]
    await archive.add_message(message, stored(CONTENT), deliveries, [])
    await archive.add_summaries([(message.id, Summary(subject="it", body_text=text))])


async def numbers(archive: Archive, text: str) -> list[int]:
    return [row.seq for row in (await archive.search(parse_query(text, now=NOON))).rows]


async def test_a_recipients_whole_address_finds_what_went_to_it_or_was_meant_for_it(archive: Archive):
    await keep(archive, 1, "one", "ann@example.com")
    await keep(archive, 2, "two", "joe.ann@example.com", "zoë@example.com")
    await keep(archive, 3, "three", "catch-all@example.org", original="Ann@example.com")
    assert await numbers(archive, "recipient:ANN@example.com") == [3, 1]
    assert await numbers(archive, 'recipient:"ann@example.com"') == [3, 1]
    assert await numbers(archive, "-recipient:ann@example.com") == [2]
    # Not known so: looked for by its words, whatever the accents.
    assert await numbers(archive, "recipient:zoe@example.com") == [2]


async def test_three_letters_stand_for_all_words_that_begin_so(archive: Archive):
    for number, word in enumerate(("invoice", "inventory", "invite", "inv", "sinvoice"), 1):
        await keep(archive, number, word)
    assert await numbers(archive, "body:inv") == [4, 3, 2, 1]
    assert await numbers(archive, "-body:inv") == [5]


@pytest.mark.parametrize("descending", [True, False])
@pytest.mark.parametrize(
    ("dates", "expected"),
    [
        ("before:2026-01-06", [10, 1, 2, 3, 4]),
        ("after:2026-01-06", [5, 6, 7, 8, 9]),
        ("after:2026-01-03 before:2026-01-06", [2, 3, 4]),
        ("before:2025-01-01", []),
    ],
)
async def test_common_words_between_days_are_walked_between_them_alone(
    archive: Archive, monkeypatch: pytest.MonkeyPatch, dates: str, expected: list[int], descending: bool
):
    monkeypatch.setattr(measuring, "DENSE", 1)
    monkeypatch.setattr(walking, "FIRST", 2)
    # The tenth came last and is the oldest by its date.
    for number in range(1, 11):
        await keep(archive, number, "order", at=NOON + number % 10 * DAY)
    found: list[int] = []
    query, sort, cursor = parse_query(f"order {dates}", now=NOON), Sort("date", descending), None
    while True:
        page = await archive.search(query, sort=sort, cursor=cursor, limit=2)
        found += [row.seq for row in page.rows]
        if (cursor := page.next) is None:
            break
    assert found == (expected[::-1] if descending else expected)


async def test_a_word_that_is_everywhere_is_told_as_about(archive: Archive, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(measuring, "DENSE", 5)
    for number in range(1, 31):
        await keep(archive, number, "order")
    assert await archive.estimate(parse_query("order", now=NOON), at_most=5) == Estimate(30, is_exact=False)
    assert await archive.estimate(parse_query("order", now=NOON), at_most=50) == Estimate(30, is_exact=True)
    assert await archive.estimate(parse_query("application:shop", now=NOON), at_most=50) == Estimate(30, is_exact=True)
