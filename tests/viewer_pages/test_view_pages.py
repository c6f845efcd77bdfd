"""Columns, saved views, the filter's form, mailings and the panel, as pages and for programs."""

from __future__ import annotations

import html
import re
from typing import Any

import aiohttp
import pytest

from relay.model.delivery import State
from relay.model.event import Kind
from tests.support.viewer_house import LETTER, House
from viewer.grid.columns import COLUMNS


async def read(client: aiohttp.ClientSession, path: str, status: int = 200) -> str:
    async with client.get(path) as answer:
        assert answer.status == status, await answer.text()
        return html.unescape(await answer.text())


async def press(client: aiohttp.ClientSession, path: str, status: int = 200, **fields: Any) -> str:
    found = re.search(r'name="csrf" value="([^"]+)"', await read(client, "/columns"))
    assert found is not None
    async with client.post(path, data={"csrf": found[1], **fields}) as answer:
        assert answer.status == status, await answer.text()
        return html.unescape(await answer.text())


ORDER = {f"order.{name}": str(n) for n, name in enumerate(COLUMNS)}


async def test_columns_are_each_persons_own(house: House) -> None:
    await house.add()
    client, other = await house.client("operator"), await house.client("auditor")
    await press(client, "/columns", **ORDER, show="application", **{"width.application": "20"})  # type: ignore[arg-type]
    page = await read(client, "/?q=")
    assert re.findall(r'data-column="(\w+)"', page) == ["subject", "application"]
    assert 'class="c-application" data-column="application" width="60"' in page
    assert "c-sender" in await read(other, "/?q=")
    assert re.findall(r'data-column="(\w+)"', await read(client, "/?q=&columns=date,subject,nonsense")) == [
        "date",
        "subject",
    ]
    for name, wrong in (("width.to", "wide"), ("order.to", ""), ("order.to", "x")):
        await press(client, "/columns", 400, **(ORDER | {name: wrong}))


async def test_a_view_is_changed_by_its_owner_and_shared_ones_by_administrators(house: House) -> None:
    owner, boss, other = await house.client("operator"), await house.client(), await house.client("auditor")
    await press(owner, "/views", name=" What  failed ", q="status:failed", sort="subject", shared="1")
    page = await read(other, "/views")
    assert "What failed" in page
    assert "Remove" not in page
    (view,) = await house.archive.views("auditor")
    assert (view.query, view.sort, view.is_shared, view.owner) == ("status:failed", "subject", True, "operator")
    await press(other, f"/views/{view.id}", 404, name="Mine")
    await press(boss, f"/views/{view.id}", name="All failures", q="status:failed", shared="1")
    await press(other, "/views/usual", view=view.id)
    async with other.get("/") as answer:
        assert str(answer.url.relative()) == "/?q=status:failed&sort=subject"
    await press(boss, f"/views/{view.id}/remove")
    async with other.get("/") as answer:
        assert str(answer.url.relative()) == "/"
    await press(other, "/views/usual", 400, view=view.id)
    for name in ("", "x" * 61, "a\x00b"):
        await press(owner, "/views", 400, name=name)
    await press(owner, "/views", 400, name="x", q="status:nonsense")
    await press(other, "/views", name="not for all", shared="1")
    assert await house.archive.views("operator") == []


async def test_programs_have_views_too(house: House) -> None:
    client = await house.program("operator")
    asked = {"name": "A", "q": "x", "columns": ["to", "subject"], "rows": "recipients", "shared": True}
    async with client.post("/api/views", json=asked) as answer:
        assert answer.status == 201
        view = await answer.json()
    async with client.put(f"/api/views/{view['id']}", json={"name": "B"}) as answer:
        assert await answer.json() == view | {"name": "B"}
    async with client.get("/api/views") as answer:
        assert await answer.json() == {"views": [view | {"name": "B"}]}
    wrong: list[dict[str, object]] = [
        {"name": 1},
        {"name": ""},
        {"rows": "x"},
        {"sort": "ref"},
        {"q": "("},
        {"shared": "yes"},
    ]
    for change in (*wrong, {"columns": ["nonsense"]}, {"columns": 5}):
        async with client.put(f"/api/views/{view['id']}", json=change) as answer:
            assert answer.status == 400, change
    async with client.delete(f"/api/views/{view['id']}") as answer:
        assert answer.status == 200
    async with client.delete(f"/api/views/{view['id']}") as answer:
        assert answer.status == 404


async def test_the_filters_form_goes_to_the_search_that_says_the_same(house: House) -> None:
    client = await house.client("auditor")
    fields = "recipient=ann%40example.org&status=failed&since=2026-11-01&until=2026-11-30&rest=tea&sort=size"
    async with client.get(f"/filter?{fields}") as answer:
        assert answer.url.query["q"] == (
            "tea recipient:ann@example.org status:failed after:2026-11-01 before:2026-12-01"
        )
        assert answer.url.query["sort"] == "size"
        assert 'name="until" value="2026-11-30"' in await answer.text()


async def test_a_day_is_jumped_to(house: House) -> None:
    await house.add()
    client = await house.client("auditor")
    assert "Your invoice" in await read(client, "/?q=&jump=2026-11-24")
    assert "No more messages" in await read(client, "/?q=&jump=2026-11-23")
    assert "Your invoice" in await read(client, "/?q=&jump=nonsense")
    assert "Your invoice" in await read(client, "/?q=&jump=9999-12-31")


async def test_mailings_are_rows_and_pages(house: House) -> None:
    for number in range(3):
        await house.add(LETTER.replace(b"12345", b"%d" % number), state=State.FAILED if number else State.SENT)
    client = await house.client("auditor")
    page = await read(client, "/?rows=mailings")
    assert "3 messages" in page
    address = re.search(r'href="(/mailings/\d+)"', page)
    assert address is not None
    page = await read(client, address[1])
    assert "66.7 %" in page
    assert "status%3Afailed" in page
    await read(client, "/mailings/999", 404)
    assert "Your invoice" in await read(client, f"{address[1]}?q=(")
    assert (await read(client, "/?rows=recipients&q=status:failed")).count("<tr data-id") == 2
    assert "Your invoice" in await read(client, "/?rows=recipients&cursor=nonsense")
    program = await house.program("auditor")
    async with program.get("/api/mailings?limit=1") as answer:
        (mailing,) = (await answer.json())["mailings"]
    assert (mailing["messages"], mailing["states"]) == (3, {"sent": 1, "failed": 2})
    await read(program, "/api/mailings?cursor=x", 400)


async def test_the_panel_is_a_look_at_the_message(house: House) -> None:
    first, second = await house.add(), await house.add()
    client = await house.client("auditor")
    page = await read(client, f"/?q=&open={second}")
    assert f'src="/messages/{second}/preview"' in page
    assert re.search(rf'data-panel="below" href="/\?q=&open={first}"|data-panel="below" href="/\?open={first}"', page)
    assert "Send again</a>" not in page
    await read(client, f"/panel/{first}?q=invoice")
    await read(client, f"/panel/{house.new_id()}", 404)
    assert "This message is not there." in await read(client, f"/?open={house.new_id()}")
    assert "This message is not there." in await read(client, "/?open=nonsense")
    assert {event.message_id for event in await house.events(Kind.VIEWED)} <= {first, second}


@pytest.mark.parametrize("path", ["/", "/columns", "/views", "/tasks", "/filter", "/?rows=mailings"])
async def test_nobody_sees_a_list_unasked(house: House, path: str) -> None:
    async with house.browser().get(path, allow_redirects=False) as answer:
        assert answer.status == 303
