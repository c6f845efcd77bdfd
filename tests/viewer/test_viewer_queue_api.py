"""The queue, the switches and what came back, for programs."""

from __future__ import annotations

import asyncio
import base64
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from relay.archive.api.waiting import WaitingFilter
from relay.config import Application
from relay.model.delivery import State
from relay.model.event import Grade, Kind
from relay.model.report import Payload, Report, ReportKind
from relay.model.suppressing import NO_RULES
from relay.model.upstream import Health, UpstreamState
from tests.support.openapi_check import problems
from tests.support.viewer_house import House, configured, open_house
from viewer.description.openapi import SCHEMAS

THREE = ("ann@example.org", "bob@example.net", "cleo@example.org")


async def call(
    program: aiohttp.ClientSession, method: str, path: str, answer_is: str, status: int = 200, **body: Any
) -> Any:
    given: Any = {} if method == "GET" else {"json": body}
    async with program.request(method, path, **given) as answer:
        told = await answer.json()
        assert answer.status == status, told
    assert problems(told, SCHEMAS[answer_is]) == []
    return told


async def test_what_waits_is_listed_counted_and_changed(house: House) -> None:
    message = await house.add(recipients=THREE, state=State.QUEUED)
    program = await house.program("operator")
    first = await call(program, "GET", "/api/queue?limit=2", "Queue")
    assert [one["recipient"] for one in first["deliveries"]] == list(THREE[:2])
    assert first["deliveries"][0]["waits"] == "due; waits for its turn"
    rest = await call(program, "GET", f"/api/queue?cursor={first['next']}", "Queue")
    assert [one["recipient"] for one in rest["deliveries"]] == [THREE[2]]
    groups = await call(program, "GET", "/api/queue/groups", "QueueGroups")
    assert [(one["state"], one["count"]) for one in groups["groups"]] == [("queued", 3)]
    ids = [one["id"] for one in (*first["deliveries"], *rest["deliveries"])]
    changed = await call(program, "POST", "/api/queue/cancel", "QueueChanged", delivery_ids=[ids[0], house.new_id()])
    assert changed["changed"] == [ids[0]]
    assert [one["reason"] for one in changed["left"]] == ["It does not wait (any more)."]
    rerouted = await call(program, "POST", "/api/queue/reroute", "QueueChanged", delivery_ids=ids, way="provider")
    assert rerouted["changed"] == ids[1:]
    refused = await call(program, "POST", "/api/queue/release", "QueueChanged", delivery_ids=ids[1:])
    assert {one["reason"] for one in refused["left"]} == {"It is not waiting for approval."}
    assert (await house.archive.message(message)).deliveries[0].state is State.CANCELLED


async def test_all_that_match_are_changed_in_the_background(house: House) -> None:
    message = await house.add(recipients=THREE, state=State.QUEUED)
    program = await house.program("operator")
    job = await call(program, "POST", "/api/queue/cancel/all", "QueueJob", 202, domain="example.org")
    assert job["total"] == 2
    async with asyncio.timeout(10):
        while job["state"] != "finished":
            job = await call(program, "GET", f"/api/queue/jobs/{job['id']}", "QueueJob")
    assert job["changed"] == 2
    await call(program, "POST", f"/api/queue/jobs/{job['id']}/stop", "QueueJob")
    states = [one.state for one in (await house.archive.message(message)).deliveries]
    assert states == [State.CANCELLED, State.QUEUED, State.CANCELLED]
    await call(await house.program("administrator"), "GET", f"/api/queue/jobs/{job['id']}", "Error", 404)


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/api/queue/cancel", {}),
        ("/api/queue/cancel", {"delivery_ids": []}),
        ("/api/queue/cancel", {"delivery_ids": "all"}),
        ("/api/queue/cancel", {"delivery_ids": ["x"], "way": "provider"}),
        ("/api/queue/reroute", {"delivery_ids": ["x"], "way": "nowhere"}),
        ("/api/queue/cancel/all", {"state": "sent"}),
        ("/api/queue/cancel/all", {"q": "from:("}),
        ("/api/queue/cancel/all", {"lane": 7}),
        ("/api/queue/cancel/all", {"delivery_ids": ["x"]}),
        ("/api/pause", {"upstream": "nowhere"}),
        ("/api/pause", {"reason": 7}),
    ],
)
async def test_what_is_asked_for_wrongly_changes_nothing(house: House, path: str, body: dict[str, Any]) -> None:
    await house.add(state=State.QUEUED)
    await call(await house.program("operator"), "POST", path, "Error", 400, **body)
    assert await house.archive.waiting_count(WaitingFilter()) == 1


