from __future__ import annotations

import asyncio
import time
from dataclasses import replace

import pytest

from relay.archive.api import ArchiveError, Closing, NotFound, QueueFacts
from relay.archive.content import stored
from relay.model.delivery import State
from relay.model.event import Event, Kind
from relay.model.message import Recipient
from relay.model.reply import Reply, local_reply
from tests.support.archive_values import (
    CONTENT,
    NOON,
    SECOND,
    a_message,
    an_attempt,
    closed,
    deliveries_of,
    make_id,
)

LEASE = NOON + 600 * SECOND


async def keep(archive, number: int, *recipients: str, due_at: int | None = None, state: State = State.QUEUED):
    message = a_message(number, recipients=recipients or ("jane@example.com",))
    duties = deliveries_of(message, state, due_at)
    await archive.add_message(message, stored(CONTENT), duties, [])
    return message, duties


def ids(claims) -> list[str]:
    return [delivery.id for claim in claims for delivery in claim.deliveries]


async def test_claims_are_oldest_due_first_by_message_and_leased(archive):
    late, late_duties = await keep(archive, 1, "a@example.com", "b@example.com", due_at=NOON + 2)
    early, early_duties = await keep(archive, 2, "c@example.com", due_at=NOON + 1)
    claims = await archive.claim("me", NOON + 5, LEASE, 10)
    assert [claim.message for claim in claims] == [early, late]
    assert claims[1].deliveries == tuple(replace(delivery, state=State.SENDING) for delivery in late_duties)
    assert (await archive.message(early.id)).deliveries == (replace(early_duties[0], state=State.SENDING),)
    assert await archive.claim("you", NOON + 5, LEASE, 10) == []


async def test_claims_are_bounded_and_never_early(archive):
    for number in range(1, 6):
        await keep(archive, number, due_at=NOON + number)
    assert len(ids(await archive.claim("me", NOON + 3, LEASE, 2))) == 2
    assert len(ids(await archive.claim("me", NOON + 3, LEASE, 10))) == 1
    assert await archive.next_due() == NOON + 4


@pytest.mark.parametrize("state", [State.CAPTURED, State.HELD, State.SENT, State.FAILED, State.CANCELLED])
async def test_deliveries_at_rest_are_never_claimed(archive, state: State):
    await keep(archive, 1, state=state)
    assert await archive.claim("me", NOON * 2, LEASE, 10) == []
    assert await archive.next_due() is None


async def test_concurrent_couriers_never_get_the_same_delivery(archive):
    for number in range(1, 21):
        await keep(archive, number)
    claims = await asyncio.gather(*(archive.claim(f"courier {n}", NOON * 2, LEASE, 3) for n in range(10)))
    found = [delivery for part in claims for delivery in ids(part)]
    assert len(found) == len(set(found)) == 20


async def test_a_finished_attempt_is_closed_and_its_delivery_written_back(archive):
    message, [duty] = await keep(archive, 1)
    await archive.claim("me", NOON * 2, LEASE, 10)
    attempt = an_attempt(duty)
    await archive.begin_attempts([attempt])
    assert (await archive.message(message.id)).attempts == (attempt,)
    reply = Reply(451, "later", "4.3.0")
    after = replace(duty, state=State.DEFERRED, due_at=NOON * 3, attempts=1, reply=reply, upstream="upstream")
    event = Event(make_id(1, 7000), NOON, Kind.DEFERRED, "upstream:upstream", message.id, duty.id, data={"code": 451})
    await archive.finish_attempts([Closing(closed(attempt, reply), after, event)])
    found = await archive.message(message.id)
    assert found.attempts == (closed(attempt, reply),)
    assert found.deliveries == (after,)
    assert [event for _, event in await archive.events(message_id=message.id)] == [event]
    assert await archive.recover(NOON * 9, [make_id(9)]) == []
    assert ids(await archive.claim("me", NOON * 3, LEASE, 10)) == [duty.id]


async def test_an_attempt_cannot_be_closed_twice_or_without_an_end(archive):
    message, [duty] = await keep(archive, 1)
    await archive.claim("me", NOON * 2, LEASE, 10)
    attempt = an_attempt(duty)
    event = Event(make_id(1, 7000), NOON, Kind.SENT, "relay", message.id, duty.id)
    with pytest.raises(NotFound):
        await archive.finish_attempts([Closing(closed(attempt, Reply(250, "ok")), duty, event)])
    await archive.begin_attempts([attempt])
    with pytest.raises(ArchiveError, match="finished_at"):
        await archive.finish_attempts([Closing(attempt, duty, event)])
    first = Closing(closed(attempt, Reply(250, "ok")), replace(duty, state=State.SENT, due_at=None), event)
    await archive.finish_attempts([first])
    second = Closing(closed(attempt, Reply(550, "no")), replace(duty, state=State.FAILED, due_at=None), event)
    await archive.finish_attempts([second])
    found = await archive.message(message.id)
    assert found.attempts[0].reply == Reply(250, "ok")
    assert found.deliveries[0].state is State.SENT


async def test_a_released_delivery_is_due_again_at_once(archive):
    _, [duty] = await keep(archive, 1)
    await archive.claim("me", NOON * 2, LEASE, 10)
    await archive.release([duty])
    assert ids(await archive.claim("you", NOON * 2, LEASE, 10)) == [duty.id]


async def test_a_delivery_that_is_not_claimed_is_not_written_back(archive):
    message, [duty] = await keep(archive, 1)
    await archive.release([replace(duty, state=State.CANCELLED, due_at=None)])
    assert (await archive.message(message.id)).deliveries == (duty,)


