"""The suppression list's pages: what people see, add, take off, bring and take away."""

from __future__ import annotations

import re
from typing import Any

import aiohttp
import pytest

from relay.archive.api.suppression import Selection
from relay.model.event import Kind
from relay.model.suppression import Cause, Suppressed
from tests.support.viewer_house import NOON, SECOND, House


async def page(client: aiohttp.ClientSession, path: str, status: int = 200) -> str:
    async with client.get(path) as answer:
        assert answer.status == status
        return await answer.text()


async def send(client: aiohttp.ClientSession, path: str, status: int = 200, **form: str) -> str:
    """The page after a form of the list's page (any of its pages has the token) was sent."""
    csrf = re.findall('name="csrf" value="([^"]+)"', await page(client, "/suppressions"))[0]
    async with client.post(path, data={"csrf": csrf, **form}) as answer:
        text = await answer.text()
        assert answer.status == status, text
        return text


async def entries(house: House) -> list[Suppressed]:
    return [one async for one in house.archive.all_suppressions(Selection(NOON))]


async def add(house: House, count: int = 1, **facts: Any) -> list[Suppressed]:
    given = {"application": "shop", "cause": Cause.BOUNCE, "reason": "550 <i>gone</i>", "created_by": "webhook:ses"}
    made = [
        Suppressed(house.new_id(), f"u{n}@example.org", created_at=house.clock(), **(given | facts))
        for n in range(count)
    ]
    await house.archive.add_suppressions(made)
    return made


async def test_an_empty_list_says_so(house: House) -> None:
    client = await house.client("operator")
    text = await page(client, "/suppressions")
    assert "Nobody is on the list" in text
    assert "Add an address" not in text
    assert "Export CSV" not in text
    assert "No entry matches" in await page(client, "/suppressions?q=x")


async def test_an_entry_is_added_by_hand(house: House) -> None:
    client = await house.client()
    text = await send(
        client,
        "/suppressions",
        address=" jane@example.org ",
        reason="by phone",
        until="2027-01-31",
        application="default",
    )
    assert "Nothing is sent to jane@example.org by default any more." in text
    assert '<time datetime="2027-01-31T00:00:00Z"' in text
    [one] = await entries(house)
    assert (one.cause, one.created_by, one.reason) == (Cause.MANUAL, "user:administrator", "by phone")


async def test_what_was_typed_stays_when_it_is_refused(house: House) -> None:
    client = await house.client()
    text = await send(client, "/suppressions", 400, address="<jane>", reason="by phone")
    assert "is not an address." in text
    assert 'value="&lt;jane&gt;"' in text
    assert 'value="by phone"' in text
    assert await entries(house) == []


async def test_the_list_is_filtered_and_turned(house: House) -> None:
    await add(house, 120)
    await add(house, cause=Cause.MANUAL, application="", reason="", message_id=house.new_id())
    client = await house.client("auditor")
    text = await page(client, "/suppressions?q=u1&cause=bounce&application=shop")
    assert "31 entries" in text
    assert "550 &lt;i&gt;gone&lt;/i&gt;" in text
    assert "/suppressions/export?q=u1&amp;cause=bounce&amp;application=shop" in text
    assert "1 entry" in await page(client, "/suppressions?application=*")
    text = await page(client, "/suppressions")
    assert "121 entries" in text
    seen = set()
    for _ in range(3):
        seen |= set(re.findall(r'href="(/suppressions/\w{26})"', text))
        following = re.findall(r'rel="next" href="([^"]+)"', text)
        if following:
            text = await page(client, following[0].replace("&amp;", "&"))
            assert "Newest" in text
    assert len(seen) == 121


@pytest.mark.parametrize("query", ["cause=anger", "which=x", "cursor=x"])
async def test_a_filter_that_cannot_be_read_is_said(house: House, query: str) -> None:
    assert "This filter cannot be read" in await page(await house.client(), f"/suppressions?{query}", 400)


