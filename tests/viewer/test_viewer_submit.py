"""Messages handed in by HTTP."""

from __future__ import annotations

import asyncio
import base64
import hashlib
from collections.abc import AsyncIterator
from email import message_from_bytes
from email.policy import default
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from relay.archive.api.idempotency import Claim
from relay.config import Application
from relay.model.delivery import State
from relay.model.event import Kind
from relay.model.message import Mode
from tests.support.openapi_check import problems
from tests.support.viewer_house import SECOND, House, configured, open_house
from viewer.description.openapi import SCHEMAS

ORDER: dict[str, Any] = {
    "from": "Shop <shop@example.com>",
    "to": ["Änne <ann@example.org>", {"name": "Bob", "address": "bob@example.org"}],
    "bcc": "boss@example.com",
    "subject": "Your order INV-1 — paid",
    "text": "Thank you.",
    "html": "<p>Thank you.</p>",
    "headers": {"X-Shop": "7"},
    "attachments": [
        {"filename": "invoice.pdf", "content": base64.b64encode(b"%PDF").decode(), "content_type": "application/pdf"}
    ],
    "tags": ["order"],
    "metadata": {"order": "7"},
}
SECRET = "a-generated-secret-of-the-shop"


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    shop = Application(
        name="shop",
        username="shop",
        secret_hash=f"sha256:{hashlib.sha256(SECRET.encode()).hexdigest()}",
        senders=("@example.com",),
        tags=("web",),
        max_messages_per_hour=5,
    )
    held = Application(name="held", mode=Mode.HOLD)
    async with open_house(configured(tmp_path / "data", application=(shop, held))) as opened:
        yield opened


def application(house: House, secret: str = SECRET) -> aiohttp.ClientSession:
    return house.browser(headers={"Authorization": aiohttp.encode_basic_auth("shop", secret)})


async def submit(
    session: aiohttp.ClientSession, said: dict[str, Any], status: int = 202, key: str = ""
) -> dict[str, Any]:
    headers = {"Idempotency-Key": key} if key else {}
    async with session.post("/api/messages", json=said, headers=headers) as answer:
        found: dict[str, Any] = await answer.json()
        assert answer.status == status, found
    return found


async def test_a_message_is_made_kept_and_due(house: House) -> None:
    answer = await submit(application(house), ORDER)
    assert problems(answer, SCHEMAS["Submitted"]) == []
    kept = await house.archive.message(answer["id"])
    message = message_from_bytes(await house.archive.content(answer["id"]), policy=default)
    assert kept.message.application == "shop"
    assert kept.message.tags == ("web", "order")
    assert kept.message.envelope.sender == "shop@example.com"
    assert {one.recipient.address for one in kept.deliveries} == {
        "ann@example.org",
        "bob@example.org",
        "boss@example.com",
    }
    assert {one.state for one in kept.deliveries} == {State.QUEUED}
    assert message["To"] == "Änne <ann@example.org>, Bob <bob@example.org>"
    assert message["Bcc"] is None
    assert message["Subject"] == ORDER["subject"]
    assert message["X-Shop"] == "7"
    assert message["Message-ID"].endswith("@example.com>")
    body = message.get_body(("html",))
    assert body is not None
    assert body.get_content().strip() == "<p>Thank you.</p>"
    assert [part.get_filename() for part in message.iter_attachments()] == ["invoice.pdf"]
    assert b"\n" not in (await house.archive.content(answer["id"])).replace(b"\r\n", b"")
    captured = next(event for event in await house.events(Kind.CAPTURED) if event.message_id == answer["id"])
    assert captured.actor == "application:shop"


async def test_the_same_key_sends_once(house: House) -> None:
    shop = application(house)
    first = await submit(shop, ORDER, key="order-7")
    again = await submit(shop, ORDER, key="order-7")
    assert again == {**first, "is_repeated": True}
    refused = await submit(shop, {**ORDER, "subject": "Other"}, 422, key="order-7")
    assert "another request" in refused["error"]["message"]
    person = await house.program("administrator")
    other = await submit(person, {**ORDER, "application": "shop"}, key="order-7")
    assert other["id"] != first["id"]
    house.clock.now += 25 * 3600 * SECOND
    assert (await submit(shop, {**ORDER, "subject": "Other"}, key="order-7"))["id"] != first["id"]


async def test_of_requests_at_once_with_one_key_one_sends(house: House) -> None:
    shop = application(house)

    async def once() -> tuple[int, dict[str, Any]]:
        async with shop.post("/api/messages", json=ORDER, headers={"Idempotency-Key": "k"}) as answer:
            return answer.status, await answer.json()

    answers = await asyncio.gather(*(once() for _ in range(8)))
    assert {status for status, _ in answers} <= {202, 409}
    assert len({found["id"] for status, found in answers if status == 202}) == 1
    assert len(await house.events(Kind.CAPTURED)) == 1


async def test_a_key_claimed_before_a_crash_makes_the_message_when_repeated(house: House) -> None:
    shop = application(house)
    first = await submit(shop, ORDER, key="a")
    claim = await house.archive.claim_key(Claim("application:shop", "a", b"", house.new_id(), 0), forget_before=0)
    assert claim.message_id == first["id"]
    lost = house.new_id()
    await house.archive.claim_key(Claim("application:shop", "b", claim.digest, lost, house.clock()), forget_before=0)
    assert (await submit(shop, ORDER, key="b"))["id"] == lost