async def test_a_lease_is_renewed_by_its_owner_only(archive):
    _, [duty] = await keep(archive, 1)
    await archive.claim("me", NOON * 2, LEASE, 10)
    await archive.renew("you", [duty.id], LEASE + 100)
    assert len(await archive.recover(LEASE, [make_id(9)])) == 1
    await archive.claim("me", NOON * 2, LEASE, 10)
    await archive.renew("me", [duty.id], LEASE + 100)
    assert await archive.recover(LEASE, [make_id(10)]) == []
    assert len(await archive.recover(LEASE + 100, [make_id(10)])) == 1


async def test_a_lost_claim_without_an_attempt_is_queued_again(archive):
    message, [duty] = await keep(archive, 1)
    await archive.claim("me", NOON * 2, LEASE, 10)
    [recovered] = await archive.recover(LEASE, [make_id(9)])
    assert recovered == replace(duty, state=State.QUEUED, due_at=LEASE)
    found = await archive.message(message.id)
    assert found.deliveries == (recovered,)
    [(_, event)] = await archive.events(message_id=message.id)
    assert (event.id, event.kind, event.delivery_id) == (make_id(9), Kind.QUEUED, duty.id)
    assert ids(await archive.claim("you", LEASE, LEASE * 2, 10)) == [duty.id]


async def test_a_lost_attempt_is_unconfirmed_closed_and_due(archive):
    message, [duty] = await keep(archive, 1)
    await archive.claim("me", NOON * 2, LEASE, 10)
    await archive.begin_attempts([an_attempt(duty)])
    [recovered] = await archive.recover(LEASE, [make_id(9)])
    assert (recovered.state, recovered.due_at, recovered.attempts) == (State.UNCONFIRMED, LEASE, 1)
    found = await archive.message(message.id)
    [attempt] = found.attempts
    assert attempt.reply == recovered.reply
    assert attempt.reply is not None
    assert attempt.reply.is_local
    assert attempt.finished_at == LEASE
    assert attempt.is_uncertain
    [(_, event)] = await archive.events(message_id=message.id)
    assert event.kind is Kind.UNCONFIRMED
    assert event.data["attempt"] == attempt.id
    assert ids(await archive.claim("you", LEASE, LEASE * 2, 10)) == [duty.id]


async def test_a_fresh_start_recovers_what_others_held_whatever_their_lease(archive):
    _, [first] = await keep(archive, 1, due_at=NOON + 1)
    await archive.claim("old", NOON * 2, LEASE, 10)
    _, [second] = await keep(archive, 2, due_at=NOON + 2)
    await archive.claim("new", NOON * 2, LEASE, 10)
    assert await archive.recover(NOON, [make_id(9)]) == []
    assert [delivery.id for delivery in await archive.recover(NOON, [make_id(9)], owner="new")] == [first.id]
    assert second.id not in ids(await archive.claim("new", NOON * 2, LEASE, 10))


async def test_recovery_takes_no_more_than_it_has_event_ids_for(archive):
    await keep(archive, 1, "a@example.com", "b@example.com", "c@example.com")
    await archive.claim("me", NOON * 2, LEASE, 10)
    assert len(await archive.recover(LEASE, [make_id(9), make_id(10)])) == 2
    assert await archive.recover(LEASE, []) == []
    assert len(await archive.recover(LEASE, [make_id(11), make_id(12)])) == 1


async def test_queue_facts_count_by_state_and_name_the_oldest(archive):
    assert await archive.queue_facts() == QueueFacts({}, None)
    old, _ = await keep(archive, 1, "a@example.com", "b@example.com", due_at=NOON * 2)
    await keep(archive, 2, due_at=NOON)
    await keep(archive, 3, state=State.HELD)
    await archive.claim("me", NOON, LEASE, 10)
    facts = await archive.queue_facts()
    assert facts == QueueFacts({State.QUEUED: 2, State.SENDING: 1, State.HELD: 1}, old.received_at)


async def test_a_resend_adds_duties_to_a_kept_message(archive):
    message, [duty] = await keep(archive, 1, state=State.SENT)
    again = replace(duty, id=make_id(5), state=State.QUEUED, due_at=NOON, recipient=Recipient("new@example.com"))
    event = Event(make_id(6), NOON, Kind.RESENT, "user:ann", message.id)
    await archive.add_deliveries([again], [event])
    assert (await archive.message(message.id)).deliveries == (duty, again)
    assert ids(await archive.claim("me", NOON, LEASE, 10)) == [again.id]


async def test_waiting_for_work_ends_with_a_write_that_makes_some(archive):
    waiting = asyncio.ensure_future(archive.wait_for_due(30))
    await keep(archive, 1, state=State.CAPTURED)
    await archive.put_setting("a", 1)
    assert not waiting.done()
    await keep(archive, 2)
    await asyncio.wait_for(waiting, 5)


async def test_work_that_came_before_waiting_is_not_missed(archive):
    await keep(archive, 1)
    await asyncio.wait_for(archive.wait_for_due(30), 5)
    started = time.monotonic()
    await archive.wait_for_due(0.01)
    assert time.monotonic() - started >= 0.009


async def test_replies_keep_that_no_peer_said_them(archive):
    message, [duty] = await keep(archive, 1)
    await archive.claim("me", NOON * 2, LEASE, 10)
    reply = local_reply(421, "4.4.1", "no connection\nto be had")
    await archive.release([replace(duty, state=State.DEFERRED, reply=reply)])
    assert (await archive.message(message.id)).deliveries[0].reply == reply
