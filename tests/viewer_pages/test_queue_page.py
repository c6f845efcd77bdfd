"""The queue's page: what waits and why, operations on one, some and all of it, the pause switches."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from relay.archive.api import Waiting
from relay.model.delivery import Delivery, State
from relay.model.event import Kind
from tests.support.forms import confirmed, press, read
from tests.support.viewer_house import SECOND, House

TWO = ("ann@example.org", "bob@example.net")


async def deliveries(house: House, message_id: str) -> tuple[Delivery, ...]:
    return (await house.archive.message(message_id)).deliveries


async def change(house: House, delivery: Delivery, **fields: object) -> None:
    changed = replace(delivery, **fields)  # type: ignore[arg-type]
    assert await house.archive.change_waiting([Waiting(changed, delivery.state)], [])


async def test_the_page_says_what_waits_why_and_until_when(house: House) -> None:
    later = await house.add(recipients=TWO, state=State.QUEUED)
    await house.add(state=State.HELD)
    (first, _) = await deliveries(house, later)
    await change(house, first, due_at=house.clock() + 250 * SECOND, why="the route is full", lane="bulk")
    page = await read(await house.client("auditor"), "/queue")
    assert "the route is full" in page
    assert "in 4 min" in page
    assert "due; waits for its turn" in page
    assert "for a person's approval" in page
    assert 'name="operation"' not in page
    assert re.search(r"Held.*?<span class=\"n\">1</span>", page)


@pytest.mark.parametrize(
    ("query", "seen", "unseen"),
    [
        ("domain=example.net", "bob@example.net", "ann@example.org"),
        ("lane=bulk", "ann@example.org", "bob@example.net"),
        ("q=recipient:bob@example.net&state=queued", "bob@example.net", "no such text"),
        ("state=held", "Nothing that waits matches", "bob@example.net"),
        ("application=other", "Nothing that waits matches", "ann@example.org"),
    ],
)
async def test_a_filter_shows_what_matches(house: House, query: str, seen: str, unseen: str) -> None:
    message = await house.add(recipients=TWO, state=State.QUEUED)
    (first, _) = await deliveries(house, message)
    await change(house, first, lane="bulk")
    page = await read(await house.client(), f"/queue?{query}")
    assert seen in page
    assert unseen not in page


@pytest.mark.parametrize("query", ["state=sent", "q=from:(", "state=x"])
async def test_a_filter_that_cannot_be_read_is_told_with_its_fault(house: House, query: str) -> None:
    page = await read(await house.client(), f"/queue?{query}", 400)
    assert "This filter cannot be read" in page


async def test_an_old_cursor_begins_again(house: House) -> None:
    await house.add(state=State.QUEUED)
    assert "ann@example.org" in await read(await house.client(), "/queue?cursor=nonsense")


async def test_one_is_tried_now_without_a_question(house: House) -> None:
    message = await house.add(state=State.QUEUED)
    (delivery,) = await deliveries(house, message)
    await change(house, delivery, due_at=house.clock() + 3600 * SECOND)
    client = await house.client("operator")
    page = await press(client, "/queue/choose", [("only", f"retry:{delivery.id}"), ("delivery", "another")])
    assert "1 delivery due." in page
    (after,) = await deliveries(house, message)
    assert after.due_at is not None
    assert after.due_at <= house.clock()
    (event,) = await house.events(Kind.RETRIED)
    assert (event.actor, event.delivery_id) == ("user:operator", delivery.id)


async def test_some_are_cancelled_once_the_number_was_confirmed(house: House) -> None:
    message = await house.add(recipients=TWO, state=State.QUEUED)
    other = await house.add(state=State.QUEUED)
    client = await house.client("operator")
    chosen = [("delivery", one.id) for one in await deliveries(house, message)]
    asked = await press(client, "/queue/choose", [("operation", "cancel"), *chosen])
    assert "Cancel 2 deliveries?" in asked
    assert {one.state for one in await deliveries(house, message)} == {State.QUEUED}
    page = await press(client, "/queue/do", confirmed(asked, "/queue/do"))
    assert "2 deliveries cancelled." in page
    assert {one.state for one in await deliveries(house, message)} == {State.CANCELLED}
    assert [one.state for one in await deliveries(house, other)] == [State.QUEUED]


async def test_what_was_sent_meanwhile_is_left_alone_and_said(house: House) -> None:
    message = await house.add(recipients=TWO, state=State.QUEUED)
    client = await house.client()
    chosen = [("delivery", one.id) for one in await deliveries(house, message)]
    asked = await press(client, "/queue/choose", [("operation", "cancel"), *chosen])
    await house.archive.claim("courier", house.clock(), house.clock() + SECOND, 1)
    page = await press(client, "/queue/do", confirmed(asked, "/queue/do"))
    assert "1 delivery cancelled. 1 left alone: It is being sent at this moment." in page


async def test_all_that_match_are_rerouted_and_nothing_else(house: House) -> None:
    one, two = await house.add(recipients=TWO, state=State.QUEUED), await house.add(state=State.HELD)
    client = await house.client()
    fields = [("operation", "reroute"), ("all", "1"), ("domain", "example.org")]
    asked = await press(client, "/queue/choose", fields)
    assert "Send 2 deliveries another way?" in asked
    assert "example.org" in asked
    await press(client, "/queue/do", confirmed(asked, "/queue/do", way="nowhere"), 400)
    assert "2 deliveries rerouted" in await press(client, "/queue/do", confirmed(asked, "/queue/do", way="provider"))
    assert [found.wanted_upstream for found in await deliveries(house, one)] == ["provider", None]
    assert [found.wanted_upstream for found in await deliveries(house, two)] == ["provider"]


async def test_nothing_chosen_changes_nothing(house: House) -> None:
    await house.add(state=State.QUEUED)
    client = await house.client()
    assert "Choose at least one delivery" in await press(client, "/queue/choose", [("operation", "cancel")])
    await press(client, "/queue/do", [("operation", "cancel")], 400)
    await press(client, "/queue/choose", [("operation", "burn"), ("all", "1")], 400)
    gone = [("operation", "cancel"), ("delivery", "01J00000000000000000000000")]
    assert "Nothing of what you chose waits" in await press(client, "/queue/choose", gone)
    assert await house.events(Kind.CANCELLED) == []


async def test_an_auditor_changes_nothing(house: House) -> None:
    await house.add(state=State.QUEUED)
    client = await house.client("auditor")
    found = re.search(r'name="csrf" value="([^"]+)"', await read(client, "/queue"))
    assert found is not None
    for path in ("/queue/choose", "/queue/do", "/queue/pause", "/queue/resume"):
        data = {"csrf": found[1], "operation": "cancel", "all": "1"}
        async with client.post(path, data=data) as answer:
            assert answer.status == 403
    assert not (await house.archive.switches()).paused


async def test_very_many_are_changed_in_the_background_and_watched(house: House) -> None:
    many = tuple(f"reader{number}@example.org" for number in range(501))
    message = await house.add(recipients=many, state=State.QUEUED)
    client = await house.client()
    asked = await press(client, "/queue/choose", [("operation", "cancel"), ("all", "1")])
    assert "Cancel 501 deliveries?" in asked
    page = await press(client, "/queue/do", confirmed(asked, "/queue/do"))
    found = re.search(r'data-progress="([^"]+)"', page)
    assert found is not None
    async with client.get(found[1]) as answer:
        told = await answer.text()
    assert '"state":"finished"' in told.rsplit("event: progress", 1)[1]
    assert "501 deliveries cancelled." in await read(client, found[1].removesuffix("/progress"))
    assert {one.state for one in await deliveries(house, message)} == {State.CANCELLED}
    async with client.get(found[1].removesuffix("/progress"), headers={"Accept": "application/json"}) as answer:
        assert (await answer.json())["changed"] == 501
    other = await house.client("operator", "bob")
    await read(other, found[1].removesuffix("/progress"), 404)


async def test_all_sending_is_paused_on_every_page_until_somebody_resumes(house: House) -> None:
    client = await house.client("operator")
    page = await press(client, "/queue/pause", [("reason", "the  provider\nis moving")])
    assert "All sending is paused" in page
    pause = (await house.archive.switches()).paused
    assert pause is not None
    assert (pause.by, pause.reason) == ("operator", "the provider is moving")
    for path in ("/", "/help", "/queue", "/nothing-here"):
        async with client.get(path) as answer:
            body = await answer.text()
        assert path == "/nothing-here" or "the provider is moving" in body
    await press(client, "/queue/resume", [])
    assert (await house.archive.switches()).paused is None
    assert "All sending is paused" not in await read(client, "/")
    assert house.switches_turned == 2
    assert [event.actor for event in await house.events(Kind.RESUMED)] == ["user:operator"]


async def test_one_upstream_is_paused_by_itself(house: House) -> None:
    client = await house.client("operator")
    await press(client, "/queue/pause", [("upstream", "nowhere")], 400)
    page = await press(client, "/queue/pause", [("upstream", "provider"), ("reason", "blocked")])
    assert "Paused by operator" in page
    assert set((await house.archive.switches()).paused_upstreams) == {"provider"}
    assert "is used again" in await press(client, "/queue/resume", [("upstream", "provider")])
    await press(client, "/queue/resume", [("upstream", "provider")])
    assert len(await house.events(Kind.RESUMED)) == 1
