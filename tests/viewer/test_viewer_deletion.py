from __future__ import annotations

import csv
import io
import re
import zipfile
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from relay.model.delivery import State
from relay.model.erasure import ERASED_ADDRESS
from relay.model.event import Event, Kind
from tests.support.archive_values import new_id
from tests.support.viewer_house import House, configured, open_house

REASON = "asked by the customer"


@pytest.fixture
async def two(tmp_path: Path) -> AsyncIterator[House]:
    async with open_house(configured(tmp_path / "data", two_person_delete=True)) as opened:
        yield opened


async def deleted(house: House, **more: object) -> str:
    message_id = await house.add(**more)  # type: ignore[arg-type]
    boss = await house.program()
    async with boss.delete(f"/api/messages/{message_id}", params={"reason": REASON}) as answer:
        assert answer.status == 200, await answer.text()
        assert (await answer.json())["standing"] == "deleted"
    return message_id


async def test_a_deleted_content_is_gone_wherever_it_was(house: House):
    message_id = await deleted(house, state=State.SENT)
    boss = await house.program()
    for path in (
        f"/api/messages/{message_id}/content",
        f"/api/messages/{message_id}/parts",
        f"/api/messages/{message_id}/parts/0",
        f"/messages/{message_id}/preview",
        f"/messages/{message_id}/resend",
    ):
        async with boss.get(path) as answer:
            assert answer.status == 410, path
            assert "was deleted" in await answer.text()


async def test_what_stays_says_who_when_why_and_what(house: House):
    message_id = await deleted(house)
    boss = await house.program()
    async with boss.get(f"/api/messages/{message_id}") as answer:
        told = await answer.json()
    assert told["deletion"]["by"] == "user:administrator"
    assert told["deletion"]["reason"] == REASON
    assert told["subject"] == ""
    async with (await house.client()).get(f"/messages/{message_id}") as answer:
        page = await answer.text()
    assert answer.status == 200
    assert "The content of this message was deleted" in page
    assert REASON in page
    assert told["sha256"] in page
    assert "Your invoice" not in page
    (event,) = await house.events(Kind.DELETED)
    assert (event.actor, event.data["reason"], event.data["sha256"]) == (
        "user:administrator",
        REASON,
        told["sha256"],
    )


async def test_facts_that_are_erased_too_are_shown_as_gone_since_when(house: House):
    message_id = await deleted(house)
    at = (await house.archive.message(message_id)).message.received_at
    event = Event(new_id(), at, Kind.ERASED, "relay", message_id, data={"reason": "retention: old"})
    await house.archive.erase_facts([event])
    boss = await house.program()
    async with boss.get(f"/api/messages/{message_id}") as answer:
        told = await answer.json()
    assert told["deletion"]["erased_at"] is not None
    assert told["envelope"]["sender"] == ERASED_ADDRESS
    async with (await house.client()).get(f"/messages/{message_id}") as answer:
        page = await answer.text()
    assert answer.status == 200
    assert "who opened it are gone too" in page
    assert "retention: old" in page
    assert "jane@example.com" not in page
    async with (await house.client()).get("/?q=is%3Aerased") as answer:
        assert message_id in await answer.text()


async def test_it_cannot_be_sent_again(house: House):
    message_id = await deleted(house)
    boss = await house.program()
    for body in ({}, {"edit": {"subject": "again"}}):
        async with boss.post(f"/api/messages/{message_id}/resend", json=body) as answer:
            assert answer.status == 410


async def test_without_a_reason_or_the_permission_nothing_is_deleted(house: House):
    message_id = await house.add()
    boss, operator = await house.program(), await house.program("operator")
    async with boss.delete(f"/api/messages/{message_id}") as answer:
        assert answer.status == 400
        assert (await answer.json())["error"]["field"] == "reason"
    async with operator.delete(f"/api/messages/{message_id}", params={"reason": REASON}) as answer:
        assert answer.status == 403
    async with operator.get(f"/messages/{message_id}/delete") as answer:
        assert answer.status == 403
    assert await house.events(Kind.DELETED) == []


async def test_what_waits_is_cancelled_first(house: House):
    message_id = await deleted(house, state=State.QUEUED)
    assert [one.state for one in (await house.archive.message(message_id)).deliveries] == [State.CANCELLED]
    (event,) = await house.events(Kind.CANCELLED)
    assert event.data["operation"] == "delete"


