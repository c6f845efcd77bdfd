"""Sessions kept and used again; an upstream that is down, that closes early, or that wants fewer sessions."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from relay.archive.api import Archive
from relay.config import Delivery as DeliveryTable
from relay.courier.consignment import Consignment
from relay.courier.courier import retry_schedule
from relay.courier.desk import Desk
from relay.courier.pool import Pool, Suspended
from relay.courier.trouble import NoSession, StaleSession
from relay.model.delivery import MICROSECONDS
from relay.model.event import Kind
from tests.support.dispatch import (
    CONTENT,
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
)
from tests.support.upstream import DROP, EVERYTHING, ScriptedUpstream

B = "b@example.com"
MAIL, RCPT = b"MAIL FROM:<a@example.com>\r\n", [b"RCPT TO:<b@example.com>\r\n"]


def pool_of(upstream: ScriptedUpstream, **settings: Any) -> Pool:
    return Pool(upstream_of(upstream.port, **settings), "relay.example", lambda: 0.0)


async def send_through(pool: Pool) -> int:
    """Sends one message; the code of the reply."""
    session = await pool.acquire()
    try:
        outcomes = await session.send(MAIL, RCPT, CONTENT)
    finally:
        pool.release(session)
    return outcomes[0].reply.code


async def test_a_session_carries_message_after_message() -> None:
    async with ScriptedUpstream() as upstream:
        pool = pool_of(upstream)
        assert [await send_through(pool) for _ in range(3)] == [250, 250, 250]
        await pool.close()
    assert upstream.sessions == 1
    assert upstream.commands[-1] == "QUIT"


async def test_a_session_is_ended_after_its_number_of_messages() -> None:
    async with ScriptedUpstream() as upstream:
        pool = pool_of(upstream, messages_per_connection=2)
        for _ in range(5):
            await send_through(pool)
        await pool.close()
    assert [each.session for each in upstream.messages] == [1, 1, 2, 2, 3]


async def test_no_more_sessions_than_configured_are_open() -> None:
    hold = asyncio.Event()
    async with ScriptedUpstream(hold=hold) as upstream:
        pool = pool_of(upstream, connections=3)
        sending = [asyncio.create_task(send_through(pool)) for _ in range(10)]

        async def are_open() -> bool:
            return upstream.open_sessions == 3

        await until(are_open)
        hold.set()
        assert await asyncio.gather(*sending) == [250] * 10
        await pool.close()
    assert upstream.most_open_sessions == 3


@pytest.mark.parametrize("extensions", [EVERYTHING, ()], ids=["pipelined", "one-by-one"])
async def test_a_session_is_reset_after_a_transaction_that_was_broken_off(extensions: tuple[str, ...]) -> None:
    async with ScriptedUpstream(extensions=extensions, script={"RCPT": ["550 5.1.1 no"]}) as upstream:
        pool = pool_of(upstream)
        assert await send_through(pool) == 550
        assert await send_through(pool) == 250
        await pool.close()
    assert upstream.sessions == 1
    assert "RSET" in upstream.commands


async def test_a_session_that_cannot_be_reset_is_replaced() -> None:
    async with ScriptedUpstream(script={"RCPT": ["550 5.1.1 no"], "RSET": DROP}) as upstream:
        pool = pool_of(upstream)
        assert await send_through(pool) == 550
        assert await send_through(pool) == 250
        await pool.close()
    assert upstream.sessions == 2


async def test_a_pipelined_354_for_no_recipient_gets_an_empty_message_and_harms_no_one() -> None:
    script = {"RCPT": ["550 5.1.1 no"], "DATA": ["354 go ahead"]}
    async with ScriptedUpstream(script=script) as upstream:
        pool = pool_of(upstream)
        assert await send_through(pool) == 550
        assert await send_through(pool) == 250
        await pool.close()
    assert [each.content for each in upstream.messages] == [b"", CONTENT]
    assert upstream.messages[0].recipients == ()


@pytest.mark.parametrize("how", ["421 4.7.0 too many messages on this connection", DROP])
async def test_a_kept_session_that_the_upstream_ends_costs_no_delivery(archive: Archive, how: Any) -> None:
    """The second MAIL of a session fails: nothing was sent, so it is repeated on a new session, unseen."""
    async with ScriptedUpstream(script={"MAIL": ["250 2.1.0 ok", how]}) as upstream:
        courier = courier_of(archive, [upstream_of(upstream.port)], concurrency=1)
        await courier.start()
        for _ in range(2):
            message = await queue(archive, message_of(CONTENT), CONTENT)
            found = await at_rest(archive, message)
            assert states(found) == {B: "sent"}
            assert len(found.attempts) == 1
        await courier.stop(5)
    assert upstream.sessions == 2


async def test_a_new_session_that_ends_at_mail_is_not_repeated() -> None:
    async with ScriptedUpstream(script={"MAIL": DROP}) as upstream:
        pool = pool_of(upstream)
        assert await send_through(pool) == 421
        await pool.close()
    assert upstream.sessions == 1


async def test_a_stale_session_says_so() -> None:
    async with ScriptedUpstream(script={"MAIL": ["250 ok", DROP]}) as upstream:
        pool = pool_of(upstream)
        assert await send_through(pool) == 250
        with pytest.raises(StaleSession):
            await send_through(pool)
        await pool.close()


async def test_a_session_closed_while_it_rested_is_not_used() -> None:
    async with ScriptedUpstream() as upstream:
        pool = pool_of(upstream)
        session = await pool.acquire()
        pool.release(session)
        session.abort()
        assert await send_through(pool) == 250
        await pool.close()
    assert upstream.sessions == 2


async def test_a_session_that_rested_long_is_asked_first() -> None:
    async with ScriptedUpstream() as upstream:
        pool = Pool(upstream_of(upstream.port), "relay.example", lambda: 0.0, check_idle=-1)
        await send_through(pool)
        await send_through(pool)
        await pool.close()
    assert upstream.commands.count("RSET") == 1
    assert upstream.sessions == 1


async def test_sessions_without_work_are_ended() -> None:
    async with ScriptedUpstream() as upstream:
        pool = Pool(upstream_of(upstream.port), "relay.example", lambda: 0.0, max_idle=0.01)
        await send_through(pool)

        async def is_ended() -> bool:
            return upstream.open_sessions == 0

        await until(is_ended)
        await pool.close()
    assert upstream.commands[-1] == "QUIT"


async def test_after_a_failed_connect_no_other_is_tried_for_a_while() -> None:
    async with ScriptedUpstream(script={"banner": "554 5.7.1 blocked"}) as upstream:
        pool = pool_of(upstream)
        with pytest.raises(NoSession, match="blocked"):
            await pool.acquire()
        assert 0.5 < pool.suspended_for <= 1.0
        with pytest.raises(Suspended):
            await pool.acquire()
        await pool.close()
    assert upstream.sessions == 1


async def test_waiters_do_not_try_one_after_the_other_when_the_first_fails() -> None:
    async with ScriptedUpstream(script={"banner": "554 5.7.1 blocked"}) as upstream:
        pool = pool_of(upstream)
        results = await asyncio.gather(*(pool.acquire() for _ in range(20)), return_exceptions=True)
        await pool.close()
    assert upstream.sessions == 1
    assert sum(isinstance(result, Suspended) for result in results) == 19


async def test_an_upstream_that_went_away_while_sessions_worked_fails_everyone_who_waits() -> None:
    """Nobody may be left waiting for a session that will never be given back."""
    async with ScriptedUpstream() as upstream:
        pool = pool_of(upstream, connections=2)
        held = [await pool.acquire() for _ in range(2)]
        waiting = [asyncio.create_task(pool.acquire()) for _ in range(5)]
        await asyncio.sleep(0)
    for session in held:
        session.abort()
        pool.release(session)
    async with asyncio.timeout(5):
        results = await asyncio.gather(*waiting, return_exceptions=True)
    assert all(isinstance(result, NoSession) for result in results)
    await pool.close()


async def test_an_upstream_that_takes_fewer_sessions_is_given_fewer() -> None:
    script = {"banner": ["220 hello", "220 hello", "421 4.7.0 too many", "421 4.7.0 too many"]}
    hold = asyncio.Event()
    async with ScriptedUpstream(script=script, hold=hold) as upstream:
        pool = pool_of(upstream, connections=4)
        assert [await pool.acquire() is not None for _ in range(1)] == [True]
        sending = [asyncio.create_task(send_through(pool)) for _ in range(4)]

        async def were_refused() -> bool:
            return upstream.sessions >= 3

        await until(were_refused)
        hold.set()
        assert await asyncio.gather(*sending) == [250] * 4
        assert pool.suspended_for == 0
        await pool.close()


async def test_giving_up_while_waiting_passes_the_turn_on() -> None:
    async with ScriptedUpstream() as upstream:
        pool = pool_of(upstream, connections=1)
        session = await pool.acquire()
        first, second = (asyncio.create_task(pool.acquire()) for _ in range(2))
        await asyncio.sleep(0)
        pool.release(session)
        first.cancel()
        async with asyncio.timeout(5):
            assert await second is session
        pool.release(session)
        await pool.close()


async def test_a_dead_upstream_is_probed_and_the_rest_of_the_queue_waits_unharmed(archive: Archive) -> None:
    messages = [await queue(archive, message_of(CONTENT), CONTENT) for _ in range(30)]
    async with ScriptedUpstream(script={"banner": ["421 4.3.2 down"]}) as upstream:
        courier = courier_of(archive, [upstream_of(upstream.port)], RunningClock(), concurrency=5)
        await courier.start()

        async def all_but_the_probe_are_sent() -> bool:
            found = [states(await archive.message(message.id))[B] for message in messages]
            return sorted(found) == ["deferred"] + ["sent"] * 29

        await until(all_but_the_probe_are_sent)
        await courier.stop(5)
    attempts = [len((await archive.message(message.id)).attempts) for message in messages]
    assert attempts == [1] * 30


@pytest.mark.parametrize(
    ("expires_at", "state", "kind"), [(START, "failed", Kind.EXPIRED), (START + 1, "queued", None)]
)
async def test_what_expires_while_the_upstream_is_down_fails_without_a_connection(
    archive: Archive, expires_at: int, state: str, kind: Kind | None
) -> None:
    message = await queue(archive, message_of(CONTENT), CONTENT, expires_at=expires_at)
    claims = await archive.claim("owner", START, START + 1, 10)
    settings = DeliveryTable()
    desk = Desk(archive, Clock(), new_id, lambda: 0.0, "relay.example", settings, retry_schedule(settings))
    async with ScriptedUpstream(script={"banner": "421 4.3.2 down"}) as upstream:
        pool = pool_of(upstream)
        with pytest.raises(NoSession):
            await pool.acquire()
        await Consignment(desk, pool, message, claims[0].deliveries).carry()
        await pool.close()
    assert upstream.sessions == 1
    found = await archive.message(message.id)
    assert states(found) == {B: state}
    assert found.attempts == ()
    events = [event for _, event in await archive.events(message_id=message.id)]
    if kind is None:
        assert START < (found.deliveries[0].due_at or 0) <= START + MICROSECONDS
        assert len(events) == 1
    else:
        assert events[-1].kind is kind
        assert "is not reached" in str(found.deliveries[0].reply)


async def test_an_upstream_that_greets_and_then_sends_us_away_is_not_hammered(
    archive: Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    # So long that no machine is so slow that it ends meanwhile.
    monkeypatch.setattr("relay.courier.pool.FIRST_BACK_OFF", 60.0)
    messages = [await queue(archive, message_of(CONTENT), CONTENT) for _ in range(60)]
    async with ScriptedUpstream(script={"MAIL": "421 4.7.0 not now"}) as upstream:
        courier = courier_of(archive, [upstream_of(upstream.port)], concurrency=10)
        await courier.start()
        await at_rest(archive, messages[0])
        await courier.stop(5)
    found = [states(await archive.message(message.id))[B] for message in messages]
    # Ten were under way.
    assert found.count("queued") >= 30
    assert upstream.sessions <= 30


async def test_the_pause_grows_with_every_failure_until_a_message_is_taken() -> None:
    async with ScriptedUpstream(script={"MAIL": ["421 4.7.0 no", "421 4.7.0 no"]}) as upstream:
        pool = pool_of(upstream)
        for pause in (1.0, 2.0):
            assert await send_through(pool) == 421
            assert pause - 0.5 < pool.suspended_for <= pause
            pool.refresh()
        assert await send_through(pool) == 250
        assert pool.suspended_for == 0
        await pool.close()
