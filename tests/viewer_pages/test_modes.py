"""Modes of applications: switched on their page after a question, told as an event, and back to what is configured."""

from __future__ import annotations

import html
import re
from collections.abc import AsyncIterator
from ipaddress import ip_network
from pathlib import Path

import aiohttp
import pytest

from relay.config import Application, Config
from relay.model.event import Kind
from relay.model.message import Mode
from tests.support.viewer_house import House, configured, open_house


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    config: Config = configured(tmp_path / "data")
    shop = Application(
        name="shop", addresses=(ip_network("192.0.2.1"),), mode=Mode.HOLD, redirect_to=("test@example.com",)
    )
    config = config.model_copy(
        update={"application": (shop, Application(name="crm", addresses=(ip_network("192.0.2.2"),)))}
    )
    async with open_house(config) as opened:
        yield opened


async def press(client: aiohttp.ClientSession, path: str, status: int = 200, **fields: str) -> str:
    async with client.get("/applications") as answer:
        found = re.search(r'name="csrf" value="([^"]+)"', await answer.text())
    assert found is not None
    async with client.post(path, data={"csrf": found[1], **fields}) as answer:
        assert answer.status == status
        return html.unescape(await answer.text())


async def test_a_mode_is_switched_after_a_question_and_back_to_the_file(house: House) -> None:
    client = await house.client()
    asked = await press(client, "/applications/mode", application="shop", mode="relay")
    assert "Switch shop to relay?" in asked
    assert "goes out to its real recipients at once" in asked
    assert (await house.archive.switches()).modes == {}
    page = await press(client, "/applications/mode/do", application="shop", mode="relay")
    assert "shop is in mode relay now" in page
    assert "switched here; the file says hold" in page
    assert (await house.archive.switches()).modes == {"shop": Mode.RELAY}
    (event,) = await house.events(Kind.MODE_CHANGED)
    assert event.actor == "user:administrator"
    assert (event.data["application"], event.data["before"], event.data["after"]) == ("shop", "hold", "relay")
    assert house.switches_turned == 1
    asked = await press(client, "/applications/mode", application="shop", mode="")
    assert "what is configured holds again" in asked
    assert "switched here" not in await press(client, "/applications/mode/do", application="shop", mode="")
    assert (await house.archive.switches()).modes == {}


async def test_redirect_needs_test_addresses_and_names_them(house: House) -> None:
    client = await house.client()
    assert "test@example.com" in await press(client, "/applications/mode", application="shop", mode="redirect")
    refused = await press(client, "/applications/mode", 400, application="crm", mode="redirect")
    assert "set redirect_to of crm in the file first" in refused


async def test_only_administrators_switch_modes_and_only_of_what_there_is(house: House) -> None:
    client = await house.client()
    await press(client, "/applications/mode/do", 404, application="nobody", mode="hold")
    await press(client, "/applications/mode/do", 400, application="shop", mode="burn")
    operator = await house.client("operator")
    async with operator.get("/queue") as answer:
        found = re.search(r'name="csrf" value="([^"]+)"', await answer.text())
    assert found is not None
    data = {"csrf": found[1], "application": "shop", "mode": "relay"}
    async with operator.post("/applications/mode/do", data=data) as answer:
        assert answer.status == 403
    assert await house.events(Kind.MODE_CHANGED) == []
