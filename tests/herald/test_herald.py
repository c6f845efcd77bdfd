"""The herald against real receivers on loopback, whose signatures are checked by another implementation."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp import web
from pydantic import SecretStr

from relay.archive.api import Archive, NotFound
from relay.archive.api.notification import EndpointState, Replay
from relay.config import Endpoint
from relay.model.event import Event, Kind
from relay.model.notification import Notification, Standing
from tests.herald.conftest import SECRET, Ahead, Heralds
from tests.support.archive_values import make_id
from tests.support.dispatch import CONTENT, at_rest, courier_of, message_of, new_id, queue, states, upstream_of
from tests.support.listening import Listening
from tests.support.upstream import ScriptedUpstream

MESSAGE = make_id(77)
DEAD = "http://127.0.0.1:1/hooks"


def an_endpoint(url: str, **fields: Any) -> Endpoint:
    return Endpoint(**{"name": "crm", "url": url, "secret": SecretStr(SECRET), "timeout": 5, **fields})


def an_event(kind: Kind = Kind.DELIVERED, message_id: str | None = MESSAGE, **fields: Any) -> Event:
    return Event(new_id(), 1_700_000_000_123_456, kind, "relay", message_id, **fields)


async def state_of(archive: Archive, name: str = "crm") -> EndpointState:
    return next(state for state in await archive.endpoints() if state.name == name)


async def state_when(archive: Archive, holds: Callable[[EndpointState], bool], name: str = "crm") -> EndpointState:
    async with asyncio.timeout(10):
        while not holds(state := await state_of(archive, name)):
            await asyncio.sleep(0.02)
    return state


async def events_of(archive: Archive, kind: Kind) -> list[Event]:
    return [event for _, event in await archive.events() if event.kind is kind]


@asynccontextmanager
async def mail_flows(archive: Archive) -> AsyncIterator[None]:
    """A message is sent while the block has begun."""
    message = await queue(archive, message_of(CONTENT), CONTENT)
    async with ScriptedUpstream() as upstream:
        courier = courier_of(archive, [upstream_of(upstream.port)])
        await courier.start()
        found = await at_rest(archive, message)
        await courier.stop(5)
    assert states(found) == {"b@example.com": "sent"}
    yield


async def test_an_event_is_told_with_what_it_is_about_and_no_content(
    archive: Archive, listening: Listening, herald_of: Heralds
) -> None:
    await herald_of(an_endpoint(listening.url))
    async with mail_flows(archive):
        await listening.has(2)
    by_type = {one["type"]: one for one in listening.received}
    assert set(by_type) == {"captured", "sent"}
    data = by_type["sent"]["data"]
    assert data["recipient"] == "b@example.com"
    assert data["sender"] == "a@example.com"
    assert data["message_id"]
    assert data["delivery_id"]
    assert data["grade"] == "B"
    assert by_type["sent"]["timestamp"].endswith("Z")
    assert "content" not in str(by_type)
    headers = listening.headers[0]
    assert headers["Content-Type"] == "application/json"
    assert headers["webhook-signature"].startswith("v1,")
    state = await state_when(archive, lambda state: state.delivered == 2)
    assert (state.waiting, state.failed, state.error) == (0, 0, "")


async def test_an_endpoint_begins_with_the_next_event(
    archive: Archive, listening: Listening, herald_of: Heralds
) -> None:
    await archive.add_events([an_event()])
    await herald_of(an_endpoint(listening.url))
    await archive.add_events([an_event(Kind.BOUNCED)])
    await listening.has(1)
    assert [one["type"] for one in listening.received] == ["bounced"]


async def test_kinds_and_applications_are_chosen(archive: Archive, listening: Listening, herald_of: Heralds) -> None:
    await herald_of(an_endpoint(listening.url, events=("bounced", "signed-in"), applications=("shop",)))
    await archive.add_events(
        [
            an_event(Kind.DELIVERED, data={"application": "shop"}),
            an_event(Kind.BOUNCED, data={"application": "other"}),
            an_event(Kind.BOUNCED, data={"application": "shop", "token": "secret", "explanation": "no such user"}),
            an_event(Kind.SIGNED_IN, None),
        ]
    )
    await listening.has(1)
    await archive.add_events([an_event(Kind.SIGNED_IN, None, data={"application": "shop"})])
    await listening.has(2)
    assert [one["type"] for one in listening.received] == ["bounced", "signed-in"]
    assert listening.received[0]["data"]["detail"] == {"explanation": "no such user"}


async def test_what_is_not_about_mail_is_told_only_when_asked_for(
    archive: Archive, listening: Listening, herald_of: Heralds
) -> None:
    await herald_of(an_endpoint(listening.url))
    await archive.add_events([an_event(Kind.SIGNED_IN, None), an_event(Kind.VIEWED), an_event(Kind.OPENED)])
    await listening.has(1)
    assert [one["type"] for one in listening.received] == ["opened"]


async def test_a_refused_notification_is_sent_again_with_the_same_id_and_a_new_signature(
    archive: Archive, listening: Listening, herald_of: Heralds, clock: Ahead
) -> None:
    listening.refuses(500)
    await herald_of(an_endpoint(listening.url))
    await archive.add_events([an_event()])
    await listening.has(1)
    state = await state_when(archive, lambda state: state.error != "")
    assert state.error == "answered 500"
    assert state.next_due is not None
    assert 4_000_000 <= state.next_due - clock() <= 6_000_000
    listening.answer = listening.takes
    clock.seconds = 6
    await listening.has(2)
    assert listening.ids[0] == listening.ids[1]
    assert listening.headers[0]["webhook-timestamp"] != listening.headers[1]["webhook-timestamp"]
    state = await state_when(archive, lambda state: state.delivered == 1)
    assert state.error == ""


async def test_an_endpoint_says_how_long_to_wait(
    archive: Archive, listening: Listening, herald_of: Heralds, clock: Ahead
) -> None:
    listening.refuses(429, Retry_After="3600")
    await herald_of(an_endpoint(listening.url))
    await archive.add_events([an_event()])
    state = await state_when(archive, lambda state: state.error == "answered 429")
    assert state.next_due is not None
    assert state.next_due - clock() > 3_500_000_000


async def test_an_endpoint_that_is_gone_is_told_nothing_more_until_a_person_says_so(
    archive: Archive, listening: Listening, herald_of: Heralds, clock: Ahead
) -> None:
    listening.refuses(410)
    await herald_of(an_endpoint(listening.url))
    await archive.add_events([an_event()])
    state = await state_when(archive, lambda state: state.gone_at is not None)
    assert state.failed == 1
    (failure,) = await events_of(archive, Kind.ENDPOINT_FAILED)
    assert failure.data["endpoint"] == "crm"
    assert failure.data["reason"] == "answered 410 Gone: told nothing more"
    await archive.add_events([an_event(Kind.BOUNCED)])
    listening.answer = listening.takes
    assert await archive.replay(Replay("crm", is_failed=True), clock(), an_event(Kind.REPLAYED, None)) == 1
    await listening.has(2)
    assert [one["type"] for one in listening.received] == ["delivered", "delivered"]
    assert listening.ids[0] == listening.ids[1]
    state = await state_when(archive, lambda state: state.delivered == 1)
    assert state.gone_at is None
    (replayed,) = await events_of(archive, Kind.REPLAYED)
    assert replayed.data["count"] == 1


async def test_a_notification_is_given_up_and_one_event_says_so_until_it_works_again(
    archive: Archive, herald_of: Heralds
) -> None:
    await herald_of(an_endpoint(DEAD, give_up_after=0))
    await archive.add_events([an_event(), an_event(), an_event()])
    state = await state_when(archive, lambda state: state.failed == 3)
    assert state.error.startswith("cannot connect: ")
    assert state.waiting == 0
    assert len(await events_of(archive, Kind.ENDPOINT_FAILED)) == 1


async def test_a_redirect_is_not_followed(archive: Archive, listening: Listening, herald_of: Heralds) -> None:
    async with Listening(SECRET) as elsewhere:
        listening.refuses(307, Location=elsewhere.url)
        await herald_of(an_endpoint(listening.url, give_up_after=0))
        await archive.add_events([an_event()])
        state = await state_when(archive, lambda state: state.failed == 1)
        assert elsewhere.received == []
    assert state.error == "answered 307: redirects are not followed"


async def test_an_endless_answer_is_not_read_to_its_end(
    archive: Archive, listening: Listening, herald_of: Heralds
) -> None:
    async def endless(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        while True:
            await response.write(b"x" * 4096)

    listening.answer = endless
    await herald_of(an_endpoint(listening.url))
    await archive.add_events([an_event()])
    assert (await state_when(archive, lambda state: state.delivered == 1)).error == ""


async def test_a_slow_endpoint_is_not_waited_for_longer_than_its_time(
    archive: Archive, listening: Listening, herald_of: Heralds
) -> None:
    listening.hangs()
    await herald_of(an_endpoint(listening.url, timeout=1, give_up_after=0))
    await archive.add_events([an_event()])
    assert (await state_when(archive, lambda state: state.failed == 1)).error == "no answer within 1 s"


async def test_an_endpoint_that_hangs_delays_neither_mail_nor_another_endpoint(
    archive: Archive, listening: Listening, herald_of: Heralds
) -> None:
    async with Listening(SECRET) as hanging:
        hanging.hangs()
        await herald_of(
            an_endpoint(hanging.url, name="hangs", timeout=60, concurrency=1),
            an_endpoint(DEAD, name="dead"),
            an_endpoint(listening.url),
        )
        await archive.add_events([an_event()])
        await hanging.has(1)
        async with asyncio.timeout(5), mail_flows(archive):
            await listening.has(3)
        assert len(hanging.received) == 1


async def test_no_more_requests_are_made_at_once_than_configured(
    archive: Archive, listening: Listening, herald_of: Heralds
) -> None:
    at_once = most = 0

    async def counted(request: web.Request) -> web.StreamResponse:
        nonlocal at_once, most
        at_once += 1
        most = max(most, at_once)
        await asyncio.sleep(0.01)
        at_once -= 1
        return web.Response(status=200)

    listening.answer = counted
    await herald_of(an_endpoint(listening.url, concurrency=3))
    await archive.add_events([an_event() for _ in range(50)])
    await listening.has(50)
    assert most == 3


async def test_a_restart_goes_on_where_it_was(archive: Archive, listening: Listening, herald_of: Heralds) -> None:
    herald = await herald_of(an_endpoint(listening.url))
    await archive.add_events([an_event()])
    await listening.has(1)
    await state_when(archive, lambda state: state.delivered == 1)
    await herald.stop()
    await archive.add_events([an_event(Kind.BOUNCED)])
    await herald_of(an_endpoint(listening.url))
    await listening.has(2)
    assert [one["type"] for one in listening.received] == ["delivered", "bounced"]


async def test_what_had_no_answer_when_it_stopped_is_sent_again_with_its_id(
    archive: Archive, listening: Listening, herald_of: Heralds
) -> None:
    listening.hangs()
    herald = await herald_of(an_endpoint(listening.url))
    await archive.add_events([an_event()])
    await listening.has(1)
    await herald.stop()
    listening.answer = listening.takes
    await herald_of(an_endpoint(listening.url))
    await listening.has(2)
    assert listening.ids[0] == listening.ids[1]


async def test_an_endpoint_taken_out_of_the_configuration_is_forgotten_and_begins_anew_when_it_returns(
    archive: Archive, listening: Listening, herald_of: Heralds
) -> None:
    herald = await herald_of(an_endpoint(DEAD))
    await archive.add_events([an_event()])
    await state_when(archive, lambda state: state.error != "")
    await herald.reload([])
    assert await archive.endpoints() == []
    (row,) = (await archive.notifications("crm")).rows
    assert row.notification.standing is Standing.FAILED
    assert row.kind == "delivered"
    await archive.add_events([an_event(Kind.BOUNCED)])
    await herald.reload([an_endpoint(listening.url)])
    await archive.add_events([an_event(Kind.OPENED)])
    await listening.has(1)
    assert [one["type"] for one in listening.received] == ["opened"]


async def test_a_person_may_try_an_endpoint(
    archive: Archive, listening: Listening, herald_of: Heralds, clock: Ahead
) -> None:
    await herald_of(an_endpoint(listening.url))
    await archive.try_endpoint(Notification(new_id(), "crm", 0, clock(), clock(), due_at=clock()))
    await listening.has(1)
    assert listening.received[0]["type"] == "trial"
    assert listening.received[0]["data"] == {}
    with pytest.raises(NotFound):
        await archive.try_endpoint(Notification(new_id(), "other", 0, clock(), clock(), due_at=clock()))


async def test_one_some_or_all_since_a_time_are_sent_again(
    archive: Archive, listening: Listening, herald_of: Heralds, clock: Ahead
) -> None:
    await herald_of(an_endpoint(listening.url))
    await archive.add_events([an_event(), an_event(Kind.BOUNCED)])
    await state_when(archive, lambda state: state.delivered == 2)
    page = await archive.notifications("crm", standing=Standing.DELIVERED, limit=1)
    assert page.next is not None
    (last,) = (await archive.notifications("crm", cursor=page.next)).rows
    one = (last.notification.id,)
    assert await archive.replay(Replay("crm", ids=one), clock(), an_event(Kind.REPLAYED, None)) == 1
    await listening.has(3)
    assert listening.ids[2] == last.notification.id
    await state_when(archive, lambda state: state.delivered == 2)
    assert await archive.replay(Replay("crm", since=0), clock(), an_event(Kind.REPLAYED, None)) == 2
    await listening.has(5)
    assert await archive.replay(Replay("crm", is_failed=True), clock(), an_event(Kind.REPLAYED, None)) == 0
    with pytest.raises(NotFound):
        await archive.replay(Replay("other", is_failed=True), clock(), an_event(Kind.REPLAYED, None))
    with pytest.raises(ValueError, match="not a cursor"):
        await archive.notifications("crm", cursor="x")


async def test_what_was_taken_long_ago_is_forgotten(
    archive: Archive, listening: Listening, herald_of: Heralds, clock: Ahead
) -> None:
    await herald_of(an_endpoint(listening.url))
    await archive.add_events([an_event()])
    await state_when(archive, lambda state: state.delivered == 1)
    await archive.forget_notifications(clock() - 60_000_000)
    assert (await state_of(archive)).delivered == 1
    await archive.forget_notifications(clock())
    assert (await state_of(archive)).delivered == 0
