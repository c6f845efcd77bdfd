"""Mailpit's API, used by a client that was written for Mailpit, and by hand."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from mailpit.client.api import API

from relay.archive.api import ApiToken
from relay.model.delivery import State
from relay.model.event import Kind
from tests.support.viewer_house import House, configured, open_house

LETTER = (
    b"From: Shop <shop@example.com>\r\nTo: Ann <ann@example.org>\r\nCc: Carl <carl@example.org>\r\n"
    b"Reply-To: help@example.com\r\nSubject: Your invoice INV-12345\r\nDate: Tue, 24 Nov 2026 11:00:00 +0000\r\n"
    b"Message-ID: <1@example.com>\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n"
    b"--b\r\nContent-Type: multipart/alternative; boundary=a\r\n\r\n"
    b"--a\r\nContent-Type: text/plain\r\n\r\nHello Ann.\r\n"
    b'--a\r\nContent-Type: text/html\r\n\r\n<p>Hello <b>Ann</b>. <a href="https://shop.example/reset">Reset</a>'
    b'<script>window.owned = 1</script><img src="cid:logo"></p>\r\n--a--\r\n'
    b"--b\r\nContent-Type: image/png\r\nContent-ID: <logo>\r\nContent-Disposition: inline\r\n"
    b"Content-Transfer-Encoding: base64\r\n\r\niVBORw0KGgo=\r\n"
    b'--b\r\nContent-Type: text/csv\r\nContent-Disposition: attachment; filename="a.csv"\r\n\r\n1,2\r\n--b--\r\n'
)
TO = ("ann@example.org", "carl@example.org", "boss@example.com")


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with open_house(configured(tmp_path / "data", mailpit_api="open")) as opened:
        yield opened


async def get(house: House, path: str, status: int = 200) -> Any:
    async with house.browser().get(path) as answer:
        assert answer.status == status, await answer.text()
        return await (answer.json() if "json" in answer.content_type else answer.text())


async def test_a_client_of_mailpits_from_pypi_works_unchanged(house: House) -> None:
    first, second = await house.add(LETTER, TO), await house.add()
    client = API(house.url, timeout=10)

    def use() -> None:
        listed = client.get_messages(limit=1)
        assert (listed.total, listed.unread, [one.id for one in listed.messages]) == (2, 2, [second])
        (older,) = client.get_messages(start=1).messages
        assert (older.id, older.from_.address, older.attachments) == (first, "shop@example.com", 1)
        assert [one.address for one in older.bcc] == ["boss@example.com"]
        message = client.get_message(first)
        assert (message.subject, message.message_id) == ("Your invoice INV-12345", "1@example.com")
        assert message.text.strip() == "Hello Ann."
        assert "<b>Ann</b>" in message.html
        (file,) = message.attachments
        assert (file.file_name, file.content_type, file.size) == ("a.csv", "text/csv", 3)
        assert client.get_message_attachment(first, file.part_id) == "1,2"
        assert [one.content_id for one in message.inline] == ["logo"]
        client.put_messages([first], "Read", True)
        client.delete_messages([first])
        assert [one.id for one in client.get_messages().messages] == [second]

    await asyncio.to_thread(use)
    assert (await house.archive.message(first)).deletion is not None
    assert await house.events(Kind.DELETED)


async def test_the_search_of_mailpit_finds_the_same_here(house: House) -> None:
    first, second = await house.add(LETTER, TO), await house.add(state=State.QUEUED)
    searches = {
        "from:shop@example.com": {first, second},
        "to:ann": {first, second},
        "cc:carl": {first},
        "bcc:boss@example.com": {first},
        "addressed:carl@example.org": {first},
        "reply-to:help@example.com": {first},
        'subject:"your invoice"': {first, second},
        "message-id:1@example.com": {first, second},
        "has:attachment": {first},
        "-has:attachment": {second},
        "!cc:carl hello": {second},
        "is:unread": {second},
        "is:read": {first},
        "-is:read": {second},
        "is:tagged": set(),
        "after:2026-11-24": {first, second},
        "before:2026-11-24": set(),
        "after:2026/11/24 tz-less": set(),
        "before:2026-11-25T00:00:00+01:00": {first, second},
        "larger:1K smaller:1M": set(),
    }
    await get(house, f"/api/v1/message/{first}")
    for query, ids in searches.items():
        found = await get(house, "/api/v1/search?query=" + query.replace("+", "%2B").replace("&", "%26"))
        assert {one["ID"] for one in found["messages"]} == ids, query
        assert found["messages_count"] == len(ids), query
    assert await get(house, "/api/v1/search", 400)
    assert "is:odd" in await get(house, "/api/v1/search?query=is:odd", 400)
    assert await get(house, "/api/v1/search?query=larger:x", 400)
    assert (await get(house, "/api/v1/search?query=after:0001-01-01T00:00:00%2B23:59"))["messages_count"] == 2


async def test_latest_is_the_newest_or_the_newest_found(house: House) -> None:
    assert "not found" in await get(house, "/api/v1/message/latest", 404)
    first, second = await house.add(LETTER, TO), await house.add()
    assert (await get(house, "/api/v1/message/latest"))["ID"] == second
    assert (await get(house, "/api/v1/message/latest?query=cc:carl"))["ID"] == first
    assert await get(house, "/view/latest.html", 404)
    assert (await get(house, "/view/latest.txt")).strip() == "Hello Ann."
    page = await get(house, "/view/latest.html?query=cc:carl")
    assert '<a href="https://shop.example/reset">' in page
    assert "data:image/png;base64,iVBORw0KGgo=" in page
    assert await get(house, "/api/v1/message/nothing", 404)
    async with house.browser().get(f"/view/{first}.html") as answer:
        policy = answer.headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'")
    assert policy.endswith("sandbox")


async def test_parts_headers_and_source_are_given(house: House) -> None:
    first = await house.add(LETTER, TO)
    path = f"/api/v1/message/{first}"
    assert (await get(house, path + "/headers"))["Message-Id"] == ["<1@example.com>"]
    assert (await get(house, path + "/raw")).encode().replace(b"\n", b"").startswith(b"From: Shop")
    assert await get(house, path + "/part/99", 404)
    assert await get(house, path + "/part/99/thumb", 404)
    assert await get(house, path + "/part/1/thumb", 404)


async def test_tags_are_set_renamed_and_deleted(house: House) -> None:
    first = await house.add()
    browser = house.browser()

    async def tags() -> list[str]:
        found = await get(house, "/api/v1/messages")
        assert found["tags"] == await get(house, "/api/v1/tags")
        return list(found["messages"][0]["Tags"])

    async def put(path: str, said: Any, status: int = 200) -> None:
        async with browser.put(path, json=said) as answer:
            assert answer.status == status, await answer.text()

    await put("/api/v1/tags", {"IDs": [first], "Tags": ["one", "two"]})
    assert await tags() == ["one", "two"]
    await put("/api/v1/tags", {"IDs": [first], "Tags": ["two", "three"]})
    assert await tags() == ["two", "three"]
    await put("/api/v1/tags/two", {"Name": "second"})
    assert await tags() == ["three", "second"]
    async with browser.delete("/api/v1/tags/three") as answer:
        assert await answer.text() == "ok"
    assert await tags() == ["second"]
    assert (await get(house, "/api/v1/info"))["Tags"] == {"second": 1}
    assert (await get(house, "/api/v1/webui"))["SpamAssassin"] is False
    mistakes: tuple[Any, ...] = (
        {"IDs": "x", "Tags": []},
        {"IDs": [], "Tags": [1]},
        [],
        {"IDs": [first], "Tags": ['"']},
    )
    for wrong in mistakes:
        await put("/api/v1/tags", wrong, 400)
    await put("/api/v1/tags/x", {}, 400)
    await put("/api/v1/tags/x", {"Name": 5}, 400)
    await put("/api/v1/tags", {"IDs": ["01J00000000000000000000000"], "Tags": ["a"]}, 404)


async def test_deleting_everything_reaches_only_what_was_never_sent(house: House) -> None:
    captured, sent = await house.add(), await house.add(state=State.SENT)
    async with house.browser().delete("/api/v1/messages") as answer:
        assert await answer.text() == "ok"
    assert [one["ID"] for one in (await get(house, "/api/v1/messages"))["messages"]] == [sent]
    assert (await house.archive.message(captured)).deletion is not None
    async with house.browser().delete("/api/v1/messages", data="{") as answer:
        assert answer.status in (400, 415)
    async with house.browser().delete("/api/v1/search?query=to:ann") as answer:
        assert answer.status == 200
    assert (await get(house, "/api/v1/messages"))["messages"] == []
    async with house.browser().delete("/api/v1/search") as answer:
        assert answer.status == 400


async def test_a_message_is_sent_and_released(house: House) -> None:
    said = {
        "From": {"Email": "john@example.com", "Name": "John"},
        "To": [{"Email": "jane@example.com", "Name": "Jane"}],
        "Bcc": ["jack@example.com"],
        "Subject": "Hello",
        "Text": "Mail",
        "HTML": "<b>Mail</b>",
        "Tags": ["t"],
        "Headers": {"X-IP": "1.2.3.4"},
        "Attachments": [{"Filename": "a.txt", "Content": "aGk=", "ContentType": "text/plain"}],
    }
    async with house.browser().post("/api/v1/send", json=said) as answer:
        assert answer.status == 200, await answer.text()
        made = (await answer.json())["ID"]
    assert (await get(house, f"/api/v1/message/{made}/headers"))["X-Ip"] == ["1.2.3.4"]
    async with house.browser().post(f"/api/v1/message/{made}/release", json={"To": ["zoe@example.org"]}) as answer:
        assert await answer.text() == "ok"
    recipients = [one.recipient.address for one in (await house.archive.message(made)).deliveries]
    assert recipients == ["jane@example.com", "jack@example.com", "zoe@example.org"]
    async with house.browser().post(f"/api/v1/message/{made}/release", json={}) as answer:
        assert answer.status == 400
    changes: tuple[dict[str, Any], ...] = (
        {"From": None},
        {"To": []},
        {"To": "x"},
        {"Attachments": [5]},
        {"Odd": 1},
        {"Subject": "a\nb"},
    )
    for change in changes:
        wrong = {**said, "Bcc": [], **change}
        async with house.browser().post("/api/v1/send", json=wrong) as answer:
            assert answer.status == 400
            assert (await answer.json())["Error"]


async def test_without_open_somebody_must_ask(tmp_path: Path) -> None:
    async with open_house(configured(tmp_path / "data")) as house:
        await house.add()
        async with house.browser().get("/api/v1/messages") as answer:
            assert answer.status == 401
            assert answer.headers["WWW-Authenticate"].startswith("Basic")
        user, secret = await house.add_user("ann", "auditor"), "a token"
        token = ApiToken(house.new_id(), "t", user.name, hashlib.sha256(secret.encode()).digest(), house.clock())
        await house.archive.add_token(token, house.event())
        basic = {"Authorization": aiohttp.encode_basic_auth("anything", secret)}
        async with house.browser(headers=basic).get("/api/v1/messages") as answer:
            assert (await answer.json())["total"] == 1
        async with house.browser(headers=basic).delete("/api/v1/messages") as answer:
            assert answer.status == 403
        async with house.browser(headers=basic).get("/account") as answer:
            assert answer.url.path == "/sign-in"
