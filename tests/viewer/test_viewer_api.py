"""The JSON API over real HTTP: each answer is what the description says, each refusal names its field."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from relay.archive.api import Closing
from relay.model.delivery import Attempt, Outcome, RetrySchedule, State, after
from relay.model.edit import Edit
from relay.model.event import Event, Kind
from relay.model.reply import Reply
from relay.rendition.edit import splice
from tests.support.openapi_check import problems
from tests.support.viewer_house import LETTER, SECOND, House
from viewer.description.openapi import OPERATIONS, SCHEMAS, description

MIXED = (
    b"From: a@example.com\r\nTo: b@example.org\r\nSubject: files\r\nMIME-Version: 1.0\r\n"
    b"Content-Type: multipart/mixed; boundary=b\r\n\r\n"
    b"--b\r\nContent-Type: text/html\r\n\r\n<script>alert(1)</script>\r\n"
    b'--b\r\nContent-Type: image/png; name="a.png"\r\nContent-Transfer-Encoding: base64\r\n\r\niVBORw0KGgo=\r\n'
    b'--b\r\nContent-Type: image/svg+xml; name="a.svg"\r\n\r\n<svg onload=alert(1)>\r\n'
    b"--b\r\nContent-Type: image/png\r\n\r\n<script>not a png</script>\r\n"
    b"--b\r\nContent-Type: application/pdf\r\n"
    b"Content-Disposition: attachment; filename*=utf-8''..%2F%0D%0Ab%C3%BC%22.pdf\r\n\r\n%PDF\r\n--b--\r\n"
)
NOTHING = "01J00000000000000000000000"


async def get_json(client: aiohttp.ClientSession, path: str, schema: str, status: int = 200) -> Any:
    """The answer, which must have that status and be valid by the description's schema."""
    async with client.get(path) as answer:
        text = await answer.text()
        assert answer.status == status, text
        assert answer.content_type == "application/json"
    value = json.loads(text)
    assert problems(value, SCHEMAS[schema]) == []
    return value


async def attempt(house: House, message_id: str, edits: tuple[Edit, ...], wire: bytes | None = None) -> str:
    """One attempt of the message's first delivery, answered 250; returns the delivery's id."""
    stored = await house.archive.message(message_id)
    content = await house.archive.content(message_id)
    sent = splice(content, edits) if wire is None else wire
    (claim,) = await house.archive.claim("test", house.clock(), house.clock() + 60 * SECOND, 1)
    duty = claim.deliveries[0]
    number = duty.attempts + 1
    opened = Attempt(
        house.new_id(), duty.id, stored.message.id, number, "provider", house.clock(), edits,
        hashlib.sha256(sent).digest(), len(sent),
    )  # fmt: skip
    await house.archive.begin_attempts([opened])
    reply = Reply(450 if number == 1 else 250, "so it is", "4.2.0" if number == 1 else "2.0.0")
    now = house.clock()
    schedule = RetrySchedule((0,), 0, 10**12, jitter=0.0)
    done, kind = after(duty, Outcome(reply), now, schedule)
    closed = replace(opened, finished_at=now, reply=reply)
    event = Event(house.new_id(), now, kind, "upstream:provider", message_id, duty.id)
    await house.archive.finish_attempts([Closing(closed, done, event)])
    return duty.id


async def test_a_search_is_paged_sorted_and_described(house: House) -> None:
    ids = [await house.add(LETTER.replace(b"12345", b"%d" % n)) for n in range(5)]
    program = await house.program("auditor")
    first = await get_json(program, "/api/messages?limit=2", "Messages")
    assert [row["id"] for row in first["messages"]] == [ids[4], ids[3]]
    second = await get_json(program, f"/api/messages?limit=2&cursor={first['next']}", "Messages")
    assert [row["id"] for row in second["messages"]] == [ids[2], ids[1]]
    back = await get_json(program, f"/api/messages?limit=2&cursor={second['previous']}", "Messages")
    assert back["messages"] == first["messages"]
    oldest = await get_json(program, "/api/messages?limit=1&order=asc", "Messages")
    assert oldest["messages"][0]["id"] == ids[0]
    found = await get_json(program, "/api/messages?q=subject:invoice%20-nothing", "Messages")
    assert len(found["messages"]) == 5
    none = await get_json(program, "/api/messages?q=subject:nothing", "Messages")
    assert none == {"messages": [], "next": None, "previous": None}


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("limit=0", "limit"), ("limit=501", "limit"), ("limit=x", "limit"), ("limit=%D9%A1", "limit"),
        ("sort=color", "sort"), ("order=up", "order"), ("cursor=nonsense", "cursor"), ("cursor=%00", "cursor"),
        ("q=%28", "q"), ("q=nofield%3Ax%22", "q"), ("q=" + "x" * 2001, "q"),
    ],
)  # fmt: skip
async def test_a_wrong_parameter_is_named(house: House, query: str, field: str) -> None:
    program = await house.program("auditor")
    refused = await get_json(program, f"/api/messages?{query}", "Error", 400)
    assert refused["error"]["field"] == field