async def test_what_is_being_sent_is_refused_with_the_reason(house: House):
    message_id = await house.add(state=State.QUEUED)
    await house.archive.claim("courier", house.clock() + 1, house.clock() + 60_000_000, 10)
    boss = await house.program()
    async with boss.delete(f"/api/messages/{message_id}", params={"reason": REASON}) as answer:
        assert answer.status == 409
        assert "being sent at this moment" in (await answer.json())["error"]["message"]


async def test_an_export_tells_of_it_and_has_the_others_whole(house: House):
    await deleted(house)
    kept = await house.add(b"Subject: kept\r\n\r\nbody\r\n")
    boss = await house.program()
    async with boss.get("/api/export", params={"format": "zip"}) as answer:
        archive = zipfile.ZipFile(io.BytesIO(await answer.read()))
    assert archive.namelist() == ["000002.eml", "manifest.csv"]
    rows = list(csv.DictReader(io.StringIO(archive.read("manifest.csv").decode("utf-8-sig"))))
    assert [row["file"] for row in rows] == ["", "000002.eml"]
    assert rows[0]["deleted"].endswith(f"user:administrator: {REASON}")
    assert rows[1]["id"] == kept
    async with boss.get("/api/export", params={"format": "csv"}) as answer:
        assert len((await answer.text()).splitlines()) == 3
    async with boss.get("/api/export", params={"format": "mbox"}) as answer:
        assert (await answer.text()).count("\nSubject: ") == 1
    async with boss.get("/api/export", params={"format": "eml", "q": "is:deleted"}) as answer:
        assert answer.status == 400
        assert "was deleted" in (await answer.json())["error"]["message"]


async def csrf_of(house: House, browser, path: str) -> str:
    async with browser.get(path) as answer:
        found = re.search(r'name="csrf" value="([^"]+)"', await answer.text())
    assert found is not None
    return found[1]


async def test_the_page_asks_for_a_reason_and_deletes(house: House):
    message_id = await house.add()
    browser = await house.client()
    path = f"/messages/{message_id}/delete"
    csrf = await csrf_of(house, browser, path)
    async with browser.post(path, data={"csrf": csrf, "reason": " "}) as answer:
        assert answer.status == 400
        assert "say why" in await answer.text()
    async with browser.post(path, data={"csrf": csrf, "reason": REASON}) as answer:
        assert answer.status == 200
        assert "What stays is shown here" in await answer.text()
    async with browser.get(path, allow_redirects=False) as answer:
        assert answer.headers["Location"] == f"/messages/{message_id}"


async def test_two_persons_one_asks_and_another_approves(two: House):
    message_id = await two.add()
    asker, boss = await two.client(name="asker"), await two.client(name="boss")
    path = f"/messages/{message_id}/delete"
    async with asker.post(path, data={"csrf": await csrf_of(two, asker, path), "reason": REASON}) as answer:
        assert "another person has to approve" in await answer.text()
    assert (await two.archive.message(message_id)).deletion is None
    (wanted,) = await two.archive.deletion_requests(only_open=True)
    async with asker.get("/deletions") as answer:
        page = await answer.text()
    assert "You asked for it" in page
    assert 'value="approve"' not in page
    csrf = await csrf_of(two, asker, "/account")
    forged = {"csrf": csrf, "request": wanted.id, "decision": "approve"}
    async with asker.post("/deletions", data=forged) as answer:
        assert "Whoever asks for it cannot approve it" in await answer.text()
    data = {"csrf": await csrf_of(two, boss, "/deletions"), "request": wanted.id, "decision": "approve"}
    async with boss.post("/deletions", data=data) as answer:
        assert "The content of 1 message was deleted" in await answer.text()
    deletion = (await two.archive.message(message_id)).deletion
    assert deletion is not None
    assert (deletion.asked_by, deletion.by) == ("user:asker", "user:boss")
    async with boss.get(f"/messages/{message_id}") as answer:
        assert "asked for by asker" in await answer.text()
    async with boss.get("/deletions?all=1") as answer:
        assert "Approved and deleted by boss" in await answer.text()


