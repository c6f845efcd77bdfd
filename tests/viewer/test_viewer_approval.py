"""Held messages: approved they are due, rejected they never are, and two people decide once."""

from __future__ import annotations

import asyncio
import re
from dataclasses import replace
from pathlib import Path

from relay.archive.api import Waiting
from relay.model.delivery import State
from relay.model.event import Event, Kind
from tests.support.openapi_check import problems
from tests.support.viewer_house import SECOND, House, configured, open_house
from viewer.description.openapi import SCHEMAS

TWO = ("ann@example.org", "bob@example.org")


async def states(house: House, message_id: str) -> list[State]:
    return [delivery.state for delivery in (await house.archive.message(message_id)).deliveries]


async def test_an_approved_message_is_due_at_once(house: House) -> None:
    message_id = await house.add(recipients=TWO, state=State.HELD)
    async with (await house.program("operator")).post(f"/api/messages/{message_id}/approve", json={}) as answer:
        assert answer.status == 202
        decided = await answer.json()
    assert problems(decided, SCHEMAS["Decided"]) == []
    assert await states(house, message_id) == [State.QUEUED, State.QUEUED]
    queued = await house.events(Kind.QUEUED)
    assert [(event.actor, event.delivery_id) for event in queued] == [
        ("user:operator", delivery_id) for delivery_id in decided["delivery_ids"]
    ]
    (claim,) = await house.archive.claim("courier", house.clock(), house.clock() + SECOND, 10)
    assert len(claim.deliveries) == 2


async def test_a_rejected_message_is_never_due_and_stays_in_the_archive(house: House) -> None:
    message_id = await house.add(recipients=TWO, state=State.HELD)
    program = await house.program("operator")
    async with program.post(f"/api/messages/{message_id}/reject", json={}) as answer:
        assert answer.status == 200
    assert await states(house, message_id) == [State.CANCELLED, State.CANCELLED]
    assert len(await house.events(Kind.CANCELLED)) == 2
    async with program.post(f"/api/messages/{message_id}/approve", json={}) as answer:
        assert answer.status == 409
        assert problems(await answer.json(), SCHEMAS["Error"]) == []
    assert await house.archive.claim("courier", house.clock(), house.clock() + SECOND, 10) == []


async def test_two_people_who_decide_at_once_decide_once(house: House) -> None:
    message_id = await house.add(state=State.HELD)
    program = await house.program("operator")

    async def ask(what: str) -> int:
        async with program.post(f"/api/messages/{message_id}/{what}", json={}) as answer:
            return answer.status

    await asyncio.gather(ask("approve"), ask("reject"), ask("approve"))
    told = [*await house.events(Kind.QUEUED), *await house.events(Kind.CANCELLED)]
    assert len(told) == 1
    (state,) = await states(house, message_id)
    assert state.value == told[0].kind.value


async def test_a_decision_that_comes_too_late_changes_nothing(house: House) -> None:
    message_id = await house.add(state=State.HELD)
    (held,) = (await house.archive.message(message_id)).deliveries
    for state, kind in ((State.CANCELLED, Kind.CANCELLED), (State.QUEUED, Kind.QUEUED)):
        event = Event(house.new_id(), house.clock(), kind, "user:ann", message_id, held.id)
        await house.archive.change_waiting([Waiting(replace(held, state=state), State.HELD)], [event])
    assert await states(house, message_id) == [State.CANCELLED]
    assert await house.events(Kind.QUEUED) == []


async def test_nothing_is_approved_by_those_who_may_not_or_without_an_upstream(house: House, tmp_path: Path) -> None:
    message_id = await house.add(state=State.HELD)
    async with (await house.program("auditor")).post(f"/api/messages/{message_id}/approve", json={}) as answer:
        assert answer.status == 403
    async with open_house(configured(tmp_path / "other", upstream=False)) as other:
        held = await other.add(state=State.HELD)
        async with (await other.program("operator")).post(f"/api/messages/{held}/approve", json={}) as answer:
            assert answer.status == 409
        assert await states(other, held) == [State.HELD]


async def test_the_message_s_page_has_the_buttons_while_it_is_held(house: House) -> None:
    message_id = await house.add(state=State.HELD)
    client = await house.client("operator")
    async with client.get(f"/messages/{message_id}") as answer:
        page = await answer.text()
    assert f'action="/messages/{message_id}/approve"' in page
    assert f'action="/messages/{message_id}/reject"' in page
    found = re.search(r'name="csrf" value="([^"]+)"', page)
    assert found is not None
    async with client.post(f"/messages/{message_id}/approve", data={"csrf": found[1]}) as answer:
        assert answer.status == 200
        assert f"/messages/{message_id}/approve" not in await answer.text()
    assert await states(house, message_id) == [State.QUEUED]