async def test_a_pause_names_who_and_why_and_is_lifted(house: House) -> None:
    house.upstreams.append(UpstreamState("provider", Health.RESTING, house.clock(), "connection refused"))
    program = await house.program("operator")
    paused = await call(program, "POST", "/api/pause", "Upstreams", reason="moving")
    assert (paused["paused"]["by"], paused["paused"]["reason"]) == ("operator", "moving")
    (one,) = (await call(program, "POST", "/api/pause", "Upstreams", upstream="provider"))["upstreams"]
    assert (one["health"], one["error"], one["paused"]["by"]) == ("resting", "connection refused", "operator")
    await call(program, "POST", "/api/resume", "Upstreams")
    told = await call(program, "POST", "/api/resume", "Upstreams", upstream="provider")
    assert (told["paused"], told["upstreams"][0]["paused"]) == (None, None)
    assert len(await house.events(Kind.RESUMED)) == 2
    auditor = await house.program("auditor")
    await call(auditor, "POST", "/api/pause", "Error", 403)
    await call(auditor, "GET", "/api/upstreams", "Upstreams")


async def test_a_mode_is_switched_and_put_back(tmp_path: Path) -> None:
    config = configured(tmp_path / "data").model_copy(update={"application": (Application(name="shop"),)})
    async with open_house(config) as house:
        program = await house.program()
        path = "/api/applications/shop/mode"
        told = await call(program, "PUT", path, "ApplicationMode", mode="hold")
        assert (told["mode"], told["configured"], told["is_switched"]) == ("hold", "relay", True)
        (listed,) = (await call(program, "GET", "/api/applications", "Applications"))["applications"]
        assert listed == told
        told = await call(program, "PUT", path, "ApplicationMode", mode=None)
        assert (told["mode"], told["is_switched"]) == ("relay", False)
        await call(program, "PUT", path, "Error", 400)
        await call(program, "PUT", path, "Error", 400, mode="redirect")
        await call(program, "PUT", "/api/applications/other/mode", "Error", 404, mode="hold")
        await call(await house.program("operator"), "PUT", path, "Error", 403, mode="hold")


async def test_what_came_back_is_told_with_its_source_and_as_it_came(house: House) -> None:
    message = await house.add(state=State.SENT)
    (delivery,) = (await house.archive.message(message)).deliveries
    now = house.clock()
    body = b'{"event": "delivered"}\xff'
    payload = Payload(
        house.new_id(), now, "webhook:ses", Grade.SIGNED, "verified", {"X-Sign": "abc"}, body, "192.0.2.9"
    )
    await house.archive.add_payload(payload)
    report = Report(house.new_id(), payload.id, now, ReportKind.DELIVERED, "1", delivery_id=delivery.id)
    await house.archive.add_reports(payload.id, [report], NO_RULES)
    program = await house.program("auditor")
    (told,) = (await call(program, "GET", f"/api/messages/{message}/reports", "Reports"))["reports"]
    assert (told["kind"], told["source"], told["grade"]) == ("delivered", "webhook:ses", "C")
    kept = await call(program, "GET", f"/api/payloads/{told['payload_id']}", "Payload")
    assert base64.b64decode(kept["body"]) == body
    whole = await call(program, "GET", f"/api/messages/{message}", "Message")
    assert whole["deliveries"][0]["standing"] == "Delivered, reported by webhook ses (C)"
    (row,) = (await call(program, "GET", "/api/messages?q=status:delivered", "Messages"))["messages"]
    assert row["reports"] == [{"state": "delivered", "bounce": None, "grade": "C", "source": "webhook:ses", "count": 1}]
    await call(program, "GET", f"/api/payloads/{house.new_id()}", "Error", 404)
