"""A sent copy on its page and as JSON, with what was fetched from it."""

from __future__ import annotations

import base64
import hashlib
from html import unescape

from relay.model.delivery import Attempt, State
from relay.model.edit import Edit
from relay.model.event import Event, Grade, Kind
from relay.model.fetch import Fetch, Verdict
from relay.model.token import Token, TokenKind
from relay.rendition.edit import splice
from tests.support.openapi_check import problems
from tests.support.viewer_house import LETTER, SECOND, House
from viewer.description.openapi import SCHEMAS

SIGNATURE = {
    "domain": "example.com",
    "selector": "e1",
    "algorithm": "ed25519-sha256",
    "public_key": "c2VjcmV0",
    "alignment": "strict",
}


async def sent(house: House, edits: tuple[Edit, ...], *, is_broken: bool = False) -> tuple[str, str]:
    """A message whose first attempt is under way, with a pixel and a link that were fetched: (its id, delivery id)."""
    message_id = await house.add(state=State.QUEUED)
    (claim,) = await house.archive.claim("test", house.clock(), house.clock() + 60 * SECOND, 1)
    duty, now = claim.deliveries[0], house.clock()
    wire = b"other" if is_broken else splice(LETTER, edits)
    attempt = Attempt(
        house.new_id(), duty.id, message_id, 1, "provider", now, edits, hashlib.sha256(wire).digest(), len(wire)
    )
    tokens = [
        Token(f"pixel-{message_id}", duty.id, message_id, TokenKind.OPEN, now, part=2),
        Token(f"link-{message_id}", duty.id, message_id, TokenKind.CLICK, now, "https://a.example/?x=<b>", 2),
    ]
    await house.archive.begin_attempts([attempt], tokens)
    fetches = [
        Fetch(house.new_id(), tokens[0].id, now, "GET", "", "<i>agent", Verdict.PROXY, "a proxy", 1, 7),
        Fetch(house.new_id(), tokens[1].id, now, "HEAD", "192.0.2.0", "", Verdict.SCANNER, "by HEAD", 1),
    ]
    await house.archive.add_fetches(fetches)
    data = {"attempt": attempt.id, "signatures": [SIGNATURE]}
    event = Event(house.new_id(), now, Kind.SENT, "upstream:provider", message_id, duty.id, Grade.PEER, data)
    await house.archive.add_events([event])
    return message_id, duty.id


async def test_the_page_of_a_sent_copy_says_what_was_changed_signed_and_fetched(house: House) -> None:
    message_id, duty = await sent(house, (Edit(0, 0, b"Received: <by> us\r\n", "trace"),))
    browser = await house.client("auditor")
    async with browser.get(f"/messages/{message_id}/sent/{duty}?attempt=1") as answer:
        page = await answer.text()
        assert answer.status == 200
    text = unescape(page)
    for wanted in (
        "Rebuilt and checked: equal",
        "Received: <by> us",
        "e1._domainkey.example.com",
        "c2VjcmV0",
        "Fetched by a privacy proxy",
        "7 such fetches within the hour",
        "Link followed, scanner suspected",
        "<i>agent",
        "no User-Agent",
    ):
        assert wanted in text
    assert "<i>agent" not in page
    assert f"pixel-{message_id}" not in page
    assert len(await house.events(Kind.VIEWED)) == 1


async def test_a_copy_that_cannot_be_rebuilt_is_not_shown(house: House) -> None:
    message_id, duty = await sent(house, (), is_broken=True)
    browser = await house.client("auditor")
    async with browser.get(f"/messages/{message_id}/sent/{duty}") as answer:
        text = await answer.text()
    assert "Rebuilt and checked: not equal" in text
    assert "What was changed" not in text


async def test_a_delivery_that_was_never_attempted_has_no_sent_copy(house: House) -> None:
    message_id = await house.add(state=State.QUEUED)
    duty = (await house.archive.message(message_id)).deliveries[0].id
    browser = await house.client("auditor")
    async with browser.get(f"/messages/{message_id}/sent/{duty}") as answer:
        assert answer.status == 404
    async with browser.get(f"/api/messages/{message_id}/deliveries/{duty}") as answer:
        assert (await answer.json())["copy"] is None


async def test_a_delivery_is_told_as_json_without_its_tokens(house: House) -> None:
    edits = (Edit(0, 0, b"Received: x\r\n", "trace"), Edit(len(LETTER), len(LETTER), b"y" * 70_000, "line-ends"))
    message_id, duty = await sent(house, edits)
    program = await house.program("auditor")
    async with program.get(f"/api/messages/{message_id}/deliveries/{duty}") as answer:
        told = await answer.json()
        assert f"pixel-{message_id}" not in await answer.text()
    assert problems(told, SCHEMAS["SentDelivery"]) == []
    assert told["copy"]["is_verified"] is True
    assert base64.b64decode(told["copy"]["edits"][0]["replacement"]) == b"Received: x\r\n"
    assert (told["copy"]["edits"][1]["size"], told["copy"]["edits"][1]["replacement"]) == (70_000, None)
    assert told["copy"]["signatures"] == [SIGNATURE]
    assert [
        (one["kind"], one["attempt"], sum(fetch["count"] for fetch in one["fetches"])) for one in told["tokens"]
    ] == [
        ("open", 1, 7),
        ("click", 1, 1),
    ]
    async with program.get(f"/api/messages/{message_id}/deliveries/{duty}?attempt=9") as answer:
        assert answer.status == 404
    async with program.get("/api/messages") as answer:
        (row,) = (await answer.json())["messages"]
    assert (row["opened"], row["clicked"]) == (["proxy"], ["scanner-suspected"])