async def test_two_persons_one_asks_and_another_refuses(two: House):
    message_id = await two.add()
    asker, boss = await two.client(name="asker"), await two.client(name="boss")
    path = f"/messages/{message_id}/delete"
    csrf = await csrf_of(two, asker, path)
    await asker.post(path, data={"csrf": csrf, "reason": REASON})
    async with asker.post(path, data={"csrf": csrf, "reason": REASON}) as answer:
        assert "Somebody asked for it already" in await answer.text()
    (wanted,) = await two.archive.deletion_requests(only_open=True)
    csrf = await csrf_of(two, boss, "/deletions")
    async with boss.post("/deletions", data={"csrf": csrf, "decision": "refuse"}) as answer:
        assert answer.status == 400
    async with boss.post("/deletions", data={"csrf": csrf, "decision": "shrug", "request": wanted.id}) as answer:
        assert answer.status == 400
    data = {"csrf": csrf, "decision": "refuse", "request": wanted.id, "answer": "we need it"}
    async with boss.post("/deletions", data=data) as answer:
        assert "1 request refused" in await answer.text()
    assert (await two.archive.message(message_id)).deletion is None
    async with boss.get("/deletions?all=1") as answer:
        page = await answer.text()
    assert "Refused by boss" in page
    assert "we need it" in page


async def test_programs_ask_approve_and_refuse_alike(two: House):
    first, second = await two.add(), await two.add()
    asker, boss = await two.program(), await two.program("administrator")
    for message_id in (first, second):
        async with asker.delete(f"/api/messages/{message_id}", params={"reason": REASON}) as answer:
            assert answer.status == 202
            assert (await answer.json())["standing"] == "asked"
    await two.add_user("boss", "administrator")
    async with asker.get("/api/deletions", params={"limit": "1"}) as answer:
        page = await answer.json()
    assert [one["message_id"] for one in page["requests"]] == [second]
    async with asker.get("/api/deletions", params={"limit": "1", "cursor": page["next"]}) as answer:
        (older,) = (await answer.json())["requests"]
    async with boss.post(f"/api/deletions/{older['id']}/approve") as answer:
        # Both programs are the same person here.
        assert answer.status == 409
    async with boss.post(f"/api/deletions/{older['id']}/refuse", params={"reason": "no"}) as answer:
        assert (await answer.json())["standing"] == "refused"
    async with boss.post(f"/api/deletions/{older['id']}/refuse") as answer:
        assert answer.status == 409
    async with boss.get("/api/deletions", params={"requests": "some"}) as answer:
        assert answer.status == 400


# -- tags ----------------------------------------------------------------------------------------------------------
async def test_people_put_tags_on_a_message_and_take_them_off(house: House):
    message_id = await house.add()
    browser = await house.client("operator")
    csrf = await csrf_of(house, browser, f"/messages/{message_id}")
    path = f"/messages/{message_id}/tags"
    async with browser.post(path, data={"csrf": csrf, "add": "vip, billing"}) as answer:
        assert "Tags changed" in await answer.text()
    assert (await house.archive.message(message_id)).tags == ("vip", "billing")
    async with browser.post(path, data={"csrf": csrf, "add": "VIP"}) as answer:
        assert "It has these tags already" in await answer.text()
    await browser.post(path, data={"csrf": csrf, "add": "", "remove": "vip"})
    assert (await house.archive.listing(message_id)).tags == ("billing",)
    first, second = await house.events(Kind.TAGGED)
    assert (first.actor, first.data["added"], second.data["removed"]) == (
        "user:operator",
        ["vip", "billing"],
        ["vip"],
    )


async def test_programs_change_tags_and_wrong_ones_are_refused_by_name(house: House):
    message_id = await house.add()
    program = await house.program("operator")
    path = f"/api/messages/{message_id}/tags"
    async with program.post(path, json={"add": ["vip"]}) as answer:
        assert await answer.json() == {"message_id": message_id, "tags": ["vip"]}
    for body, field in (({"add": "vip"}, "add"), ({"remove": ["a,b"]}, "remove"), ({}, "add")):
        async with program.post(path, json=body) as answer:
            assert answer.status == 400
            assert (await answer.json())["error"]["field"] == field
    member = await house.program("auditor")
    async with member.post(path, json={"add": ["vip"]}) as answer:
        assert answer.status == 403
