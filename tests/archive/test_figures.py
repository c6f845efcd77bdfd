"""Figures agree with what is counted one by one, for every grouping, condition and scope, and follow every change."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from relay.archive.api import Archive
from relay.archive.api.figure import LossChoice
from relay.archive.figures import Counting
from relay.archive.query import parse_query
from relay.archive.scoped import ScopedArchive
from relay.model.access import EVERYTHING, NOTHING, Scope, Share
from relay.model.delivery import State
from relay.model.event import Event, Kind
from relay.model.fetch import Judgement, Verdict
from relay.model.figure import DAY, By, Facet, FigureChoice, Sums
from relay.model.summary import Addressee, Summary
from tests.support.figured import DAYS, FIRST, Mill, Piece, pattern_of, sums_of
from tests.support.fresh import open_archive

ALL_DAYS = FigureChoice(FIRST, FIRST + DAYS)


async def count(archive: Archive) -> None:
    while await archive.look_for_changes(3):
        pass
    for day in await archive.days_to_count():
        await archive.count_day(day)


def grouped(pieces: list[Piece], key: Callable[[Piece], tuple[str | int, ...]]) -> dict[tuple[str | int, ...], Sums]:
    groups: dict[tuple[str | int, ...], list[Piece]] = {}
    for piece in pieces:
        groups.setdefault(key(piece), []).append(piece)
    return {key: sums_of(among) for key, among in groups.items()}


async def found(archive: Archive, choice: FigureChoice) -> dict[tuple[str | int, ...], Sums]:
    sheet = await archive.figures(choice)
    assert sheet.as_of is None
    return {figure.keys: figure.sums for figure in sheet.figures}


@pytest.mark.parametrize("seed", [1, 2])
async def test_kept_figures_are_those_counted_one_by_one(archive: Archive, seed: int) -> None:
    pieces = await Mill(seed).fill(archive, 60)
    await count(archive)
    assert (await archive.figures(ALL_DAYS)).total == sums_of(pieces)
    by = replace(ALL_DAYS, by=(By.DAY, By.APPLICATION, By.AUTHOR))
    assert await found(archive, by) == grouped(
        pieces, lambda piece: (piece.day, piece.message.application, piece.author)
    )
    assert await found(archive, replace(ALL_DAYS, by=(By.DOMAIN,))) == grouped(
        pieces, lambda piece: (piece.author.rpartition("@")[2],)
    )
    subjects = replace(ALL_DAYS, by=(By.VALUE,), facet=Facet.SUBJECT)
    assert await found(archive, subjects) == grouped(pieces, lambda piece: (pattern_of(piece),))
    two_days = replace(ALL_DAYS, first=FIRST + 1, stop=FIRST + 3, application="crm", author="@example.com")
    among = [one for one in pieces if FIRST + 1 <= one.day < FIRST + 3 and one.message.application == "crm"]
    assert (await archive.figures(two_days)).total == sums_of([one for one in among if "@example.com" in one.author])


async def test_tags_places_signatures_and_tls_are_counted_in_rows_of_their_own(archive: Archive) -> None:
    pieces = await Mill(3).fill(archive, 60)
    await count(archive)
    tags = await found(archive, replace(ALL_DAYS, by=(By.VALUE,), facet=Facet.TAG, values=("spring", "none")))
    assert tags == {("spring",): sums_of([piece for piece in pieces if "spring" in piece.tags])}
    places = await found(archive, replace(ALL_DAYS, by=(By.VALUE,), facet=Facet.PLACE))
    assert places == {(place,): sums_of(pieces, place) for place in ("gmail.com", "example.net")}
    handed = [attempt for piece in pieces for attempt in piece.attempts if attempt.reply and attempt.reply.is_positive]
    signed = await found(archive, replace(ALL_DAYS, by=(By.VALUE,), facet=Facet.SIGNATURE))
    assert sum(sums.handed for sums in signed.values()) == sum(len(one.signatures) for one in handed)
    assert all(str(value).startswith(("example.com a rsa-sha256 ", "example.com b rsa-sha256 ")) for (value,) in signed)
    versions = await found(archive, replace(ALL_DAYS, by=(By.VALUE,), facet=Facet.TLS))
    assert {value: sums.handed for (value,), sums in versions.items()} == {
        version: sum((one.tls_version or "") == version for one in handed) for version in ("", "TLSv1.2", "TLSv1.3")
    }


async def test_a_limit_keeps_the_rows_with_the_most_copies(archive: Archive) -> None:
    pieces = await Mill(4).fill(archive, 40)
    await count(archive)
    for scope in (EVERYTHING, Scope((Share(senders=("@example.com", "@example.org")),))):
        choice = replace(ALL_DAYS, by=(By.APPLICATION,), scope=scope)
        every = sorted((await archive.figures(choice)).figures, key=lambda figure: -figure.sums.copies)
        assert list((await archive.figures(replace(choice, limit=2))).figures) == every[:2]
    assert sum(figure.sums.copies for figure in (await archive.figures(ALL_DAYS)).figures) == sums_of(pieces).copies


SCOPES = [
    Scope((Share(applications=("shop",)), Share(applications=("crm",)))),
    Scope((Share(senders=("ann@example.com",)),)),
    Scope((Share(applications=("shop",), tags=("spring",)), Share(senders=("@example.org",)))),
    NOTHING,
]


async def test_a_scope_narrows_every_figure(archive: Archive) -> None:
    pieces = await Mill(5).fill(archive, 60)
    await count(archive)
    for scope in SCOPES:
        await _figures_are_of(archive, scope, pieces)


async def _figures_are_of(archive: Archive, scope: Scope, pieces: list[Piece]) -> None:
    scoped = ScopedArchive(archive, scope)
    seen = await scoped.within([piece.message.id for piece in pieces])
    among = [piece for piece in pieces if piece.message.id in seen]
    assert (await scoped.figures(ALL_DAYS)).total == sums_of(among)
    places = await scoped.figures(replace(ALL_DAYS, by=(By.VALUE,), facet=Facet.PLACE, values=("gmail.com",)))
    assert places.total == sums_of(among, "gmail.com")
    by = await scoped.figures(replace(ALL_DAYS, by=(By.DAY, By.DOMAIN), application="shop"))
    shop = [piece for piece in among if piece.message.application == "shop"]
    assert {figure.keys: figure.sums for figure in by.figures} == grouped(
        shop, lambda piece: (piece.day, piece.author.rpartition("@")[2])
    )
    author = await scoped.figures(replace(ALL_DAYS, author="ann@example.com"))
    assert author.total == sums_of([piece for piece in among if piece.author == "ann@example.com"])


async def test_figures_of_a_search_are_counted_anew(archive: Archive) -> None:
    pieces = await Mill(6).fill(archive, 40)
    query = parse_query("tag:spring", now=0)
    sheet = await archive.figures_of(query, replace(ALL_DAYS, author="@example.com"))
    assert sheet.total == sums_of([one for one in pieces if "spring" in one.tags and "@example.com" in one.author])
    assert sheet.counted is None
    assert sheet.as_of is None


async def test_what_was_not_counted_yet_is_told(archive: Archive) -> None:
    mill = Mill(7)
    piece = await mill.add(archive)
    assert (await archive.figures(ALL_DAYS)).as_of is not None
    await count(archive)
    assert (await archive.figures(ALL_DAYS)).as_of is None
    at = piece.message.received_at + 7
    await archive.add_events([Event(mill.new_id(), at, Kind.CANCELLED, "user:ann", piece.message.id)])
    assert (await archive.figures(ALL_DAYS)).as_of == at
    await archive.look_for_changes(10)
    assert await archive.days_to_count() == [piece.day]
    assert (await archive.figures(replace(ALL_DAYS, first=piece.day, stop=piece.day + 1))).as_of == at
    assert (await archive.figures(replace(ALL_DAYS, first=piece.day + 1, stop=piece.day + 2))).as_of is None


async def test_looking_at_a_message_changes_no_figure(archive: Archive) -> None:
    mill = Mill(8)
    piece = await mill.add(archive)
    await count(archive)
    await archive.add_events([Event(mill.new_id(), 1, Kind.VIEWED, "user:ann", piece.message.id)])
    assert await archive.look_for_changes(10) is False
    assert await archive.days_to_count() == []


async def test_what_the_indexer_finds_later_is_counted(archive: Archive) -> None:
    pieces = await Mill(9).fill(archive, 5)
    await count(archive)
    for piece in pieces:
        summary = Summary(subject="Now read", senders=(Addressee("", "carl@example.com"),))
        await archive.add_summaries([(piece.message.id, summary)])
    await count(archive)
    assert set(await found(archive, replace(ALL_DAYS, by=(By.AUTHOR,)))) == {("carl@example.com",)}
    assert set(await found(archive, replace(ALL_DAYS, by=(By.VALUE,), facet=Facet.SUBJECT))) == {("Now read",)}


async def test_a_new_opinion_about_a_fetch_is_counted(archive: Archive) -> None:
    mill = Mill(10)
    pieces = [piece for piece in await mill.fill(archive, 30) if piece.fetches]
    await count(archive)
    opened = (await archive.figures(ALL_DAYS)).total.opened
    fetches = [fetch for piece in pieces for fetch in piece.fetches if fetch.verdict is Verdict.HUMAN]
    await archive.judge([Judgement(mill.new_id(), 1, fetch.id, Verdict.PROXY, "", 2) for fetch in fetches])
    await count(archive)
    total = (await archive.figures(ALL_DAYS)).total
    assert opened
    assert total.opened == 0
    assert total.clicked == 0


async def test_a_change_while_a_day_is_counted_leaves_it_to_be_counted_again(url: str) -> None:
    archive = await open_archive(url)
    try:
        mill = Mill(11)
        piece = await mill.add(archive)
        await archive.look_for_changes(100)
        path = Path(url.removeprefix("sqlite:///"))
        with sqlite3.connect(path) as database:
            (mark,) = database.execute("SELECT mark FROM figure_day WHERE day = ?", (piece.day,)).fetchone()
        await archive.add_summaries([(piece.message.id, Summary(subject="again"))])
        with sqlite3.connect(path) as database:
            (later,) = database.execute("SELECT mark FROM figure_day WHERE day = ?", (piece.day,)).fetchone()
        assert later == mark + 1
        await archive.count_day(piece.day)
        assert await archive.days_to_count() == []
        await archive.count_day(piece.day)
        assert (await archive.figures(ALL_DAYS)).total.messages == 1
    finally:
        await archive.close()


async def test_the_follower_counts_what_comes_in(archive: Archive) -> None:
    counting = Counting(archive, look=0.01)
    await counting.start()
    try:
        pieces = await Mill(12).fill(archive, 10)

        async with asyncio.timeout(20):
            while (sheet := await archive.figures(ALL_DAYS)).as_of is not None or sheet.total != sums_of(pieces):
                await asyncio.sleep(0.01)
    finally:
        await counting.stop()
        await counting.stop()


async def test_all_to_one_address_is_found_whatever_its_case(archive: Archive) -> None:
    pieces = await Mill(13).fill(archive, 60)
    wanted = "U1@Example.net"
    scope = Scope((Share(applications=("shop",)),))
    for seen, among in (
        (archive, pieces),
        (ScopedArchive(archive, scope), [p for p in pieces if p.message.application == "shop"]),
    ):
        listed = [piece for piece in among if piece.subject]
        expected = {
            one.id: one.state
            for piece in listed
            for one in piece.deliveries
            if one.recipient.address.lower() == wanted.lower()
        }
        states: dict[str, State] = {}
        cursor: str | None = None
        while True:
            page = await seen.sendings_to(wanted, cursor=cursor, limit=2)
            states |= {one.delivery.id: one.delivery.state for one in page.sendings}
            assert [one.seq for one in page.sendings] == sorted((one.seq for one in page.sendings), reverse=True)
            cursor = page.next
            if cursor is None:
                break
        assert states == expected
        total = await seen.sums_to(wanted)
        assert sum(total.states.values()) == len(expected)
        assert not total.is_cut
        assert (total.first_at or FIRST * DAY) >= FIRST * DAY
    with pytest.raises(ValueError, match="cursor"):
        await archive.sendings_to(wanted, cursor="x")
    assert (await archive.sums_to("nobody@example.com")).first_at is None


async def test_losses_are_those_that_failed(archive: Archive) -> None:
    pieces = await Mill(14).fill(archive, 60)
    losses = await archive.losses(LossChoice(FIRST, FIRST + DAYS))
    assert sum(loss.count for loss in losses) == sums_of(pieces).lost > 0
    assert {(loss.code, loss.enhanced, loss.text) for loss in losses} == {(550, "5.1.1", "no such user")}
    net = LossChoice(FIRST, FIRST + DAYS, application="shop", domain="example.net")
    shop = [piece for piece in pieces if piece.message.application == "shop"]
    assert sum(loss.count for loss in await archive.losses(net)) == sums_of(shop, "example.net").failed
    scoped = ScopedArchive(archive, Scope((Share(tags=("spring",)),)))
    spring = [piece for piece in pieces if "spring" in piece.tags]
    assert sum(loss.count for loss in await scoped.losses(LossChoice(FIRST, FIRST + DAYS))) == sums_of(spring).failed
    addresses = {address for address, _ in await scoped.lost_recipients(LossChoice(FIRST, FIRST + DAYS), 100)}
    assert addresses == {
        one.recipient.address for piece in spring for one in piece.deliveries if one.state.value == "failed"
    }
    assert await archive.losses(LossChoice(1, 2)) == []
    assert await archive.lost_recipients(LossChoice(1, 2), 5) == []