async def test_a_refused_request_leaves_its_key_free(house: House) -> None:
    shop = application(house)
    await submit(shop, {**ORDER, "from": "x@elsewhere.example"}, 403, key="k")
    await submit(shop, ORDER, key="k")


async def test_a_whole_message_is_taken_as_it_comes_but_for_bcc(house: House) -> None:
    shop = application(house)
    headers = {"Content-Type": "message/rfc822"}
    bcc = b"Bcc: boss@example.com,\r\n x@example.com\r\n"
    content = b"From: shop@example.com\r\nTo: ann@example.org\r\n" + bcc + b"X: 1\r\n\r\nHi\r\n"
    async with shop.post("/api/messages?tag=a", data=content, headers=headers) as answer:
        found = await answer.json()
        assert answer.status == 202, found
    kept = await house.archive.message(found["id"])
    assert await house.archive.content(found["id"]) == (
        b"From: shop@example.com\r\nTo: ann@example.org\r\nX: 1\r\n\r\nHi\r\n"
    )
    assert [one.recipient.address for one in kept.deliveries] == [
        "ann@example.org",
        "boss@example.com",
        "x@example.com",
    ]
    async with shop.post(
        "/api/messages?to=zoe@example.org&sender=b@example.com", data=content.replace(b"\r\n", b"\n"), headers=headers
    ) as answer:
        kept = await house.archive.message((await answer.json())["id"])
    assert [one.recipient.address for one in kept.deliveries] == ["zoe@example.org"]
    assert kept.message.envelope.sender == "b@example.com"


@pytest.mark.parametrize(
    ("change", "name"),
    [
        ({"from": None}, "from"),
        ({"from": ["a@example.com", "b@example.com"]}, "from"),
        ({"from": 5}, "from"),
        ({"from": "nobody"}, "from"),
        ({"from": {"address": "a@example.com", "x": 1}}, "from"),
        ({"from": {"name": "A\r\nBcc: x@y.z", "address": "a@example.com"}}, "from"),
        ({"sender": "<>"}, "sender"),
        ({"to": [], "bcc": None}, "to"),
        ({"to": "ann@example.org, nobody"}, "to"),
        ({"cc": [["x"]]}, "cc"),
        ({"subject": "a\r\nBcc: x@y.z"}, "subject"),
        ({"subject": 7}, "subject"),
        ({"headers": {"Bcc": "x@y.z"}}, "headers"),
        ({"headers": {"X-A": "1\r\nBcc: x@y.z"}}, "headers"),
        ({"headers": {"X A": "1"}}, "headers"),
        ({"headers": {"X-A": 1}}, "headers"),
        ({"headers": ["X-A"]}, "headers"),
        ({"metadata": {"a b": "1"}}, "metadata"),
        ({"send_at": "whenever"}, "headers"),
        ({"tags": "x"}, "tags"),
        ({"tags": [""]}, "tags"),
        ({"attachments": {}}, "attachments"),
        ({"attachments": [5]}, "attachments[0]"),
        ({"attachments": [{"content": "%"}]}, "attachments[0].content"),
        ({"attachments": [{"content": "", "content_type": "x"}]}, "attachments[0].content_type"),
        ({"attachments": [{"content": "", "filename": "a\r\nb"}]}, "attachments[0].filename"),
        ({"attachments": [{"content": "", "content_id": "a b"}]}, "attachments[0].content_id"),
        ({"application": "nowhere"}, "application"),
        ({"application": 5}, "application"),
        ({"unknown": 1}, "unknown"),
        ({"text": "\ud800"}, "text"),
    ],
)
async def test_what_is_wrong_is_named(house: House, change: dict[str, Any], name: str) -> None:
    said = {**ORDER, **change}
    if name == "text":
        del said["html"]
    answer = await submit(application(house), said, 400)
    assert answer["error"]["field"] == name
    assert await house.events(Kind.CAPTURED) == []


async def test_limits_hold_as_by_smtp(house: House) -> None:
    shop = application(house)
    for _ in range(5):
        await submit(shop, ORDER)
    async with shop.post("/api/messages", json=ORDER) as answer:
        assert answer.status == 429
        assert int(answer.headers["Retry-After"]) > 0


async def test_the_mode_of_the_application_holds(house: House) -> None:
    operator = await house.program("operator")
    answer = await submit(operator, {**ORDER, "application": "held"})
    assert {one["state"] for one in answer["deliveries"]} == {"held"}
    captured = next(event for event in await house.events(Kind.CAPTURED) if event.message_id == answer["id"])
    assert captured.actor == "user:operator"


async def test_who_may_not_write_may_not_send(house: House) -> None:
    await submit(await house.program("auditor"), ORDER, 403)
    await submit(application(house, "wrong"), ORDER, 401)
    async with application(house).get("/api/messages") as answer:
        assert answer.status == 401
    async with application(house).post("/api/messages/01J00000000000000000000000/resend") as answer:
        assert answer.status == 401
