"""Fetches on their way into the archive: kept in groups, judged together, none lost by stopping."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, cast

import pytest

from relay import metrics
from relay.archive.api import Archive, ArchiveError
from relay.feedback import gathering
from relay.feedback.gathering import Gathering, Hit
from relay.feedback.judging import judge_again, judgements
from relay.model.event import Kind
from relay.model.fetch import Verdict
from tests.support.archive_values import NOON, SECOND, new_id
from tests.support.failing_archive import FailingArchive
from tests.support.tracked_copy import tracked_copy

CHROME = "Mozilla/5.0 (Windows NT 10.0) Chrome/131.0"
LATER = NOON + 3600 * SECOND


def a_hit(token: str, seconds: float = 0, agent: str = CHROME, **more: Any) -> Hit:
    return Hit(token, LATER + int(seconds * SECOND), "GET", "66.66.1.7", agent, **more)


def a_gathering(archive: Archive, detail: str = "truncated") -> Gathering:
    return Gathering(archive, clock=lambda: LATER, new_id=new_id, detail=detail)


async def gathered(archive: Archive, *hits: Hit, detail: str = "truncated") -> None:
    gathering = a_gathering(archive, detail)
    gathering.start()
    for hit in hits:
        gathering.note(hit)
    await gathering.stop(20)


async def verdicts(archive: Archive, message_id: str) -> dict[str, Verdict]:
    return {fetch.token_id: fetch.verdict for fetch in await archive.fetches(message_id)}


async def test_what_was_noted_is_kept_when_it_stops(archive: Archive):
    copy = await tracked_copy(archive)
    await gathered(archive, a_hit(copy.pixel, signals=(("Purpose", "prefetch"),)), a_hit(copy.links[0], 60))
    pixel, link = await archive.fetches(copy.message_id)
    assert (pixel.token_id, pixel.at, pixel.address, pixel.verdict) == (copy.pixel, LATER, "66.66.1.0", Verdict.PROXY)
    assert (link.user_agent, link.verdict, link.rules_version) == (CHROME, Verdict.HUMAN, 1)


async def test_tokens_that_do_not_exist_leave_nothing(archive: Archive):
    copy = await tracked_copy(archive)
    await gathered(archive, a_hit("nobody-knows-it"), a_hit(copy.pixel), a_hit("another-unknown"))
    assert [fetch.token_id for fetch in await archive.fetches(copy.message_id)] == [copy.pixel]


@pytest.mark.parametrize(("detail", "address"), [("full", "66.249.84.7"), ("truncated", "66.249.84.0"), ("none", "")])
async def test_as_much_of_the_address_is_kept_as_configured_and_its_network_anyway(
    archive: Archive, detail: str, address: str
):
    copy = await tracked_copy(archive)
    await gathered(archive, a_hit(copy.pixel)._replace(address="66.249.84.7"), detail=detail)
    [fetch] = await archive.fetches(copy.message_id)
    assert (fetch.address, fetch.network, fetch.verdict) == (address, "Google", Verdict.PROXY)


async def test_alike_fetches_of_one_moment_are_one_with_a_count(archive: Archive):
    copy = await tracked_copy(archive)
    other = a_hit(copy.pixel, agent="another")
    await gathered(archive, *[a_hit(copy.pixel)] * 400, *[other] * 90)
    assert [fetch.count for fetch in await archive.fetches(copy.message_id)] == [400, 90]


async def test_a_reader_of_every_link_is_found_out_also_afterwards(archive: Archive):
    copy = await tracked_copy(archive, urls=tuple(f"https://a.example/{n}" for n in range(5)))
    await gathered(archive, a_hit(copy.links[0]))
    assert await verdicts(archive, copy.message_id) == {copy.links[0]: Verdict.HUMAN}
    await gathered(archive, a_hit(copy.links[1], 3))
    assert set((await verdicts(archive, copy.message_id)).values()) == {Verdict.HUMAN}
    await gathered(archive, a_hit(copy.links[2], 6), a_hit(copy.links[3], 100))
    assert await verdicts(archive, copy.message_id) == {
        **dict.fromkeys(copy.links[:3], Verdict.SCANNER),
        copy.links[3]: Verdict.HUMAN,
    }
    events = [event for _, event in await archive.events(message_id=copy.message_id)]
    assert [event.kind for event in events] == [Kind.CLICKED] * 6
    assert [event.data.get("was") for event in events].count("likely-human") == 2


async def test_who_follows_the_trap_has_not_opened_and_clicked_as_a_person(archive: Archive):
    copy = await tracked_copy(archive)
    await gathered(archive, a_hit(copy.links[0]), a_hit(copy.pixel, 5), a_hit(copy.trap, 20))
    assert set((await verdicts(archive, copy.message_id)).values()) == {Verdict.SCANNER}
    await gathered(archive, a_hit(copy.links[1], 3600))
    assert (await verdicts(archive, copy.message_id))[copy.links[1]] is Verdict.HUMAN


async def test_links_of_another_copy_say_nothing(archive: Archive):
    one, two = await tracked_copy(archive, 1), await tracked_copy(archive, 2)
    await gathered(archive, a_hit(one.trap), a_hit(one.links[0], 1), a_hit(two.links[0], 2), a_hit(two.links[1], 200))
    assert set((await verdicts(archive, two.message_id)).values()) == {Verdict.HUMAN}


@pytest.mark.parametrize("how", ["lost", "done"])
@pytest.mark.parametrize("method", ["tracking_tokens", "clicks_near", "add_fetches", "judge"])
async def test_what_the_archive_could_not_keep_is_tried_again_and_counted_once(archive: Archive, method: str, how: str):
    copy = await tracked_copy(archive)
    await gathered(archive, a_hit(copy.links[0]))
    failing = FailingArchive(archive, {method: [how]})
    hits = [a_hit(copy.links[1], 5), *[a_hit(copy.pixel)] * 70]
    await gathered(cast(Archive, failing), *hits)
    found = await archive.fetches(copy.message_id)
    assert failing.calls[method] > (1 if (method, how) != ("judge", "done") else 0)
    assert sum(fetch.count for fetch in found) == 72
    assert {fetch.verdict for fetch in found if fetch.token_id in copy.links} == {Verdict.SCANNER}


async def test_a_broken_promise_of_the_archive_does_not_stop_those_behind(archive: Archive):
    copy = await tracked_copy(archive)
    failing = FailingArchive(archive, {"add_fetches": ["broken"]})
    noted = a_gathering(cast(Archive, failing))
    noted.note(a_hit(copy.pixel))
    noted.start()
    await noted.stop(20)
    assert await archive.fetches(copy.message_id) == []
    await gathered(cast(Archive, failing), a_hit(copy.pixel))
    assert len(await archive.fetches(copy.message_id)) == 1


async def test_more_than_memory_may_hold_is_counted_by_token(archive: Archive):
    copy = await tracked_copy(archive)
    noted = a_gathering(archive)
    for n in range(gathering.WAITING):
        noted.note(a_hit(f"unknown-token-{n}"))
    for n in range(1234):
        noted.note(a_hit(copy.pixel, n))
    noted.start()
    await noted.stop(60)
    [fetch] = await archive.fetches(copy.message_id)
    assert (fetch.count, fetch.at) == (1234, LATER)


async def test_what_memory_may_not_hold_at_all_is_counted_as_lost(archive: Archive):
    copy = await tracked_copy(archive)
    noted = a_gathering(archive)
    before = metrics.fetches_lost._value.get()
    noted.note(a_hit(copy.pixel))
    for n in range(gathering.WAITING + gathering.TOKENS_WAITING + 4):
        noted.note(a_hit(f"unknown-token-{n}"))
    noted.start()
    await noted.stop(60)
    assert metrics.fetches_lost._value.get() - before == 5
    assert len(await archive.fetches(copy.message_id)) == 1


async def test_stopping_does_not_wait_for_an_archive_that_never_answers(archive: Archive):
    copy = await tracked_copy(archive)
    noted = a_gathering(cast(Archive, FailingArchive(archive, {"add_fetches": ["lost"] * 100})))
    noted.start()
    noted.note(a_hit(copy.pixel))
    await noted.stop(0.05)
    assert await archive.fetches(copy.message_id) == []
    await a_gathering(archive).stop(1)


async def test_what_is_kept_at_once_is_committed_when_it_returns(archive: Archive):
    copy = await tracked_copy(archive)
    await a_gathering(archive).keep([a_hit(copy.leave)._replace(method="POST")])
    [(_, event)] = await archive.events(message_id=copy.message_id)
    assert event.kind is Kind.UNSUBSCRIBED
    with pytest.raises(ArchiveError):
        failing = FailingArchive(archive, {"add_fetches": ["lost"]})
        await a_gathering(cast(Archive, failing)).keep([a_hit(copy.leave)])


async def test_kept_fetches_can_be_judged_again(archive: Archive):
    copy = await tracked_copy(archive)
    await gathered(archive, a_hit(copy.pixel), a_hit(copy.links[0], 100))
    old = [
        replace(f, verdict=Verdict.SCANNER, reason="older rules", rules_version=0)
        for f in await archive.fetches(copy.message_id)
    ]
    await archive.judge(judgements(old, now=NOON, new_id=new_id))
    before, now = await judge_again(archive, "", 10)
    assert [fetch.verdict for fetch in before] == [Verdict.SCANNER] * 2
    await archive.judge(judgements(now, now=NOON, new_id=new_id))
    assert [fetch.verdict for fetch in await archive.fetches(copy.message_id)] == [Verdict.HUMAN] * 2
    assert await judge_again(archive, "", 10) == ([], [])
