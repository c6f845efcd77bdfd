"""The endpoints' pages: how each does, what it was told, sending again, a trial."""

from __future__ import annotations

import re

import aiohttp

from relay.model.event import Kind
from relay.model.notification import Standing
from tests.support.endpoints import configure, tell
from tests.support.viewer_house import House


async def page(client: aiohttp.ClientSession, path: str, status: int = 200) -> str:
    async with client.get(path) as answer:
        assert answer.status == status
        return await answer.text()


async def send(client: aiohttp.ClientSession, path: str, status: int = 200, **form: str) -> str:
    csrf = re.findall('name="csrf" value="([^"]+)"', await page(client, "/endpoints"))[0]
    async with client.post(path, data={"csrf": csrf, **form}) as answer:
        text = await answer.text()
        assert answer.status == status, text
        return text


async def test_without_endpoints_the_page_says_how_to_have_one(house: House) -> None:
    client = await house.client()
    assert "No endpoint is configured" in await page(client, "/endpoints")
    await page(client, "/endpoints/crm", 404)
    assert 'href="/endpoints"' not in await page(await house.client("operator"), "/")
    await page(await house.client("operator", "other"), "/endpoints", 403)


async def test_the_page_says_how_each_endpoint_does(house: House) -> None:
    client = await house.client()
    await configure(house, "crm", "gone", "new one", "works")
    await tell(house, "crm", Standing.WAITING, error="cannot connect: <b>refused</b>")
    await tell(house, "gone", Standing.FAILED, error="answered 410", is_gone=True)
    await tell(house, "works", Standing.DELIVERED)
    text = await page(client, "/endpoints")
    for word in ("Fails", "Gone", "Nothing told yet", "Works", "&lt;b&gt;refused", "last taken"):
        assert word in text
    assert 'href="/endpoints/new%20one"' in text
    assert "It answered 410 Gone" in await page(client, "/endpoints/gone")


async def test_notifications_are_listed_filtered_and_sent_again(house: House) -> None:
    client = await house.client()
    await configure(house, "my shop")
    await tell(house, "my shop", Standing.DELIVERED)
    failed = await tell(house, "my shop", Standing.FAILED, error="answered 500", kind=Kind.BOUNCED)
    path = "/endpoints/my%20shop"
    text = await page(client, path)
    assert "bounced" in text
    assert "ann@example.org" in text
    text = await page(client, f"{path}?standing=failed")
    assert "answered 500" in text
    assert text.count('name="id"') == 1
    await page(client, f"{path}?standing=odd", 400)
    assert "Nothing of that kind" in await page(client, f"{path}?standing=waiting")
    assert "1 notification is sent again." in await send(client, f"{path}/replay", which="chosen", id=failed.id)
    assert "There was none to send again." in await send(client, f"{path}/replay", which="failed")
    assert "2 notifications are sent again." in await send(client, f"{path}/replay", which="since", since="2026-01-01")
    assert "Choose what to send again." in await send(client, f"{path}/replay", 400, which="chosen")
    assert "Since when: " in await send(client, f"{path}/replay", 400, which="since", since="soon")
    await send(client, "/endpoints/other/replay", 404, which="failed")
    assert [event.data["count"] for event in await house.events(Kind.REPLAYED)] == [1, 2]


async def test_long_lists_have_pages(house: House) -> None:
    client = await house.client()
    await configure(house, "crm")
    for _ in range(51):
        await tell(house, "crm", Standing.DELIVERED)
    text = await page(client, "/endpoints/crm")
    assert text.count('name="id"') == 50
    following = re.findall(r'rel="next" href="([^"]+)"', text)[0].replace("&amp;", "&")
    text = await page(client, following)
    assert text.count('name="id"') == 1
    assert "First page" in text


async def test_a_trial_is_sent(house: House) -> None:
    client = await house.client()
    await configure(house, "crm")
    assert "A trial is on its way." in await send(client, "/endpoints/crm/try")
    assert "trial" in await page(client, "/endpoints/crm")
    await send(client, "/endpoints/other/try", 404)