async def test_one_message_is_told_with_its_deliveries_and_attempts(house: House) -> None:
    message_id = await house.add(state=State.QUEUED)
    await attempt(house, message_id, (Edit(0, 0, b"Received: x\r\n", "trace"),))
    program = await house.program("auditor")
    told = await get_json(program, f"/api/messages/{message_id}", "Message")
    assert told["sha256"] == hashlib.sha256(LETTER).hexdigest()
    assert told["subject"] == "Your invoice INV-12345"
    assert told["from"] == [{"name": "Shop", "address": "shop@example.com"}]
    (duty,) = told["deliveries"]
    assert duty["state"] == "deferred"
    assert duty["attempts"][0]["edits"] == [{"start": 0, "stop": 0, "step": "trace"}]
    events = await get_json(program, f"/api/messages/{message_id}/events", "Events")
    assert [event["kind"] for event in events["events"]] == ["captured", "deferred"]
    later = await get_json(program, f"/api/events?after={events['events'][0]['number']}&limit=1", "Events")
    assert len(later["events"]) == 1


async def test_a_message_that_is_not_indexed_is_told_by_its_envelope(house: House) -> None:
    message_id = await house.add(b"\x00\xff junk", indexed=False)
    told = await get_json(await house.program("auditor"), f"/api/messages/{message_id}", "Message")
    assert told["is_indexed"] is False
    assert told["envelope"]["sender"] == "shop@example.com"


@pytest.mark.parametrize("tail", ["", "/events", "/content", "/parts", "/parts/0", f"/deliveries/{NOTHING}/content"])
async def test_a_message_that_is_not_there_is_404(house: House, tail: str) -> None:
    await get_json(await house.program("auditor"), f"/api/messages/{NOTHING}{tail}", "Error", 404)


@pytest.mark.parametrize("content", [LETTER, b"", b"\n.\r\n\x00\xff\r", b"x" * 3_000_000 + b"\r\n"])
async def test_the_original_comes_back_octet_for_octet(house: House, content: bytes) -> None:
    message_id = await house.add(content)
    program = await house.program("auditor")
    path = f"/api/messages/{message_id}/content"
    async with program.get(path) as answer:
        assert answer.status == 200
        assert await answer.read() == content
        assert answer.content_type == "message/rfc822"
        assert answer.headers["Content-Disposition"] == f'attachment; filename="{message_id}.eml"'
        assert "sandbox" in answer.headers["Content-Security-Policy"]
        etag = answer.headers["ETag"]
    assert etag.strip('"') == hashlib.sha256(content).hexdigest()
    async with program.get(path, headers={"If-None-Match": etag}) as answer:
        assert answer.status == 304
    async with program.head(path) as answer:
        assert answer.status == 200
        assert answer.headers["Content-Length"] == str(len(content))
    (downloaded,) = await house.events(Kind.DOWNLOADED)
    assert (downloaded.actor, downloaded.message_id) == ("user:auditor", message_id)


async def test_the_copy_as_sent_is_rebuilt_for_each_attempt(house: House) -> None:
    message_id = await house.add(state=State.QUEUED)
    duty = (await house.archive.message(message_id)).deliveries[0].id
    program = await house.program("auditor")
    path = f"/api/messages/{message_id}/deliveries/{duty}/content"
    refused = await get_json(program, path, "Error", 404)
    assert "never been attempted" in refused["error"]["message"]
    await attempt(house, message_id, ())
    await attempt(house, message_id, (Edit(0, 0, b"Received: by us\r\n", "trace"),))
    for query, wanted in (("", b"Received: by us\r\n" + LETTER), ("?attempt=1", LETTER)):
        async with program.get(path + query) as answer:
            assert await answer.read() == wanted
    await get_json(program, f"{path}?attempt=3", "Error", 404)
    await get_json(program, f"{path}?attempt=x", "Error", 400)


async def test_a_copy_that_fails_its_hash_is_not_shown(house: House) -> None:
    message_id = await house.add(state=State.QUEUED)
    duty = await attempt(house, message_id, (), wire=b"something else")
    path = f"/api/messages/{message_id}/deliveries/{duty}/content"
    refused = await get_json(await house.program("auditor"), path, "Error", 500)
    assert "SHA-256" in refused["error"]["message"]


