"""One thing done with many messages: asked about with its number, carried out as a task, watched, stopped."""

from __future__ import annotations

import asyncio
import re

import aiohttp
import pytest

from relay.model.delivery import State
from relay.model.event import Kind
from tests.support.forms import confirmed, press, read
from tests.support.viewer_house import LETTER, House

TWO = ("ann@example.org", "bob@example.net")


async def finished(client: aiohttp.ClientSession, page: str) -> dict[str, object]:
    """The task of the page, as JSON, once it is over."""
    found = re.search(r'data-progress="(/tasks/\w+)/progress"', page)
    assert found is not None, page
    async with asyncio.timeout(10):
        async with client.get(f"{found[1]}/progress") as answer:
            await answer.read()
        async with client.get(f"/api{found[1]}") as answer:
            return dict(await answer.json())


async def states(house: House, message_id: str) -> list[State]:
    return [delivery.state for delivery in (await house.archive.message(message_id)).deliveries]


async def test_all_that_a_search_finds_is_sent_again_after_a_question_that_names_the_number(house: House) -> None:
    ids = [await house.add(recipients=TWO, state=State.FAILED) for _ in range(3)]
    other = await house.add(state=State.CAPTURED)
    client = await house.client("operator")
    chosen = [("kind", "resend"), ("q", "status:failed"), ("all", "1"), ("message", other)]
    page = await press(client, "/bulk/choose", chosen)
    assert "Send 3 messages again?" in page
    assert "status:failed" in page
    later = await house.add(state=State.FAILED)
    task = await finished(client, await press(client, "/bulk/do", confirmed(page, "/bulk/do", to="lacking")))
    assert (task["state"], task["total"], task["changed"], task["left"]) == ("finished", 3, 3, {})
    for message_id in ids:
        assert await states(house, message_id) == [State.FAILED] * 2 + [State.QUEUED] * 2
    for message_id in (later, other):
        assert len(await states(house, message_id)) == 1
    assert len(await house.events(Kind.RESENT)) == 3


async def test_those_who_have_it_are_warned_of_and_left_alone(house: House) -> None:
    has_it, lacks_it = await house.add(state=State.SENT), await house.add(state=State.FAILED)
    client = await house.client("operator")
    page = await press(client, "/bulk/choose", [("kind", "resend"), ("message", has_it), ("message", lacks_it)])
    assert "1 of them was taken by the provider already" in page
    task = await finished(client, await press(client, "/bulk/do", confirmed(page, "/bulk/do", to="lacking")))
    assert task["changed"] == 1
    assert task["left"] == {"Every recipient has it, or it is on its way.": 1}
    assert await states(house, has_it) == [State.SENT]
    page = await press(client, "/bulk/do", confirmed(page, "/bulk/do", to="all"))
    assert (await finished(client, page))["changed"] == 2


async def test_what_is_held_is_released_and_what_waits_cancelled(house: House) -> None:
    held, queued = await house.add(state=State.HELD), await house.add(recipients=TWO, state=State.QUEUED)
    client = await house.client("operator")
    page = await press(client, "/bulk/choose", [("kind", "release"), ("all", "1"), ("q", "")])
    assert "All messages there are." in page
    task = await finished(client, await press(client, "/bulk/do", confirmed(page, "/bulk/do")))
    assert (task["changed"], task["left"]) == (1, {"Nothing of it waits.": 1})
    assert await states(house, held) == [State.QUEUED]
    page = await press(client, "/bulk/choose", [("kind", "cancel"), ("message", queued)])
    await finished(client, await press(client, "/bulk/do", confirmed(page, "/bulk/do")))
    assert await states(house, queued) == [State.CANCELLED] * 2


async def test_an_export_of_some_goes_to_its_own_page(house: House) -> None:
    first, _ = await house.add(), await house.add()
    client = await house.client("auditor")
    page = await press(client, "/bulk/choose", [("kind", "export"), ("message", first)])
    page = await press(client, "/bulk/do", confirmed(page, "/bulk/do", format="csv"))
    assert "Export as csv" in page
    assert (await house.events(Kind.EXPORTED))[0].data["count"] == 1


