"""The courier's life: retries, expiry, crash and recovery, stopping, reloading, and messages that are broken."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from relay.archive.api import Archive
from relay.archive.content import stored
from relay.config import Delivery as DeliveryTable
from relay.config import Trace
from relay.courier.courier import LEASE, retry_schedule
from relay.model.delivery import Attempt, State
from relay.model.event import Grade, Kind
from relay.model.message import Message
from tests.support.dispatch import (
    CONTENT,
    HOUR,
    MINUTE,
    START,
    Clock,
    RunningClock,
    at_rest,
    courier_of,
    message_of,
    new_id,
    queue,
    states,
    until,
    upstream_of,
    when_sent,
)
from tests.support.fresh import open_archive
from tests.support.upstream import EVERYTHING, HANG, ScriptedUpstream

B = "b@example.com"


async def kinds(archive: Archive, message: Message) -> list[Kind]:
    return [event.kind for _, event in await archive.events(message_id=message.id)]


async def test_a_deferred_delivery_is_tried_again_by_the_schedule(archive: Archive) -> None:
    clock = Clock()
    message = await queue(archive, message_of(CONTENT), CONTENT)
    async with ScriptedUpstream(script={"RCPT": ["450 4.2.1 grey", "450 4.2.1 grey"]}) as upstream:
        courier = courier_of(archive, [upstream_of(upstream.port)], clock)
        await courier.start()
        found = await at_rest(archive, message)
        assert found.deliveries[0].due_at == START + MINUTE
        for due_at, state in ((START + MINUTE, "deferred"), (START + 6 * MINUTE, "sent")):
            attempts = len(found.attempts)
            clock.now = due_at
            await courier.reload(
                DeliveryTable(trace=Trace.NONE, jitter=0), [upstream_of(upstream.port)], "relay.example"
            )

            async def is_tried_again() -> bool:
                tried = await archive.message(message.id)
                return len([each for each in tried.attempts if each.finished_at]) > attempts

            await until(is_tried_again)
            found = await archive.message(message.id)
            assert states(found) == {B: state}
        await courier.stop(5)
    assert [attempt.number for attempt in found.attempts] == [1, 2, 3]
    assert await kinds(archive, message) == [Kind.CAPTURED, Kind.DEFERRED, Kind.DEFERRED, Kind.SENT]


async def test_an_event_says_who_answered_and_how_good_the_evidence_is(archive: Archive) -> None:
    message = await queue(archive, message_of(CONTENT), CONTENT)
    async with ScriptedUpstream() as upstream:
        courier = courier_of(archive, [upstream_of(upstream.port, name="provider")])
        await courier.start()
        found = await at_rest(archive, message)
        await courier.stop(5)
    event = (await archive.events(message_id=message.id))[-1][1]
    assert (event.kind, event.actor, event.grade) == (Kind.SENT, "upstream:provider", Grade.PEER)
    assert event.data == {
        "code": 250,
        "enhanced": "2.0.0",
        "text": "queued as 4XyZ",
        "is_local": False,
        "upstream": "provider",
        "attempt": found.attempts[0].id,
    }
    assert found.deliveries[0].upstream == "provider"


async def test_a_delivery_that_would_come_due_after_it_expires_fails(archive: Archive) -> None:
    message = await queue(archive, message_of(CONTENT), CONTENT, expires_at=START + MINUTE - 1)
    async with ScriptedUpstream(script={"DOT": "451 4.3.0 later"}) as upstream:
        courier = courier_of(archive, [upstream_of(upstream.port)])
        await courier.start()
        found = await at_rest(archive, message)
        await courier.stop(5)
    assert states(found) == {B: "failed"}
    assert (await kinds(archive, message))[-1] is Kind.EXPIRED


async def test_a_lost_reply_rests_where_a_person_is_to_decide(archive: Archive) -> None:
    message = await queue(archive, message_of(CONTENT), CONTENT)
    async with ScriptedUpstream(script={"DOT": HANG}) as upstream:
        courier = courier_of(archive, [upstream_of(upstream.port, timeout=1)], unconfirmed="rest")
        await courier.start()
        found = await at_rest(archive, message)
        await courier.stop(5)
    assert states(found) == {B: "unconfirmed"}
    assert found.deliveries[0].due_at is None


async def test_an_attempt_that_a_crash_left_open_is_unconfirmed_and_sent_again(archive: Archive) -> None:
    """The first courier dies between commit 2 and commit 3: its upstream has the content, and never answers."""
    message = await queue(archive, message_of(CONTENT), CONTENT)
    hold = asyncio.Event()
    async with ScriptedUpstream(hold=hold) as upstream:
        first = courier_of(archive, [upstream_of(upstream.port)])
        await first.start()

        async def is_begun() -> bool:
            return bool((await archive.message(message.id)).attempts)

        await until(is_begun)
        await first.stop(0)
        assert (await archive.message(message.id)).deliveries[0].state is State.SENDING
        hold.set()
        second = courier_of(archive, [upstream_of(upstream.port)])
        await second.start()
        found = await when_sent(archive, message)
        await second.stop(5)
    assert states(found) == {B: "sent"}
    assert [(attempt.is_uncertain, attempt.reply is not None) for attempt in found.attempts] == [
        (True, True),
        (False, True),
    ]
    assert await kinds(archive, message) == [Kind.CAPTURED, Kind.UNCONFIRMED, Kind.SENT]


async def test_a_claim_that_a_crash_left_behind_is_queued_again(archive: Archive) -> None:
    message = await queue(archive, message_of(CONTENT), CONTENT)
    assert await archive.claim("a courier that died", START, START + 10 * HOUR, 10)
    async with ScriptedUpstream() as upstream:
        courier = courier_of(archive, [upstream_of(upstream.port)])
        await courier.start()
        found = await at_rest(archive, message)
        await courier.stop(5)
    assert states(found) == {B: "sent"}
    assert len(found.attempts) == 1


async def test_an_open_attempt_of_a_dead_process_is_delivered_after_a_restart(tmp_path: Path) -> None:
    """At the level of the archive: commit 2 is on disk, then the file is opened anew."""
    url = f"sqlite:///{tmp_path / 'other.db'}"
    archive = await open_archive(url)
    message = await queue(archive, message_of(CONTENT), CONTENT)
    claim = (await archive.claim("dead", START, START + LEASE, 10))[0]
    attempt = Attempt(
        new_id(), claim.deliveries[0].id, message.id, 1, "upstream", START, (), message.sha256, message.size
    )
    await archive.begin_attempts([attempt])
    await archive.close()
    archive = await open_archive(url)
    async with ScriptedUpstream() as upstream:
        courier = courier_of(archive, [upstream_of(upstream.port)])
        await courier.start()
        found = await when_sent(archive, message)
        await courier.stop(5)
    await archive.close()
    assert states(found) == {B: "sent"}
    assert upstream.messages[0].content == CONTENT
    assert found.attempts[0].is_uncertain


async def test_a_damaged_content_defers_its_own_message_only(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'damaged.db'}"
    archive = await open_archive(url)
    broken = await queue(archive, message_of(CONTENT), CONTENT)
    sound = await queue(archive, message_of(CONTENT), CONTENT)
    await archive.close()
    with sqlite3.connect(tmp_path / "damaged.db") as database:
        guards = database.execute("SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name = 'content'")
        for (guard,) in guards.fetchall():
            database.execute(f"DROP TRIGGER {guard}")
        other = stored(b"another content").frames[0]
        of_message = "message_seq = (SELECT seq FROM message WHERE id = ?)"
        database.execute(f"UPDATE content SET frame = ? WHERE {of_message}", (other, broken.id))
    database.close()
    archive = await open_archive(url)
    async with ScriptedUpstream() as upstream:
        courier = courier_of(archive, [upstream_of(upstream.port)])
        await courier.start()
        assert states(await at_rest(archive, sound)) == {B: "sent"}
        found = await at_rest(archive, broken)
        await courier.stop(5)
    assert states(found) == {B: "deferred"}
    assert "does not have its recorded SHA-256" in str(found.deliveries[0].reply)
    assert found.deliveries[0].due_at == START + MINUTE
    assert found.attempts == ()
    assert (await kinds_of_file(url, broken))[-1] is Kind.DEFERRED
    await archive.close()


async def kinds_of_file(url: str, message: Message) -> list[Kind]:
    archive = await open_archive(url, read_only=True)
    found = await kinds(archive, message)
    await archive.close()
    return found


async def test_without_an_upstream_deliveries_stay_due_until_one_is_configured(archive: Archive) -> None:
    message = await queue(archive, message_of(CONTENT), CONTENT)
    courier = courier_of(archive, [])
    await courier.start()
    assert states(await archive.message(message.id)) == {B: "queued"}
    async with ScriptedUpstream() as upstream:
        await courier.reload(DeliveryTable(trace=Trace.NONE), [upstream_of(upstream.port)], "relay.example")
        assert states(await at_rest(archive, message)) == {B: "sent"}
        await courier.reload(DeliveryTable(trace=Trace.NONE), [], "relay.example")
        late = await queue(archive, message_of(CONTENT), CONTENT)
        await courier.stop(5)
    assert states(await archive.message(late.id)) == {B: "queued"}


async def test_a_message_that_comes_while_the_courier_rests_is_sent_at_once(archive: Archive) -> None:
    async with ScriptedUpstream() as upstream:
        courier = courier_of(archive, [upstream_of(upstream.port)])
        await courier.start()
        for _ in range(3):
            message = await queue(archive, message_of(CONTENT), CONTENT)
            assert states(await at_rest(archive, message, within=3)) == {B: "sent"}
        await courier.stop(5)


async def test_stopping_lets_a_running_transaction_end_and_gives_the_rest_back(archive: Archive) -> None:
    messages = [await queue(archive, message_of(CONTENT), CONTENT) for _ in range(5)]
    hold = asyncio.Event()
    async with ScriptedUpstream(hold=hold) as upstream:
        courier = courier_of(archive, [upstream_of(upstream.port)], concurrency=1)
        await courier.start()

        async def is_begun() -> bool:
            return bool((await archive.message(messages[0].id)).attempts)

        await until(is_begun)
        stopping = asyncio.create_task(courier.stop(5))
        await asyncio.sleep(0)
        hold.set()
        await stopping
    found = [states(await archive.message(message.id))[B] for message in messages]
    assert found == ["sent", "queued", "queued", "queued", "queued"]
    assert len(upstream.messages) == 1


async def test_stopping_takes_leave_of_all_upstreams_at_once(archive: Archive) -> None:
    """Of those that let us wait there may be many, and a service manager waits only so long."""
    async with AsyncExitStack() as stack:
        upstreams = [await stack.enter_async_context(ScriptedUpstream(script={"QUIT": HANG})) for _ in range(3)]
        named = [upstream_of(one.port, name=f"upstream {n}", timeout=30) for n, one in enumerate(upstreams)]
        messages = [
            await queue(archive, message_of(CONTENT), CONTENT, wanted_upstream=upstream.name) for upstream in named
        ]
        courier = courier_of(archive, named)
        await courier.start()
        for message in messages:
            await at_rest(archive, message)
        stopping = asyncio.create_task(courier.stop(5))

        async def have_all_heard() -> bool:
            return all("QUIT" in upstream.commands for upstream in upstreams)

        await until(have_all_heard, within=8)
        assert not stopping.done()
        stopping.cancel()


async def test_many_recipients_share_a_transaction_of_at_most_a_hundred(archive: Archive) -> None:
    recipients = [f"r{n}@example.com" for n in range(250)]
    message = await queue(archive, message_of(CONTENT, *recipients), CONTENT)
    async with ScriptedUpstream() as upstream:
        courier = courier_of(archive, [upstream_of(upstream.port)], concurrency=200)
        await courier.start()
        found = await at_rest(archive, message)
        await courier.stop(5)
    assert set(states(found).values()) == {"sent"}
    assert sorted(len(each.recipients) for each in upstream.messages) == [50, 100, 100]
    assert sorted(path for each in upstream.messages for path in each.recipients) == sorted(
        f"<{each}>" for each in recipients
    )


@pytest.mark.parametrize("refusal", ["452 4.5.3 too many recipients", "452 too many", "552 5.5.3 too many"])
async def test_recipients_that_were_too_many_at_once_follow_in_another_transaction(
    archive: Archive, refusal: str
) -> None:
    recipients = [f"r{n}@example.com" for n in range(5)]
    script = {"RCPT": ["250 ok", "250 ok", refusal, refusal, refusal, "250 ok", "250 ok", refusal]}
    message = await queue(archive, message_of(CONTENT, *recipients), CONTENT)
    async with ScriptedUpstream(script=script) as upstream:
        courier = courier_of(archive, [upstream_of(upstream.port)])
        await courier.start()
        found = await at_rest(archive, message)
        await courier.stop(5)
    assert set(states(found).values()) == {"sent"}
    assert [len(each.recipients) for each in upstream.messages] == [2, 2, 1]
    assert len(found.attempts) == 5


async def test_a_full_mailbox_is_not_mistaken_for_too_many_recipients(archive: Archive) -> None:
    script = {"RCPT": {"<c@example.com>": "452 4.2.2 mailbox full"}}
    message = await queue(archive, message_of(CONTENT, B, "c@example.com"), CONTENT)
    async with ScriptedUpstream(script=script) as upstream:
        courier = courier_of(archive, [upstream_of(upstream.port)])
        await courier.start()
        found = await at_rest(archive, message)
        await courier.stop(5)
    assert states(found) == {B: "sent", "c@example.com": "deferred"}
    assert len(upstream.messages) == 1


async def test_a_recipient_is_never_named_to_another(archive: Archive) -> None:
    """Bcc: nothing about recipients is added to the content."""
    message = await queue(archive, message_of(CONTENT, B, "secret@example.com"), CONTENT)
    async with ScriptedUpstream() as upstream:
        courier = courier_of(archive, [upstream_of(upstream.port)], trace="full")
        await courier.start()
        await at_rest(archive, message)
        await courier.stop(5)
    assert upstream.messages[0].content.startswith(b"Received: ")
    assert b"secret" not in upstream.messages[0].content


async def test_a_large_message_arrives_as_it_is(archive: Archive) -> None:
    line = b"." + b"x" * 5000 + b"\r\n"
    content = b"Subject: x\r\n\r\n" + line * 600 + b"\r\n" * 300_000 + b".\r\n"
    message = await queue(archive, message_of(content), content)
    async with ScriptedUpstream() as upstream:
        courier = courier_of(archive, [upstream_of(upstream.port)])
        await courier.start()
        assert states(await at_rest(archive, message)) == {B: "sent"}
        await courier.stop(5)
    assert upstream.messages[0].content == content


@pytest.mark.parametrize("extensions", [EVERYTHING, ()])
async def test_a_message_of_no_octets_arrives_as_such(archive: Archive, extensions: tuple[str, ...]) -> None:
    message = await queue(archive, message_of(b""), b"")
    async with ScriptedUpstream(extensions=extensions) as upstream:
        courier = courier_of(archive, [upstream_of(upstream.port)])
        await courier.start()
        assert states(await at_rest(archive, message)) == {B: "sent"}
        await courier.stop(5)
    assert upstream.messages[0].content == b""


async def test_the_archive_being_closed_does_not_end_the_courier(tmp_path: Path) -> None:
    """Its rounds fail and are tried again; stopping still works."""
    archive = await open_archive(f"sqlite:///{tmp_path / 'closed.db'}")
    courier = courier_of(archive, [upstream_of(1)])
    await courier.start()
    await archive.close()
    await courier.reload(DeliveryTable(), [upstream_of(2)], "relay.example")
    async with asyncio.timeout(5):
        await courier.stop(1)


def test_the_schedule_is_the_configured_one_in_microseconds() -> None:
    schedule = retry_schedule(DeliveryTable())
    assert [schedule.delay(n, 0.0) for n in range(1, 7)] == [
        MINUTE,
        5 * MINUTE,
        15 * MINUTE,
        HOUR,
        4 * HOUR,
        4 * HOUR,
    ]
    assert schedule.delay(1, 0.5) == MINUTE + MINUTE // 20


async def test_a_lease_is_renewed_while_a_transaction_runs(archive: Archive) -> None:
    message = await queue(archive, message_of(CONTENT), CONTENT)
    hold, clock = asyncio.Event(), RunningClock()
    async with ScriptedUpstream(hold=hold) as upstream:
        courier = courier_of(archive, [upstream_of(upstream.port)], clock, lease=0.6)
        await courier.start()

        async def is_past_the_first_lease() -> bool:
            return clock() > START + 1_000_000

        await until(is_past_the_first_lease)
        assert await archive.recover(clock(), [new_id()]) == []
        hold.set()
        found = await when_sent(archive, message)
        await courier.stop(5)
    assert len(found.attempts) == 1


async def test_what_was_claimed_and_forgotten_is_taken_back_without_a_restart(archive: Archive) -> None:
    clock = RunningClock()
    async with ScriptedUpstream() as upstream:
        courier = courier_of(archive, [upstream_of(upstream.port)], clock, lease=0.3)
        await courier.start()
        message = message_of(CONTENT)
        await queue(archive, message, CONTENT, due_at=START + 10 * HOUR)
        assert await archive.claim("another", START + 10 * HOUR, clock() + 100_000, 10)
        await when_sent(archive, message)
        await courier.stop(5)


async def test_reloading_the_same_upstream_tries_it_at_once(archive: Archive) -> None:
    clock = RunningClock()
    message = await queue(archive, message_of(CONTENT), CONTENT)
    async with ScriptedUpstream(script={"banner": ["421 4.3.2 down"]}) as upstream:
        courier = courier_of(archive, [upstream_of(upstream.port)], clock)
        await courier.start()
        await at_rest(archive, message)
        second = await queue(archive, message_of(CONTENT), CONTENT)
        settings = DeliveryTable(trace=Trace.NONE)
        await courier.reload(settings, [upstream_of(upstream.port)], "relay.example")
        await when_sent(archive, second, within=0.9)
        await courier.reload(settings, [upstream_of(upstream.port)], "new.example")
        await when_sent(archive, await queue(archive, message_of(CONTENT), CONTENT))
        await courier.stop(5)
    assert [line for line in upstream.commands if line.startswith("EHLO")] == ["EHLO relay.example", "EHLO new.example"]


async def test_an_interrupted_attempt_rests_where_a_person_is_to_decide(archive: Archive) -> None:
    message = await queue(archive, message_of(CONTENT), CONTENT)
    delivery = (await archive.claim("dead", START, START + HOUR, 10))[0].deliveries[0]
    attempt = Attempt(new_id(), delivery.id, message.id, 1, "upstream", START, (), message.sha256, message.size)
    await archive.begin_attempts([attempt])
    async with ScriptedUpstream() as upstream:
        courier = courier_of(archive, [upstream_of(upstream.port)], unconfirmed="rest")
        await courier.start()
        await when_sent(archive, await queue(archive, message_of(CONTENT), CONTENT))
        await courier.stop(5)
    found = await archive.message(message.id)
    assert states(found) == {B: "unconfirmed"}
    assert found.deliveries[0].due_at is None
    assert len(upstream.messages) == 1
