"""Sending again over the API: what is due afterwards, what is refused and why."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from relay.model.delivery import State
from relay.model.event import Kind
from relay.model.message import Mode
from tests.support.openapi_check import problems
from tests.support.viewer_house import LETTER, SECOND, House, configured, open_house
from viewer.description.openapi import SCHEMAS


async def resend(client: aiohttp.ClientSession, message_id: str, body: Any, status: int = 202) -> Any:
    async with client.post(f"/api/messages/{message_id}/resend", json=body) as answer:
        value = await answer.json()
        assert answer.status == status, value
    assert problems(value, SCHEMAS["Resent" if status == 202 else "Error"]) == []
    return value


async def test_an_exact_resend_makes_the_same_message_due_again_for_all(house: House) -> None:
    message_id = await house.add(recipients=("ann@example.org", "bob@example.org"))
    done = await resend(await house.program("operator"), message_id, {})
    assert done["message_id"] == message_id
    assert done["parent_id"] is None
    stored = await house.archive.message(message_id)
    due = [duty for duty in stored.deliveries if duty.state is State.QUEUED]
    assert [duty.id for duty in due] == done["delivery_ids"]
    assert [duty.recipient.address for duty in due] == ["ann@example.org", "bob@example.org"]
    assert all(duty.expires_at == duty.created_at + 48 * 3600 * SECOND for duty in due)
    (resent,) = await house.events(Kind.RESENT)
    assert (resent.actor, resent.message_id) == ("user:operator", message_id)
    queued = await house.events(Kind.QUEUED)
    assert [event.delivery_id for event in queued] == done["delivery_ids"]
    (claim,) = await house.archive.claim("courier", house.clock(), house.clock() + SECOND, 10)
    assert len(claim.deliveries) == 2


async def test_another_recipient_is_no_recipient_of_the_original(house: House) -> None:
    message_id = await house.add()
    await resend(await house.program("operator"), message_id, {"recipients": ["new@example.org", "new@example.org"]})
    stored = await house.archive.message(message_id)
    assert [duty.recipient.address for duty in stored.deliveries] == ["ann@example.org", "new@example.org"]
    assert [recipient.address for recipient in stored.message.envelope.recipients] == ["ann@example.org"]


async def test_an_edited_copy_is_a_child_with_a_message_id_of_its_own(house: House) -> None:
    message_id = await house.add(sender="bounces@example.com")
    edit = {"subject": "Your new invoice", "text": "Hello again.", "to": "Bob <bob@example.org>"}
    done = await resend(await house.program("operator"), message_id, {"recipients": ["bob@example.org"], "edit": edit})
    assert done["parent_id"] == message_id
    child = await house.archive.message(done["message_id"])
    content = await house.archive.content(child.message.id)
    assert b"Subject: Your new invoice\r\n" in content
    assert b"Hello again." in content
    assert b"<1@example.com>" not in content
    assert f"Message-ID: <{child.message.id.lower()}@example.com>".encode() in content
    assert child.message.sha256 == hashlib.sha256(content).digest()
    assert child.message.size == len(content)
    assert child.message.envelope.sender == "bounces@example.com"
    assert [recipient.address for recipient in child.message.envelope.recipients] == ["bob@example.org"]
    assert (child.message.application, child.message.mode) == ("shop", Mode.RELAY)
    assert (child.message.parent_id, child.message.reception.peer) == (message_id, "viewer")
    assert [duty.state for duty in child.deliveries] == [State.QUEUED]
    original = await house.archive.message(message_id)
    assert original.children == (child.message.id,)
    assert await house.archive.content(message_id) == LETTER
    (resent,) = await house.events(Kind.RESENT)
    assert (resent.message_id, resent.data["child"]) == (message_id, child.message.id)
    assert [event.message_id for event in await house.events(Kind.CAPTURED)] == [message_id, child.message.id]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"recipients": []}, "recipients"),
        ({"recipients": "ann@example.org"}, "recipients"),
        ({"recipients": [1]}, "recipients"),
        ({"recipients": ["ann"]}, "recipients"),
        ({"recipients": ["a@b\r\nRCPT TO:<c@d>"]}, "recipients"),
        ({"recipients": ["a@b> SIZE=1"]}, "recipients"),
        ({"recipients": ["@r:a@example.org"]}, "recipients"),
        ({"recipients": ["\ud800@example.org"]}, "recipients"),
        ({"recipients": [""]}, "recipients"),
        ({"recipients": [f"a{n}@example.org" for n in range(1001)]}, "recipients"),
        ({"edit": {"to": "bob@example.org"}}, "recipients"),
        ({"edit": {"subject": "a\r\nBcc: x@y"}}, "edit"),
        ({"edit": {"html": "<b>no HTML part</b>"}}, "edit"),
        ({"edit": {}}, "edit"),
        ({"edit": {"subject": 1}}, "edit.subject"),
        ({"edit": {"date": 1}}, "edit.date"),
        ({"recipient": ["ann@example.org"]}, "recipient"),
        ([], "body"),
    ],
)
async def test_what_cannot_be_sent_is_refused_by_field_and_changes_nothing(house: House, body: Any, field: str) -> None:
    message_id = await house.add()
    refused = await resend(await house.program("operator"), message_id, body, 400)
    assert refused["error"]["field"] == field
    assert len((await house.archive.message(message_id)).deliveries) == 1
    assert await house.events(Kind.RESENT) == []


@pytest.mark.parametrize("octets", [b"{", b"\xff", b"[" * 100_000, b'"x"', b"nul"])
async def test_a_body_that_is_no_json_object_is_400(house: House, octets: bytes) -> None:
    message_id = await house.add()
    program = await house.program("operator")
    async with program.post(
        f"/api/messages/{message_id}/resend", data=octets, headers={"Content-Type": "application/json"}
    ) as answer:
        assert answer.status == 400
        assert (await answer.json())["error"]["field"] == "body"


async def test_a_message_that_nothing_can_parse_is_sent_again_as_it_is(house: House) -> None:
    message_id = await house.add(b"\x00\xff\r.\n", indexed=False)
    await resend(await house.program("operator"), message_id, {})
    assert len((await house.archive.message(message_id)).deliveries) == 2


async def test_without_an_upstream_the_answer_says_so(tmp_path: Path) -> None:
    async with open_house(configured(tmp_path / "data", upstream=False)) as house:
        message_id = await house.add()
        refused = await resend(await house.program("operator"), message_id, {}, 409)
        assert "upstream" in refused["error"]["message"]


async def test_a_message_that_is_not_there_cannot_be_sent(house: House) -> None:
    await resend(await house.program("operator"), "01J00000000000000000000000", {}, 404)