async def test_nothing_chosen_says_so_and_unknown_answers_are_named(house: House) -> None:
    message = await house.add()
    client = await house.client()
    assert "Choose at least one message first." in await press(client, "/bulk/choose", [("kind", "resend")])
    gone = [("kind", "resend"), ("q", "no-such-word"), ("all", "1")]
    assert "Nothing of what you chose" in await press(client, "/bulk/choose", gone)
    await press(client, "/bulk/choose", [("kind", "sell")], 400)
    page = await press(client, "/bulk/choose", [("kind", "resend"), ("message", message)])
    assert "must be one of lacking, all" in await press(client, "/bulk/do", confirmed(page, "/bulk/do", to="some"), 400)
    await press(client, "/bulk/do", [("kind", "resend"), ("until", "9"), ("count", "1"), ("to", "all")], 400)
    await press(client, "/bulk/do", [("kind", "resend"), ("until", "-9"), ("count", "1")], 400)
    many = [("message", house.new_id()) for _ in range(501)]
    await press(client, "/bulk/choose", [("kind", "resend"), *many], 400)


@pytest.mark.parametrize("kind", ["resend", "retry", "release", "reject", "cancel", "tag", "delete"])
async def test_who_may_not_may_not_do_it_with_many_either(house: House, kind: str) -> None:
    message = await house.add(state=State.HELD)
    client = await house.client("auditor")
    await press(client, "/bulk/choose", [("kind", kind), ("message", message)], 403)
    fields = [("kind", kind), ("message", message), ("until", "99"), ("count", "1"), ("to", "all")]
    await press(client, "/bulk/do", fields, 403)


async def test_a_task_is_stopped_between_two_steps_and_seen_by_its_owner_alone(house: House) -> None:
    for number in range(40):
        await house.add(LETTER.replace(b"12345", b"%d" % number), state=State.FAILED)
    client, other = await house.client("operator"), await house.client("administrator")
    page = await press(client, "/bulk/choose", [("kind", "resend"), ("all", "1"), ("q", "")])
    page = await press(client, "/bulk/do", confirmed(page, "/bulk/do", to="all"))
    found = re.search(r'data-progress="(/tasks/\w+)/progress"', page)
    assert found is not None
    await read(other, found[1], 404)
    page = await press(client, f"{found[1]}/stop", [])
    task = await finished(client, page)
    assert task["state"] in ("cancelled", "finished")
    assert task["changed"] == len(await house.events(Kind.RESENT))
    assert "Send again: 40 messages" in await read(client, "/tasks")


async def test_a_program_begins_the_same_and_watches_it(house: House) -> None:
    ids = [await house.add(state=State.FAILED) for _ in range(2)]
    client = await house.program("operator")
    async with client.post("/api/bulk/resend", json={"message_ids": ids, "to": "all"}) as answer:
        assert answer.status == 202
        begun = await answer.json()
    assert begun["total"] == 2
    async with asyncio.timeout(10), client.get(f"{begun['address']}/progress") as answer:
        assert b"finished" in await answer.read()
    async with client.get(f"/api{begun['address']}") as answer:
        assert (await answer.json())["changed"] == 2
    bad: list[dict[str, object]] = [
        {},
        {"q": "", "message_ids": ids},
        {"message_ids": []},
        {"q": 1},
        {"q": "", "to": "x"},
    ]
    for wrong in bad:
        async with client.post("/api/bulk/resend", json=wrong) as answer:
            assert answer.status == 400


async def test_many_are_tagged_and_deleted_with_a_reason(house: House) -> None:
    ids = [await house.add(recipients=TWO, state=State.SENT) for _ in range(2)]
    client = await house.client()
    chosen = [("message", message_id) for message_id in ids]
    page = await press(client, "/bulk/choose", [("kind", "tag"), *chosen])
    assert "name at least one tag" in await press(client, "/bulk/do", confirmed(page, "/bulk/do"), 400)
    task = await finished(client, await press(client, "/bulk/do", confirmed(page, "/bulk/do", add="vip, billing")))
    assert task["changed"] == 2
    assert (await house.archive.listing(ids[0])).tags == ("vip", "billing")
    task = await finished(client, await press(client, "/bulk/do", confirmed(page, "/bulk/do", add="vip")))
    assert task["left"] == {"It has these tags already, and none of those to be taken off.": 2}
    page = await press(client, "/bulk/choose", [("kind", "delete"), *chosen])
    await press(client, "/bulk/do", confirmed(page, "/bulk/do"), 400)
    task = await finished(
        client, await press(client, "/bulk/do", confirmed(page, "/bulk/do", reason="asked for by Ann"))
    )
    assert task["changed"] == 2
    assert (await house.archive.listing(ids[1])).is_deleted
