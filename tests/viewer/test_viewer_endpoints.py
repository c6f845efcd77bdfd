"""Endpoints through the API: how each does, what it was told, sending again, a trial."""

from __future__ import annotations

from typing import Any

import aiohttp
import pytest

from relay.model.event import Kind
from relay.model.notification import Standing
from tests.support.endpoints import configure, tell
from tests.support.openapi_check import problems
from tests.support.viewer_house import House
from viewer.description.openapi import SCHEMAS

PATH = "/api/endpoints"


async def ask(
    program: aiohttp.ClientSession, method: str, path: str, schema: str, status: int = 200, **more: Any
) -> dict[str, Any]:
    """The JSON answer, which is what the description says."""
    async with program.request(method, path, **more) as answer:
        told: dict[str, Any] = await answer.json()
        assert answer.status == status, told
        assert problems(told, SCHEMAS[schema]) == []
        return told


async def test_each_endpoint_is_shown_with_how_it_does(house: House) -> None:
    program = await house.program()
    await configure(house, "crm", "my shop")
    await tell(house, "crm", Standing.DELIVERED)
    await tell(house, "crm", Standing.FAILED, error="answered 500")
    await tell(house, "crm", Standing.WAITING, error="answered 503")
    told = await ask(program, "GET", PATH, "Endpoints")
    crm, shop = told["endpoints"]
    assert (crm["name"], crm["waiting"], crm["failed"], crm["delivered"]) == ("crm", 1, 1, 1)
    assert crm["error"] == "answered 503"
    assert (shop["name"], shop["waiting"], shop["delivered_at"]) == ("my shop", 0, None)


async def test_what_it_was_told_is_listed_newest_first_and_filtered(house: House) -> None:
    program = await house.program()
    await configure(house, "my shop")
    made = [await tell(house, "my shop", standing) for standing in (Standing.DELIVERED, Standing.FAILED)]
    listed = await ask(program, "GET", f"{PATH}/my%20shop/notifications?limit=1", "Notifications")
    assert [one["id"] for one in listed["notifications"]] == [made[1].id]
    assert listed["notifications"][0]["type"] == "sent"
    assert listed["notifications"][0]["recipient"] == "ann@example.org"
    path = f"{PATH}/my%20shop/notifications?cursor={listed['next']}"
    assert [one["id"] for one in (await ask(program, "GET", path, "Notifications"))["notifications"]] == [made[0].id]
    path = f"{PATH}/my%20shop/notifications?standing=failed"
    assert len((await ask(program, "GET", path, "Notifications"))["notifications"]) == 1
    for query in ("standing=odd", "cursor=x", "limit=0"):
        await ask(program, "GET", f"{PATH}/my%20shop/notifications?{query}", "Error", 400)
    await ask(program, "GET", f"{PATH}/other/notifications", "Error", 404)


@pytest.mark.parametrize("which", ["ids", "failed", "since"])
async def test_some_or_all_are_sent_again_and_an_event_says_who_asked(house: House, which: str) -> None:
    program = await house.program()
    await configure(house, "crm")
    failed = await tell(house, "crm", Standing.FAILED, error="answered 410", is_gone=True)
    asked = {"ids": [failed.id], "failed": True, "since": "2026-01-01"}[which]
    told = await ask(program, "POST", f"{PATH}/crm/replay", "Replayed", 202, json={which: asked})
    assert told == {"count": 1}
    (state,) = await house.archive.endpoints()
    assert (state.waiting, state.failed, state.gone_at) == (1, 0, None)
    (event,) = await house.events(Kind.REPLAYED)
    assert (event.actor, event.data["endpoint"], event.data["count"]) == ("user:administrator", "crm", 1)


@pytest.mark.parametrize(
    "asked",
    [
        {},
        {"ids": []},
        {"ids": "x"},
        {"ids": [1]},
        {"failed": "yes"},
        {"since": 5},
        {"since": "soon"},
        {"ids": ["x"], "failed": True},
        {"ids": ["x"] * 1001},
        {"all": True},
    ],
)
async def test_what_cannot_be_meant_is_refused(house: House, asked: dict[str, Any]) -> None:
    program = await house.program()
    await configure(house, "crm")
    await ask(program, "POST", f"{PATH}/crm/replay", "Error", 400, json=asked)


async def test_a_trial_is_on_its_way_at_once(house: House) -> None:
    program = await house.program()
    await configure(house, "crm")
    told = await ask(program, "POST", f"{PATH}/crm/try", "Tried", 202)
    (due,) = await house.archive.due_notifications("crm", house.clock(), 10)
    assert (due.notification.id, due.fact) == (told["id"], None)
    listed = await ask(program, "GET", f"{PATH}/crm/notifications", "Notifications")
    assert listed["notifications"][0]["type"] == "trial"
    await ask(program, "POST", f"{PATH}/other/try", "Error", 404)
    await ask(program, "POST", f"{PATH}/other/replay", "Error", 404, json={"failed": True})


@pytest.mark.parametrize("role", ["operator", "auditor"])
async def test_only_administrators_see_endpoints(house: House, role: str) -> None:
    program = await house.program(role)
    await configure(house, "crm")
    await ask(program, "GET", PATH, "Error", 403)
    await ask(program, "GET", f"{PATH}/crm/notifications", "Error", 403)
    await ask(program, "POST", f"{PATH}/crm/replay", "Error", 403, json={"failed": True})
    await ask(program, "POST", f"{PATH}/crm/try", "Error", 403)