async def test_what_ran_out_can_be_looked_up(house: House) -> None:
    [one] = await add(house, expires_at=NOON + SECOND)
    house.clock.now += 5 * SECOND
    client = await house.client()
    assert one.address not in await page(client, "/suppressions")
    assert one.address in await page(client, "/suppressions?which=expired")
    assert "has run out" in await page(client, f"/suppressions/{one.id}")


async def test_an_entry_leads_to_the_message_and_is_taken_off_with_a_reason(house: House) -> None:
    message_id = await house.add()
    [one] = await add(house, message_id=message_id)
    client = await house.client()
    text = await page(client, f"/suppressions/{one.id}")
    assert f'href="/messages/{message_id}"' in text
    assert "webhook ses" in text
    refused = await send(client, f"/suppressions/{one.id}/remove", 400, reason="x" * 501)
    assert "more than 500 characters" in refused
    text = await send(client, f"/suppressions/{one.id}/remove", reason="wrote to us")
    assert f"{one.address} is off the list" in text
    assert await entries(house) == []
    [fact] = await house.events(Kind.SUPPRESSION_REMOVED)
    assert (fact.actor, fact.data["reason"], fact.message_id) == ("user:administrator", "wrote to us", message_id)
    await page(client, f"/suppressions/{one.id}", 404)


@pytest.mark.parametrize("cause", list(Cause))
async def test_each_cause_has_its_warning(house: House, cause: Cause) -> None:
    [one] = await add(house, cause=cause)
    assert "Remove from the list" in await page(await house.client(), f"/suppressions/{one.id}")
    assert "An administrator can" in await page(await house.client("operator"), f"/suppressions/{one.id}")


async def test_lines_are_imported_all_or_none_unless_asked_otherwise(house: House) -> None:
    client = await house.client()
    assert "skip_bad" in await page(client, "/suppressions/import")
    lines = "address\nann@example.org\n<script>\n"
    text = await send(client, "/suppressions/import", 400, csv=lines)
    assert "line 3: &#39;&lt;script&gt;&#39; is not an address" in text
    assert "1 line is wrong, 1 right" in text
    assert await entries(house) == []
    assert "There is nothing in it." in await send(client, "/suppressions/import", 400, csv="address\n")
    text = await send(client, "/suppressions/import", csv=lines, skip_bad="1")
    assert "1 added. 1 line was left out." in text
    text = await send(client, "/suppressions/import", csv="ann@example.org\nbob@example.org")
    assert "1 added. 1 said nothing new." in text
    text = await send(client, "/suppressions/import", 400, csv="x\n" * 150)
    assert "50 more" in text


async def test_the_list_is_taken_away_as_a_file_and_that_is_an_event(house: House) -> None:
    await add(house, 2)
    async with (await house.client("auditor")).get("/suppressions/export?q=u1@") as answer:
        assert re.fullmatch(
            r'attachment; filename="suppressions-\d{4}-\d\d-\d\d.csv"', answer.headers["Content-Disposition"]
        )
        assert (await answer.text()).count("\r\n") == 2
    assert len(await house.events(Kind.EXPORTED)) == 1


@pytest.mark.parametrize(
    ("method", "path", "may"),
    [
        ("POST", "/suppressions", {"administrator"}),
        ("GET", "/suppressions/import", {"administrator"}),
        ("POST", "/suppressions/import", {"administrator"}),
        ("GET", "/suppressions/export", {"administrator", "auditor"}),
        ("POST", "/suppressions/01ARZ3NDEKTSV4RRFFQ69G5FAV/remove", {"administrator"}),
    ],
)
async def test_administrators_change_the_list_on_its_page_too(
    house: House, method: str, path: str, may: set[str]
) -> None:
    for role in ("administrator", "operator", "auditor"):
        client = await house.client(role)
        csrf = re.findall('name="csrf" value="([^"]+)"', await page(client, "/suppressions"))[0]
        data = {"csrf": csrf} if method == "POST" else None
        async with client.request(method, path, data=data) as answer:
            assert (answer.status != 403) == (role in may), role
