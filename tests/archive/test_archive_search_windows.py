"""Large sets gathered in windows and small ones tried singly: whichever way is taken, the same is found and counted."""

from __future__ import annotations

import sqlite3
from contextlib import closing

import pytest

from relay.archive import counting, measuring, recollection, sections, walking
from relay.archive.api import Archive, Estimate, Sort
from relay.archive.content import stored
from relay.archive.query import parse_query
from relay.model.delivery import State
from relay.model.summary import Summary
from tests.support.archive_values import CONTENT, NOON, SECOND, a_message, deliveries_of

STATES = (State.SENT, State.SENT, State.FAILED, State.SENT, State.HELD)
QUERIES = (
    "status:sent",
    "status:failed",
    "status:pending",
    "-status:sent",
    "tag:even",
    "recipient:r1@example.com",
    "order status:failed",
    "order -status:failed",
    "order tag:even status:sent",
    "order recipient:r1@example.com",
    "rare status:sent",
    "recipient:r2@example.com status:sent",
    "order OR status:failed",
    "(tag:even OR status:held) order",
    "status:sent after:2026-01-02",
    "order status:sent before:2026-01-02",
    "order after:2026-01-01 before:2026-01-02",
    "order application:shop",
    "status:sent application:shop",
    "status:sent -application:shop",
)
NUMBER = 40
EXPECTED: dict[tuple[str, bool], list[int]] = {}
COUNTS: dict[str, int] = {}
"""By search, and whether the newest come first (`expect`)."""


async def keep(archive: Archive) -> None:
    """Their dates are not in the order in which they came, and some are the same."""
    for number in range(1, NUMBER + 1):
        recipients = tuple(f"r{n}@example.com" for n in range(1 + number % 3))
        at = NOON + number * 7 % 23 * 3600 * SECOND
        message = a_message(
            number,
            content=stored(CONTENT),
            recipients=recipients,
            received_at=at,
            tags=("even",) if number % 2 == 0 else (),
            application="shop" if number % 3 else "crm",
        )
        deliveries = deliveries_of(message, STATES[number % len(STATES)])
        await archive.add_message(message, stored(CONTENT), deliveries, [])
        text = "order" if number % 4 else "rare"
        await archive.add_summaries([(message.id, Summary(subject="it", body_text=text))])


async def walked(archive: Archive, text: str, *, descending: bool) -> list[int]:
    """Page by page."""
    found: list[int] = []
    query, sort, cursor = parse_query(text, now=NOON), Sort("date", descending), None
    while True:
        page = await archive.search(query, sort=sort, cursor=cursor, limit=3)
        found += [row.seq for row in page.rows]
        if (cursor := page.next) is None:
            return found


async def expect(archive: Archive) -> None:
    """What is found the usual way, before anything is set otherwise: once for all, since each archive has the same."""
    found = {
        (text, descending): await walked(archive, text, descending=descending)
        for text in QUERIES
        for descending in (True, False)
    }
    COUNTS.update({text: await archive.count(parse_query(text, now=NOON)) for text in QUERIES})
    assert all(len(found[text, True]) == COUNTS[text] == len(set(found[text, True])) for text in QUERIES)
    assert all(0 < COUNTS[text] < NUMBER for text in QUERIES if text != "status:pending")
    EXPECTED.update(found)


def make_sections(size: int, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """As if so many messages were a section."""
    with closing(sqlite3.connect(url.removeprefix("sqlite:///"), isolation_level=None)) as database:
        database.execute("DELETE FROM section")
        database.execute(
            "INSERT INTO section SELECT seq / ?1, min(received_at), max(received_at) FROM message GROUP BY seq / ?1",
            (size,),
        )
    for module in (sections, walking):
        monkeypatch.setattr(module, "SIZE", size)


@pytest.mark.parametrize("size", [1, 4, 512])
@pytest.mark.parametrize("few", [0, 4, 500])
@pytest.mark.parametrize("dense", [1, 8])
async def test_every_way_finds_and_counts_the_same(
    archive: Archive, url: str, monkeypatch: pytest.MonkeyPatch, dense: int, few: int, size: int
) -> None:
    await keep(archive)
    if not EXPECTED:
        await expect(archive)
    make_sections(size, url, monkeypatch)
    monkeypatch.setattr(recollection, "KEPT_FOR", -1.0)
    monkeypatch.setattr(measuring, "DENSE", dense)
    monkeypatch.setattr(measuring, "FEW", few)
    monkeypatch.setattr(measuring, "PAGES", min(few, 3))
    monkeypatch.setattr(walking, "FIRST", 2)
    monkeypatch.setattr(counting, "FIRST", 3)
    for (text, descending), numbers in EXPECTED.items():
        assert await walked(archive, text, descending=descending) == numbers, (text, descending)
    for text, number in COUNTS.items():
        assert await archive.count(parse_query(text, now=NOON)) == number, text
        assert await archive.estimate(parse_query(text, now=NOON), seconds=60.0) == Estimate(number, is_exact=True)


async def test_sections_have_the_first_and_the_last_date_of_their_messages(archive: Archive, url: str) -> None:
    await keep(archive)
    with closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as database:
        (kept,) = database.execute("SELECT * FROM section").fetchall()
        assert kept == (0, *database.execute("SELECT min(received_at), max(received_at) FROM message").fetchone())
        (trigger,) = database.execute("SELECT sql FROM sqlite_master WHERE name = 'message_dated'").fetchone()
        assert f"NEW.seq / {sections.SIZE}," in trigger


async def test_a_page_tells_how_many_there_are_as_an_estimate_does(archive: Archive) -> None:
    await keep(archive)
    for text in ("", *QUERIES):
        query = parse_query(text, now=NOON)
        page = await archive.search(query, limit=3, count_to=1000)
        assert page.estimate == await archive.estimate(query, seconds=60.0), text
        assert (await archive.search(query, limit=3)).estimate is None


async def test_of_many_a_part_from_all_of_them_is_counted(archive: Archive, monkeypatch: pytest.MonkeyPatch) -> None:
    await keep(archive)
    monkeypatch.setattr(measuring, "DENSE", 1)
    monkeypatch.setattr(counting, "MANY", 10)
    monkeypatch.setattr(counting, "STRETCHES", (2, 5))
    query = parse_query("order status:sent", now=NOON)
    told = await archive.estimate(query, at_most=2, seconds=60.0)
    assert not told.is_exact
    assert abs(told.number - await archive.count(query)) <= 6
    # Where time is up at once, the first stretch stands for all; and what the page shows is there at least.
    page = await archive.search(query, limit=20, count_to=2)
    assert page.estimate is not None
    assert page.estimate.number >= 18
