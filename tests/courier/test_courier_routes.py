"""Several upstreams: who gets what, who stands in, and that none holds up another."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from itertools import count
from typing import Any

import pytest

from relay.archive.api import Archive, Waiting
from relay.config import Delivery as DeliveryTable
from relay.config import Route, Trace, Upstream
from relay.courier.courier import Courier
from relay.courier.gate import WAITING
from relay.model.delivery import Priority, State
from relay.model.event import Event, Kind
from relay.model.message import Message
from relay.model.operation import Refusal, reroute
from relay.model.switch import Pause, Switches
from relay.model.upstream import Health
from tests.support.dispatch import (
    CONTENT,
    HOUR,
    MINUTE,
    START,
    Clock,
    at_rest,
    message_of,
    new_id,
    queue,
    states,
    until,
    upstream_of,
    when_sent,
)
from tests.support.upstream import HANG, ScriptedUpstream

B = "b@example.com"
ANNA = Pause("anna", START, "provider moves house")


def route(name: str, upstreams: Sequence[Any], **conditions: Any) -> Route:
    return Route.model_validate({"name": name, "upstreams": upstreams, **conditions})


def courier_of(
    archive: Archive,
    upstreams: Sequence[Upstream],
    routes: Sequence[Route] = (),
    clock: Clock | None = None,
    switches: Switches = Switches(),
    spread: float = 0.0,
    **settings: Any,
) -> Courier:
    return Courier(
        DeliveryTable(**{"trace": "none", "jitter": 0.0, **settings}),
        upstreams,
        hostname="relay.example",
        archive=archive,
        clock=clock or Clock(),
        new_id=new_id,
        spread=lambda: spread,
        routes=routes,
        switches=switches,
    )


def named(name: str, upstream: ScriptedUpstream, **fields: Any) -> Upstream:
    return upstream_of(upstream.port, name=name, **fields)


async def why(archive: Archive, message: Message) -> str | None:
    return (await archive.message(message.id)).deliveries[0].why


async def is_state(archive: Archive, message: Message, state: State) -> bool:
    return (await archive.message(message.id)).deliveries[0].state is state


async def test_recipients_of_one_message_go_by_the_routes_of_their_domains(archive: Archive) -> None:
    routes = [route("near", ["a"], recipients=["@near.example"]), route("bulk", ["b"], header="X-Stream: bulk*")]
    content = b"X-Stream: bulk-1\r\n\r\nx\r\n"
    message = await queue(archive, message_of(content, "x@near.example", "y@far.example", "z@far.example"), content)
    plain = await queue(archive, message_of(CONTENT, "y@far.example"), CONTENT)
    async with ScriptedUpstream() as a, ScriptedUpstream() as b, ScriptedUpstream() as c:
        courier = courier_of(archive, [named("c", c), named("a", a), named("b", b)], routes)
        await courier.start()
        found = await when_sent(archive, message)
        await when_sent(archive, plain)
        await courier.stop(5)
    assert [each.recipients for each in a.messages] == [("<x@near.example>",)]
    assert [each.recipients for each in b.messages] == [("<y@far.example>", "<z@far.example>")]
    assert [each.recipients for each in c.messages] == [("<y@far.example>",)]
    assert [delivery.lane for delivery in found.deliveries] == ["near", "bulk", "bulk"]
    assert [delivery.upstream for delivery in found.deliveries] == ["a", "b", "b"]


async def test_a_tag_in_the_content_chooses_the_route(archive: Archive) -> None:
    content = b"X-Mailgun-Tag: newsletter\r\n\r\nx\r\n"
    message = await queue(archive, message_of(content), content)
    async with ScriptedUpstream() as a, ScriptedUpstream() as b:
        courier = courier_of(archive, [named("a", a), named("b", b)], [route("r", ["b"], tags=["newsletter"])])
        await courier.start()
        await when_sent(archive, message)
        await courier.stop(5)
    assert (len(a.messages), len(b.messages)) == (0, 1)


@pytest.mark.parametrize("step", ["banner", "EHLO", "MAIL", "DOT"])
async def test_an_upstream_that_hangs_holds_up_only_its_own_mail(archive: Archive, step: str) -> None:
    """Four hundred messages for it are older than the one that goes by the other."""
    sick = [await queue(archive, message_of(CONTENT, "x@sick.example"), CONTENT, due_at=START - n) for n in range(400)]
    async with ScriptedUpstream(script={step: HANG}) as a, ScriptedUpstream() as b:
        upstreams = [named("a", a, timeout=60, connections=3), named("b", b)]
        routes = [route("sick", ["a"], recipients=["@sick.example"]), route("well", ["b"])]
        courier = courier_of(archive, upstreams, routes, concurrency=5)
        await courier.start()
        for _ in range(3):
            message = await queue(archive, message_of(CONTENT, "x@well.example"), CONTENT)
            await when_sent(archive, message, within=5)
        waiting = [await why(archive, message) for message in sick]
        await courier.stop(0)
    assert "waits for a place with upstream a" in waiting
    assert len(b.messages) == 3


async def test_the_next_upstream_stands_in_while_the_best_rests_and_gives_way_when_it_is_back(archive: Archive) -> None:
    down = {"banner": ["421 4.3.2 down", "421 4.3.2 down"]}
    async with ScriptedUpstream(script=down) as a, ScriptedUpstream() as b:
        upstreams = [named("a", a, breaker_failures=1), named("b", b)]
        courier = courier_of(archive, upstreams)
        await courier.start()
        first = await queue(archive, message_of(CONTENT), CONTENT)
        stored = await when_sent(archive, first)
        assert [attempt.upstream for attempt in stored.attempts] == ["a", "b"]
        state = courier.upstream_states()[0]
        assert (state.name, state.health, state.error) == ("a", Health.RESTING, "421 4.3.2 down")
        second = await queue(archive, message_of(CONTENT), CONTENT)
        assert (await when_sent(archive, second)).deliveries[0].upstream == "b"

        async def is_back() -> bool:
            return courier.upstream_states()[0].health is Health.UP

        await until(is_back)
        third = await queue(archive, message_of(CONTENT), CONTENT)
        assert (await when_sent(archive, third)).deliveries[0].upstream == "a"
        assert courier.upstream_states()[0].error == ""
        await courier.stop(5)
    assert a.sessions == 3  # the failure, the probe that failed, the probe that was answered: it carried the mail


async def test_what_waits_for_an_upstream_that_rests_says_so_and_uses_up_no_attempt(archive: Archive) -> None:
    messages = [await queue(archive, message_of(CONTENT), CONTENT) for _ in range(5)]
    async with ScriptedUpstream(script={"banner": "421 4.3.2 down"}) as upstream:
        courier = courier_of(archive, [named("a", upstream, breaker_failures=1)])
        await courier.start()

        async def are_put_back() -> bool:
            found = [(await archive.message(message.id)).deliveries[0] for message in messages]
            return sum(delivery.state is State.QUEUED for delivery in found) == 4

        await until(are_put_back)
        found = [(await archive.message(message.id)) for message in messages]
        await courier.stop(5)
    assert [len(each.attempts) for each in found] == [1, 0, 0, 0, 0]
    assert [each.deliveries[0].due_at for each in found[1:]] == [START] * 4
    assert all("not reached" in (each.deliveries[0].why or "") for each in found[1:])


async def test_what_expires_while_its_upstream_rests_fails_without_a_connection(archive: Archive) -> None:
    clock = Clock()
    message = await queue(archive, message_of(CONTENT), CONTENT)
    late = await queue(archive, message_of(CONTENT), CONTENT, expires_at=START + HOUR)
    async with ScriptedUpstream(script={"banner": "421 4.3.2 down"}) as upstream:
        settings = [named("a", upstream, breaker_failures=1)]
        courier = courier_of(archive, settings, clock=clock)
        await courier.start()
        await at_rest(archive, message)
        await until(lambda: is_state(archive, late, State.QUEUED))
        clock.now += HOUR
        await courier.expire()
        found = await at_rest(archive, late)
        await courier.stop(5)
    assert states(found) == {B: "failed"}
    assert found.attempts == ()
    assert (await archive.events(message_id=late.id))[-1][1].kind is Kind.EXPIRED


async def test_a_pause_takes_effect_at_once_and_lifts_at_once(archive: Archive) -> None:
    async with ScriptedUpstream() as a, ScriptedUpstream() as b:
        routes = [route("a", ["a"], recipients=["@a.example"]), route("b", ["b"])]
        courier = courier_of(archive, [named("a", a), named("b", b)], routes)
        await courier.start()
        courier.use(Switches().pausing(ANNA, "a"))
        stopped = await queue(archive, message_of(CONTENT, "x@a.example"), CONTENT, expires_at=START)
        free = await queue(archive, message_of(CONTENT, "x@b.example"), CONTENT)
        await when_sent(archive, free)
        await until(lambda: is_why(archive, stopped, "paused by anna: provider moves house"))
        await courier.expire()
        assert [state.health for state in courier.upstream_states()] == [Health.PAUSED, Health.UP]
        courier.use(Switches().pausing(ANNA))
        last = await queue(archive, message_of(CONTENT, "x@b.example"), CONTENT)
        assert a.messages == []
        courier.use(Switches())
        await when_sent(archive, last)
        found = await when_sent(archive, stopped)
        await courier.stop(5)
    assert found.deliveries[0].why is None


async def is_why(archive: Archive, message: Message, words: str) -> bool:
    return await why(archive, message) == words


async def test_a_pause_turns_away_what_was_claimed_and_has_not_begun(archive: Archive) -> None:
    messages = [await queue(archive, message_of(CONTENT), CONTENT) for _ in range(8)]
    hold = asyncio.Event()
    async with ScriptedUpstream(hold=hold) as upstream:
        courier = courier_of(archive, [named("a", upstream, connections=1)], concurrency=2)
        await courier.start()

        async def is_begun() -> bool:
            return upstream.sessions == 1 and bool((await archive.message(messages[0].id)).attempts)

        await until(is_begun)
        courier.use(Switches().pausing(ANNA))

        async def are_turned_away() -> bool:
            return all([await is_state(archive, message, State.QUEUED) for message in messages[1:]])

        await until(are_turned_away)
        hold.set()
        await when_sent(archive, messages[0])
        await courier.stop(5)
    assert len(upstream.messages) == 1


async def test_a_pause_holds_after_a_restart(archive: Archive) -> None:
    event = Event(new_id(), START, Kind.PAUSED, "user:anna")
    await archive.put_switches(Switches().pausing(ANNA), event, Switches())
    message = await queue(archive, message_of(CONTENT), CONTENT)
    async with ScriptedUpstream() as upstream:
        courier = courier_of(archive, [named("a", upstream)], switches=await archive.switches())
        await courier.start()
        assert [state.health for state in courier.upstream_states()] == [Health.PAUSED]
        await courier.stop(5)
        assert await is_state(archive, message, State.QUEUED)
        assert upstream.sessions == 0


async def test_an_operator_s_choice_takes_a_message_past_an_upstream_that_rests(archive: Archive) -> None:
    async with ScriptedUpstream(script={"banner": "421 4.3.2 down"}) as a, ScriptedUpstream() as b:
        upstreams = [named("a", a, breaker_failures=1), named("b", b)]
        courier = courier_of(archive, upstreams, [route("only", ["a"])])
        await courier.start()
        first = await queue(archive, message_of(CONTENT), CONTENT)
        await at_rest(archive, first)
        delivery = (await archive.message(first.id)).deliveries[0]
        operated = reroute(delivery, START, "b")
        assert not isinstance(operated, Refusal)
        event = Event(new_id(), START, operated[1], "user:anna", first.id, delivery.id)
        assert await archive.change_waiting([Waiting(operated[0], delivery.state)], [event]) == [delivery.id]
        found = await when_sent(archive, first)
        await courier.stop(5)
    assert found.deliveries[0].upstream == "b"


async def test_what_is_urgent_goes_first_and_bulk_goes_last(archive: Archive) -> None:
    names = {Priority.BULK: "bulk", Priority.NORMAL: "normal", Priority.URGENT: "urgent"}
    for priority in (Priority.BULK, Priority.NORMAL, Priority.URGENT):
        for _ in range(3):
            message = message_of(CONTENT, f"{names[priority]}@example.com")
            await queue(archive, message, CONTENT, priority=priority)
    async with ScriptedUpstream() as upstream:
        courier = courier_of(archive, [named("a", upstream, connections=1)], concurrency=1)
        await courier.start()
        await upstream.received(9)
        await courier.stop(5)
    order = [each.recipients[0] for each in upstream.messages]
    assert order == ["<urgent@example.com>"] * 3 + ["<normal@example.com>"] * 3 + ["<bulk@example.com>"] * 3


async def test_an_urgent_message_passes_a_mailing_that_fills_every_place(archive: Archive) -> None:
    hold = asyncio.Event()
    for _ in range(50):
        await queue(archive, message_of(CONTENT, "mailing@example.com"), CONTENT)
    async with ScriptedUpstream(hold=hold) as upstream:
        courier = courier_of(archive, [named("a", upstream, connections=2)], concurrency=2)
        await courier.start()

        async def is_full() -> bool:
            return upstream.sessions == 2 and courier.upstream_states()[0].waiting > WAITING

        await until(is_full)
        waiting = courier.upstream_states()[0].waiting
        await queue(archive, message_of(CONTENT, "urgent@example.com"), CONTENT, priority=Priority.URGENT)

        async def is_let_in() -> bool:
            return courier.upstream_states()[0].waiting == waiting + 1

        await until(is_let_in)
        hold.set()
        await upstream.received(10)
        await courier.stop(5)
    assert "<urgent@example.com>" in [each.recipients[0] for each in upstream.messages[:5]]


async def test_one_application_s_mailing_does_not_stand_before_another_s_message(archive: Archive) -> None:
    for n in range(300):
        await queue(archive, message_of(CONTENT, "mailing@example.com"), CONTENT, due_at=START - 1000 + n)
    other = message_of(CONTENT, "single@example.com")
    await queue(archive, replace(other, application="shop"), CONTENT)
    async with ScriptedUpstream() as upstream:
        courier = courier_of(archive, [named("a", upstream, connections=1)], concurrency=5)
        await courier.start()
        await upstream.received(20)
        await courier.stop(5)
    assert "<single@example.com>" in [each.recipients[0] for each in upstream.messages[:10]]


async def test_weights_share_the_mail(archive: Archive) -> None:
    spreads = (n * 0.618 % 1 for n in count())
    async with ScriptedUpstream() as a, ScriptedUpstream() as b:
        shared = route("r", [{"name": "a", "weight": 3}, {"name": "b", "weight": 1}])
        courier = Courier(
            DeliveryTable(trace=Trace.NONE, jitter=0, concurrency=50),
            [named("a", a), named("b", b)],
            hostname="relay.example",
            archive=archive,
            clock=Clock(),
            new_id=new_id,
            spread=lambda: next(spreads),
            routes=[shared],
        )
        messages = [await queue(archive, message_of(CONTENT), CONTENT) for _ in range(20)]
        await courier.start()
        for message in messages:
            await when_sent(archive, message)
        await courier.stop(5)
    assert 12 <= len(a.messages) <= 18
    assert len(a.messages) + len(b.messages) == 20


async def test_a_rate_lets_through_what_it_allows_and_the_rest_waits_its_turn(archive: Archive) -> None:
    clock = Clock()
    for _ in range(10):
        await queue(archive, message_of(CONTENT), CONTENT)
    async with ScriptedUpstream() as upstream:
        limited = [named("a", upstream, rate=60)]
        courier = courier_of(archive, limited, clock=clock)
        await courier.start()
        await upstream.received(2)

        async def is_told() -> bool:
            return courier.upstream_states()[0].obstacle == "waits for upstream a: rate limit 60/min"

        await until(is_told)
        assert len(upstream.messages) == 2
        clock.now += MINUTE // 10
        courier.use(Switches())
        await upstream.received(4)
        await courier.stop(5)
    assert len(upstream.messages) < 10


async def test_a_rate_for_a_domain_holds_up_that_domain_alone(archive: Archive) -> None:
    for _ in range(20):
        await queue(archive, message_of(CONTENT, "x@slow.example"), CONTENT, due_at=START - 1)
    async with ScriptedUpstream() as upstream:
        courier = courier_of(archive, [named("a", upstream, rate_per_domain=30)])
        await courier.start()
        await upstream.received(1)
        other = await queue(archive, message_of(CONTENT, "x@other.example"), CONTENT)
        await when_sent(archive, other)
        await courier.stop(5)
    assert [each.recipients[0] for each in upstream.messages].count("<x@slow.example>") == 1


async def test_no_more_transactions_to_a_domain_than_configured_run_at_once(archive: Archive) -> None:
    hold = asyncio.Event()
    for _ in range(10):
        await queue(archive, message_of(CONTENT, "x@slow.example"), CONTENT, due_at=START - 1)
    async with ScriptedUpstream(hold=hold) as upstream:
        courier = courier_of(archive, [named("a", upstream, connections_per_domain=2, connections=8)])
        await courier.start()
        other = await queue(archive, message_of(CONTENT, "x@other.example"), CONTENT)

        async def is_begun() -> bool:
            return bool((await archive.message(other.id)).attempts)

        await until(is_begun)
        assert upstream.open_sessions == 3
        hold.set()
        await upstream.received(11)
        await courier.stop(5)
    assert upstream.most_open_sessions <= 3


async def test_a_server_that_asks_us_to_wait_is_not_troubled_before(archive: Archive) -> None:
    message = await queue(archive, message_of(CONTENT), CONTENT)
    async with ScriptedUpstream(script={"RCPT": "450 4.2.0 Greylisted, try again in 5 minutes"}) as upstream:
        courier = courier_of(archive, [named("a", upstream)])
        await courier.start()
        found = await at_rest(archive, message)
        await courier.stop(5)
    assert found.deliveries[0].due_at == START + 5 * MINUTE


async def test_a_route_has_its_own_schedule_and_time_to_expire(archive: Archive) -> None:
    message = await queue(archive, message_of(CONTENT), CONTENT)
    async with ScriptedUpstream(script={"RCPT": "450 4.2.1 later"}) as upstream:
        slow = route("slow", ["a"], retry=["10m"], expire_after="1h")
        courier = courier_of(archive, [named("a", upstream)], [slow])
        await courier.start()
        found = await at_rest(archive, message)
        await courier.stop(5)
    assert found.deliveries[0].due_at == START + 10 * MINUTE
    assert found.deliveries[0].expires_at == START + HOUR


async def test_what_is_scheduled_is_sent_at_its_time_and_expires_counted_from_it(archive: Archive) -> None:
    clock = Clock()
    later = START + 5 * HOUR
    message = await queue(archive, message_of(CONTENT), CONTENT, due_at=later, expires_at=later + HOUR)
    async with ScriptedUpstream() as upstream:
        short = route("short", ["a"], expire_after="30m")
        courier = courier_of(archive, [named("a", upstream)], [short], clock=clock)
        await courier.start()
        other = await queue(archive, message_of(CONTENT), CONTENT)
        await when_sent(archive, other)
        assert await is_state(archive, message, State.QUEUED)
        clock.now = later
        courier.use(Switches())
        found = await when_sent(archive, message)
        await courier.stop(5)
    assert found.deliveries[0].expires_at == later + HOUR // 2