async def test_parts_are_listed_and_given_harmlessly(house: House) -> None:
    message_id = await house.add(MIXED)
    program = await house.program("auditor")
    parts = (await get_json(program, f"/api/messages/{message_id}/parts", "Parts"))["parts"]
    assert [part["content_type"] for part in parts] == [
        "multipart/mixed", "text/html", "image/png", "image/svg+xml", "image/png", "application/pdf",
    ]  # fmt: skip
    shown = {
        (1, ""): ("application/octet-stream", "attachment"),
        (2, ""): ("image/png", "attachment"),
        (2, "?inline=1"): ("image/png", "inline"),
        (3, "?inline=1"): ("application/octet-stream", "attachment"),
        (4, "?inline=1"): ("image/png", "attachment"),
        (5, "?inline=1"): ("application/pdf", "attachment"),
    }
    for (number, query), (content_type, disposition) in shown.items():
        async with program.get(f"/api/messages/{message_id}/parts/{number}{query}") as answer:
            assert answer.status == 200
            assert answer.content_type == content_type
            assert answer.headers["Content-Disposition"].split(";")[0] == disposition, number
            assert answer.headers["X-Content-Type-Options"] == "nosniff"
            assert answer.headers["Content-Security-Policy"] == "default-src 'none'; sandbox"
    async with program.get(f"/api/messages/{message_id}/parts/2") as answer:
        assert await answer.read() == b"\x89PNG\r\n\x1a\n"
    async with program.get(f"/api/messages/{message_id}/parts/5") as answer:
        assert "/" not in answer.headers["Content-Disposition"].removeprefix("attachment; ")
        assert answer.headers["Content-Disposition"].isascii()
    await get_json(program, f"/api/messages/{message_id}/parts/6", "Error", 404)
    await get_json(program, f"/api/messages/{message_id}/parts/99999", "Error", 404)


async def test_the_description_has_every_route_and_no_other(house: House) -> None:
    described = {(operation.method.upper(), operation.path) for operation in OPERATIONS}
    served = {
        (route.method, route.resource.canonical)
        for route in house.app.router.routes()
        if route.resource is not None
        and route.resource.canonical.startswith("/api/")
        and route.method != "HEAD"
        # Mailpit describes its own.
        and not route.resource.canonical.startswith("/api/v1/")
    }
    assert described == served


async def test_the_description_describes_itself_in_one_piece(house: House) -> None:
    async with (await house.client("auditor")).get("/api/openapi.json") as answer:
        told = await answer.json()
    assert told == description(told["info"]["version"])
    text = json.dumps(description("0"))
    for reference in [one.split('"')[0] for one in text.split('"$ref": "#/components/schemas/')[1:]]:
        assert reference in SCHEMAS
    identifiers = [one["operationId"] for path in description("0")["paths"].values() for one in path.values()]
    assert len(identifiers) == len(set(identifiers))


@pytest.mark.parametrize(("method", "path"), [("PUT", "/api/messages"), ("DELETE", "/api/events")])
async def test_a_method_that_is_not_there_is_405_as_json(house: House, method: str, path: str) -> None:
    async with (await house.program()).request(method, path, json={}) as answer:
        assert answer.status == 405
        assert answer.headers["Allow"]
        assert problems(await answer.json(), SCHEMAS["Error"]) == []


def test_the_documentation_tells_of_every_call() -> None:
    text = (Path(__file__).parents[2] / "docs" / "api.md").read_text()
    told = set(re.findall(r"^\| `(GET|POST|PUT|DELETE) (\S+)`", text, re.MULTILINE))
    assert told == {(operation.method.upper(), operation.path) for operation in OPERATIONS}


async def test_a_delivery_of_another_message_is_404(house: House) -> None:
    first, second = await house.add(state=State.QUEUED), await house.add()
    delivery = (await house.archive.message(second)).deliveries[0].id
    path = f"/api/messages/{first}/deliveries/{delivery}/content"
    refused = await get_json(await house.program("auditor"), path, "Error", 404)
    assert "no such delivery" in refused["error"]["message"]


async def test_edits_that_do_not_fit_the_content_are_not_applied(house: House) -> None:
    message_id = await house.add(state=State.QUEUED)
    duty = await attempt(house, message_id, (Edit(10**6, 10**6 + 1, b"x", "trace"),), wire=LETTER)
    path = f"/api/messages/{message_id}/deliveries/{duty}/content"
    await get_json(await house.program("auditor"), path, "Error", 500)
