"""Each write of the courier fails once without effect, and once with its answer lost: nothing is lost, all is told."""

from __future__ import annotations

import contextlib
from typing import cast

import pytest

from relay.archive.api import Archive, ArchiveUnavailable
from relay.model.event import Kind
from relay.model.message import Recipient
from tests.support.dispatch import (
    CONTENT,
    RunningClock,
    at_rest,
    courier_of,
    message_of,
    queue,
    states,
    until,
    upstream_of,
    when_sent,
)
from tests.support.failing_archive import FailingArchive
from tests.support.upstream import ScriptedUpstream

B = "b@example.com"


@pytest.mark.parametrize(
    ("method", "how", "restarts"),
    [
        ("claim", ["lost", "lost"], 0),
        ("claim", ["done"], 1),  # leased to a courier that does not know: the lease runs out, or a restart recovers
        ("content", ["lost"], 0),
        ("begin_attempts", ["lost", "done", "lost"], 0),
        ("finish_attempts", ["lost", "done", "lost"], 0),
        ("recover", ["lost"], 1),  # the courier does not start; the service says why and ends
        ("recover", ["done"], 1),
    ],
    ids=lambda value: "-".join(value) if isinstance(value, list) else str(value),
)
async def test_every_write_may_fail_and_the_message_is_sent_once(
    archive: Archive, method: str, how: list[str], restarts: int
) -> None:
    message = await queue(archive, message_of(CONTENT), CONTENT)
    failing = FailingArchive(archive, {method: how})

    async def has_failed() -> bool:
        return not how

    async def is_sent() -> bool:
        return states(await archive.message(message.id)) == {B: "sent"}

    async with ScriptedUpstream() as upstream:
        for n in range(restarts + 1):
            courier = courier_of(cast(Archive, failing), [upstream_of(upstream.port)], RunningClock())
            with contextlib.suppress(ArchiveUnavailable):
                await courier.start()
                await until(is_sent if n == restarts else has_failed)
            await courier.stop(5)
    found = await archive.message(message.id)
    assert states(found) == {B: "sent"}
    assert len(found.attempts) == 1
    assert found.attempts[0].finished_at is not None
    assert len(upstream.messages) == 1


async def test_an_outcome_is_written_even_if_the_archive_fails_for_a_while(archive: Archive) -> None:
    message = await queue(archive, message_of(CONTENT), CONTENT)
    failing = FailingArchive(archive, {"finish_attempts": ["lost", "lost", "done"]})
    async with ScriptedUpstream() as upstream:
        courier = courier_of(cast(Archive, failing), [upstream_of(upstream.port)])
        await courier.start()
        found = await at_rest(archive, message)
        await courier.stop(5)
    assert states(found) == {B: "sent"}
    assert len(upstream.messages) == 1
    kinds = [event.kind for _, event in await archive.events(message_id=message.id)]
    assert kinds == [Kind.CAPTURED, Kind.SENT]


@pytest.mark.parametrize("how", [["lost"], ["done"], ["done", "lost", "done"]], ids="-".join)
async def test_a_notice_is_kept_once_with_the_failure_it_tells_of(archive: Archive, how: list[str]) -> None:
    message = await queue(archive, message_of(CONTENT), CONTENT)
    failing = FailingArchive(archive, {"finish_attempts": how})
    async with ScriptedUpstream(script={"RCPT": {f"<{B}>": "550 5.1.1 no"}}) as upstream:
        courier = courier_of(cast(Archive, failing), [upstream_of(upstream.port)], notices=True)
        await courier.start()
        found = await at_rest(archive, message)
        assert states(found) == {B: "failed"}
        await upstream.received(1)
        await courier.stop(5)
    assert (await archive.health()).messages == 2
    assert len(upstream.messages) == 1
    kinds = [event.kind for _, event in await archive.events(message_id=message.id)]
    assert kinds == [Kind.CAPTURED, Kind.FAILED, Kind.NOTICE]


async def test_a_notice_that_cannot_be_made_does_not_undo_the_delivery(archive: Archive) -> None:
    message = await queue(archive, message_of(CONTENT, Recipient(B, "DELAY")), CONTENT, created_at=0)
    failing = FailingArchive(archive, {"events": ["lost"]})
    async with ScriptedUpstream(script={"RCPT": "450 4.2.1 later"}) as upstream:
        courier = courier_of(cast(Archive, failing), [upstream_of(upstream.port)], notices=True)
        await courier.start()
        found = await at_rest(archive, message)
        await courier.stop(5)
    assert states(found) == {B: "deferred"}
    assert (await archive.health()).messages == 1


async def test_an_attempt_that_cannot_be_begun_defers_and_sends_nothing(archive: Archive) -> None:
    message = await queue(archive, message_of(CONTENT), CONTENT)
    failing = FailingArchive(archive, {"begin_attempts": ["broken"]})
    async with ScriptedUpstream() as upstream:
        courier = courier_of(cast(Archive, failing), [upstream_of(upstream.port)])
        await courier.start()
        found = await at_rest(archive, message)
        await courier.stop(5)
    assert states(found) == {B: "deferred"}
    assert "could not be made ready for sending: ArchiveError" in str(found.deliveries[0].reply)
    assert upstream.messages == []


async def test_an_outcome_that_the_archive_will_not_take_is_unconfirmed(archive: Archive) -> None:
    """Something was sent; what was answered could not be written down. To say less would be to promise too much."""
    message = await queue(archive, message_of(CONTENT), CONTENT)
    failing = FailingArchive(archive, {"finish_attempts": ["broken"]})
    async with ScriptedUpstream() as upstream:
        courier = courier_of(cast(Archive, failing), [upstream_of(upstream.port)])
        await courier.start()
        found = await at_rest(archive, message)
        await courier.stop(5)
    assert states(found) == {B: "unconfirmed"}
    assert found.attempts[0].is_uncertain


async def test_when_nothing_can_be_written_the_lease_brings_the_delivery_back(archive: Archive) -> None:
    message = await queue(archive, message_of(CONTENT), CONTENT)
    failing = FailingArchive(archive, {"begin_attempts": ["broken"], "release": ["broken"]})
    async with ScriptedUpstream() as upstream:
        courier = courier_of(cast(Archive, failing), [upstream_of(upstream.port)], RunningClock(), lease=0.3)
        await courier.start()
        await when_sent(archive, message)
        await courier.stop(5)
