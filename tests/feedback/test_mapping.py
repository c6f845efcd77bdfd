"""The task that reads what was kept: at once, after a crash, and however its reader or the archive fails."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, cast

import pytest

from relay.archive.api import Archive
from relay.archive.api.suppression import Selection
from relay.feedback import mapping
from relay.feedback.mapping import Mapper, Read
from relay.model.delivery import State
from relay.model.event import Grade, Kind
from relay.model.report import Payload, Report, ReportKind
from relay.model.suppressing import SuppressionRules
from tests.support.archive_values import NOON, SECOND, new_id
from tests.support.failing_archive import FailingArchive
from tests.support.reported import Sent, finish, sent_message, states

NOW = NOON + 3600 * SECOND


def a_payload(body: bytes = b"p", source: str = "bounce") -> Payload:
    return Payload(new_id(), NOW, source, Grade.UNSIGNED, "by hand", {}, body)


def about(provider_id: str, *, count: int = 1, at: int = NOON + SECOND) -> Read:
    """A reader that finds the same number of reports in every payload."""

    def read(payload: Payload) -> Sequence[Report]:
        key = payload.body.decode()
        return [Report("", "", at, ReportKind.DELIVERED, f"{key}/{n}", provider_id=provider_id) for n in range(count)]

    return read


def failing(payload: Payload) -> Sequence[Report]:
    raise RecursionError("too deep")


@asynccontextmanager
async def running(archive: Any, readers: Mapping[str, Read], **more: Any) -> AsyncIterator[Mapper]:
    mapper = Mapper(
        cast(Archive, archive), readers=readers, rules=SuppressionRules(), clock=lambda: NOW, new_id=new_id, **more
    )
    mapper.start()
    try:
        yield mapper
    finally:
        await mapper.stop(10)


async def reach(archive: Archive, sent: Sent, state: State) -> None:
    async with asyncio.timeout(10):
        while await states(archive, sent) != [state]:
            await asyncio.sleep(0.005)


async def read_through(archive: Archive) -> None:
    """Returns once nothing waits to be read."""
    async with asyncio.timeout(10):
        while await archive.unmapped(1):
            await asyncio.sleep(0.005)


async def test_what_is_kept_is_read_when_it_comes(archive: Archive):
    sent = await sent_message(archive, provider_id="p")
    async with running(archive, {"bounce": about("p")}) as mapper:
        await archive.add_payload(a_payload())
        mapper.wake()
        await reach(archive, sent, State.DELIVERED)


async def test_what_a_crash_left_unread_is_read_at_the_start(archive: Archive):
    sent = await sent_message(archive, provider_id="p")
    for number in range(120):
        await archive.add_payload(a_payload(b"%d" % number))
    async with running(archive, {"bounce": about("p")}):
        await read_through(archive)
    assert len(await archive.reports(sent.message_id)) == 120


async def test_a_payload_whose_reader_fails_is_kept_with_the_reason_and_read_at_the_next_start(archive: Archive):
    sent = await sent_message(archive, provider_id="p")
    payload = a_payload()
    await archive.add_payload(payload)
    async with running(archive, {"bounce": failing}):
        await read_through(archive)
    assert await archive.unmapped(10, has_problem=True) == [payload]
    assert await states(archive, sent) == [State.SENT]
    async with running(archive, {"bounce": about("p")}):
        await reach(archive, sent, State.DELIVERED)
    assert await archive.unmapped(10, has_problem=True) == []


async def test_one_that_cannot_be_read_does_not_keep_others(archive: Archive):
    sent = await sent_message(archive, provider_id="p")
    await archive.add_payload(a_payload(b"bad", "webhook:x"))
    await archive.add_payload(a_payload(b"good"))
    async with running(archive, {"bounce": about("p"), "webhook:x": failing}):
        await reach(archive, sent, State.DELIVERED)


async def test_what_nobody_reads_now_is_read_once_somebody_does(archive: Archive):
    sent = await sent_message(archive, provider_id="p")
    await archive.add_payload(a_payload())
    async with running(archive, {}) as mapper:
        await read_through(archive)
        mapper.use({"bounce": about("p")}, SuppressionRules())
        await reach(archive, sent, State.DELIVERED)


async def test_other_rules_hold_from_the_next_payload_on(archive: Archive):
    sent = await sent_message(archive)

    def complaint(payload: Payload) -> Sequence[Report]:
        return [Report("", "", NOON, ReportKind.COMPLAINED, payload.body.decode(), message_id=sent.message_id)]

    async with running(archive, {"bounce": complaint}) as mapper:
        mapper.use({"bounce": complaint}, SuppressionRules(on_complaint=False))
        await archive.add_payload(a_payload())
        mapper.wake()
        await read_through(archive)
    assert (await archive.suppressions(Selection(NOW))).entries == ()


async def test_values_that_cannot_be_kept_are_the_payloads_problem(archive: Archive):
    def read(payload: Payload) -> Sequence[Report]:
        return [Report("", "", NOON, ReportKind.OTHER, "k", diagnostic="\ud800")]

    await archive.add_payload(a_payload())
    async with running(archive, {"bounce": read}):
        await read_through(archive)
    assert len(await archive.unmapped(10, has_problem=True)) == 1


async def test_many_reports_in_one_payload_are_kept_in_portions(archive: Archive):
    sent = await sent_message(archive, provider_id="p")
    counting = FailingArchive(archive, {"add_reports": []})
    await archive.add_payload(a_payload())
    async with running(counting, {"bounce": about("p", count=230)}):
        await read_through(archive)
    assert counting.calls["add_reports"] == 5
    assert len(await archive.reports(sent.message_id)) == 230


@pytest.mark.parametrize("how", ["lost", "done"])
@pytest.mark.parametrize("method", ["unmapped", "add_reports", "unmatched_payloads"])
async def test_an_archive_that_fails_is_asked_again(archive: Archive, how: str, method: str):
    sent = await sent_message(archive, provider_id="p")
    await archive.add_payload(a_payload())
    broken = FailingArchive(archive, {method: [how]})
    async with running(broken, {"bounce": about("p", count=60)}, retry=0.02):
        await reach(archive, sent, State.DELIVERED)
        async with asyncio.timeout(10):
            while len(await archive.reports(sent.message_id)) < 60:
                await asyncio.sleep(0.01)


async def test_reports_that_match_nothing_yet_are_tried_again(archive: Archive):
    sent = await sent_message(archive, is_finished=False)
    await archive.add_payload(a_payload())
    async with running(archive, {"bounce": about("p")}, again=(0.02,) * 50):
        await read_through(archive)
        await finish(archive, sent, "p")
        await reach(archive, sent, State.DELIVERED)
    kinds = [event.kind for _, event in await archive.events(message_id=sent.message_id)]
    assert kinds.count(Kind.DELIVERED) == 1


async def test_reports_that_matched_nothing_before_a_restart_are_tried_again(archive: Archive):
    sent = await sent_message(archive, is_finished=False)
    await archive.add_payload(a_payload())
    async with running(archive, {"bounce": about("p")}):
        await read_through(archive)
    await finish(archive, sent, "p")
    async with running(archive, {"bounce": about("p")}, again=(0.02,)):
        await reach(archive, sent, State.DELIVERED)


async def test_an_archive_that_fails_while_matching_again_is_asked_once_more(archive: Archive):
    sent = await sent_message(archive, is_finished=False)
    await archive.add_payload(a_payload())
    broken = FailingArchive(archive, {"match_reports": ["lost"]})
    async with running(broken, {"bounce": about("p")}, retry=0.02, again=(0.02,) * 50):
        await read_through(archive)
        await finish(archive, sent, "p")
        await reach(archive, sent, State.DELIVERED)


@pytest.mark.parametrize("at", [0, -5, NOW + 2 * mapping.AHEAD])
async def test_a_report_with_an_impossible_time_has_that_of_its_arrival(archive: Archive, at: int):
    sent = await sent_message(archive, provider_id="p")
    await archive.add_payload(a_payload())
    async with running(archive, {"bounce": about("p", at=at)}):
        await reach(archive, sent, State.DELIVERED)
    [kept] = await archive.reports(sent.message_id)
    assert kept.report.at == NOW


async def test_stopping_does_not_wait_for_what_is_not_begun(archive: Archive):
    mapper = Mapper(archive, readers={}, rules=SuppressionRules(), clock=lambda: NOW, new_id=new_id)
    await mapper.stop(1)
