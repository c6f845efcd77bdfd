from __future__ import annotations

import hashlib
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from relay.archive.api import ApplicationRecord
from relay.config import Application, Config, Endpoint, Reference
from relay.model.alert import Standing
from relay.model.event import Kind
from tests.support.viewer_house import NOON, House, configured, open_house
from viewer.alerts import SETTING as ALERTS
from viewer.keys import CONFIG

SECRET = "whsec_" + "A" * 40


@pytest.fixture
async def office(tmp_path: Path) -> AsyncIterator[House]:
    """A house with applications and references in its file."""
    config = configured(tmp_path / "data").model_copy(
        update={
            "application": (Application(name="shop", addresses=("192.0.2.1/32",), opens=True),),  # type: ignore[arg-type]
            "reference": (Reference(name="invoice", pattern=r"INV-\d+"),),
            "endpoint": (Endpoint(name="crm", url="https://crm.example.com/", secret=SECRET),),  # type: ignore[arg-type]
        }
    )
    async with open_house(config) as opened:
        yield opened


async def page(browser: aiohttp.ClientSession, path: str, status: int = 200) -> str:
    async with browser.get(path) as answer:
        assert answer.status == status, await answer.text()
        return await answer.text()


async def post(browser: aiohttp.ClientSession, path: str, status: int = 200, **fields: Any) -> str:
    found = re.search(r'name="csrf" value="([^"]+)"', await page(browser, "/account"))
    assert found is not None
    data = [("csrf", found[1])]
    for name, value in fields.items():
        data += [(name, one) for one in ([value] if isinstance(value, str) else value)]
    async with browser.post(path, data=data) as answer:
        assert answer.status == status, await answer.text()
        return await answer.text()


def now(house: House) -> Config:
    return house.app[CONFIG]


async def test_every_key_is_shown_with_its_origin_and_no_secret(office: House):
    browser = await office.client()
    shown = await page(browser, "/settings?all=1")
    assert "viewer.session_lifetime" in shown
    assert "12h" in shown
    assert "endpoint[0].secret" in shown
    assert "set, not shown" in shown
    assert SECRET not in shown
    async with (await office.program()).get("/api/settings") as answer:
        told = {one["key"]: one for one in (await answer.json())["settings"]}
    assert told["viewer.port"] == {"key": "viewer.port", "value": "8025", "origin": "default"}
    assert SECRET not in str(told)


async def test_only_administrators_see_and_change_settings(office: House):
    browser = await office.client("auditor")
    for path in ("/settings", "/settings/references", "/applications/settings?application=shop"):
        await page(browser, path, 403)
    for path in ("/settings/references", "/settings/references/remove", "/alerts", "/applications/secret"):
        await post(browser, path, 403, name="x")
    async with (await office.program("operator")).get("/api/alerts") as answer:
        assert answer.status == 403


async def test_a_reference_is_tried_kept_changed_and_removed_each_with_an_event(office: House):
    browser = await office.client()
    fields: dict[str, Any] = {
        "name": "order",
        "pattern": r"ORD-(\d+)",
        "where": ["subject"],
        "link": "https://erp.example.com/{code}",
    }
    tried = await post(browser, "/settings/references", sample="see ORD-77 and ORD-78", **(fields | {"try": "1"}))
    assert "Finds 2 codes" in tried
    assert len(now(office).reference) == 1
    assert "Finds nothing" in await post(browser, "/settings/references", sample="nothing", **(fields | {"try": "1"}))
    await post(browser, "/settings/references", **fields)
    kept = now(office).reference[1]
    assert (kept.name, kept.pattern, kept.where, kept.syntax) == ("order", r"ORD-(\d+)", ("subject",), "re2")
    assert "changed here" in await page(browser, "/settings")
    await post(browser, "/settings/references/remove", name="order")
    assert len(now(office).reference) == 1
    added, removed = await office.events(Kind.SETTING_CHANGED)
    assert (added.data["key"], added.data["before"], added.data["after"]["name"]) == ("reference.order", None, "order")
    assert removed.data["after"] is None
    assert added.actor == "user:administrator"


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"name": "invoice", "pattern": "X"}, None),
        ({"name": "a", "pattern": "(x+x+)+y(?=z)"}, "is no regular expression of RE2"),
        ({"name": "a", "pattern": "x*"}, "matches nothing at all"),
        ({"name": "a", "pattern": "x", "link": "https://erp.example.com/"}, "must have {code} in it"),
        ({"name": "a", "pattern": "x" * 501}, "at most 500 characters"),
        ({"name": "", "pattern": "x"}, "name: must be"),
    ],
)
async def test_a_reference_that_cannot_be_is_refused_with_the_field(
    office: House, fields: dict[str, Any], words: str | None
):
    browser = await office.client()
    if words is None:
        # The file of a house under test is not read: nothing is locked, and the file's own still wins.
        await post(browser, "/settings/references", where=["body"], **fields)
        assert now(office).reference[0].pattern == r"INV-\d+"
        return
    assert words in await post(browser, "/settings/references", 400, where=["body"], **fields)
    assert await office.events(Kind.SETTING_CHANGED) == []


async def test_an_alert_rule_is_added_and_removed(office: House):
    browser = await office.client()
    fields: dict[str, Any] = {
        "rule": "bounce-rate",
        "application": "shop",
        "above": "2,5",
        "window": "2h",
        "at_least": "50",
    }
    await post(browser, "/alerts", name="bounces", mail_to="ops@example.com boss@example.com", **fields)
    (rule,) = now(office).alert
    assert (rule.above, rule.window, rule.at_least, rule.mail_to) == (
        2.5,
        7200,
        50,
        ("ops@example.com", "boss@example.com"),
    )
    shown = await page(browser, "/alerts")
    assert "over 2.5 % in 2h" in shown
    assert "must be a number" in await post(browser, "/alerts", 400, name="b", **{**fields, "above": "much"})
    assert "window: must be" in await post(browser, "/alerts", 400, name="b", **{**fields, "window": "soon"})
    wrong: dict[str, Any] = {**fields, "rule": "queue-age"}
    assert "is of the whole house" in await post(browser, "/alerts", 400, name="b", **wrong)
    await post(browser, "/alerts/remove", name="bounces")
    assert now(office).alert == ()


async def test_the_bell_counts_the_alerts_that_stand_for_those_who_may_know(office: House):
    standing = Standing(NOON, "10 % of 20 deliveries bounced").as_json()
    await office.archive.change_setting(ALERTS, None, {"bounces": standing}, [])
    browser = await office.client()
    assert 'aria-label="1 alert"' in await page(browser, "/account")
    assert "10 % of 20 deliveries bounced" in await page(browser, "/alerts")
    assert "/alerts" not in await page(await office.client("operator"), "/account")
    async with (await office.program("auditor")).get("/api/alerts") as answer:
        (told,) = (await answer.json())["alerts"]
    assert (told["name"], told["is_calm"]) == ("bounces", False)


async def test_an_application_of_the_file_gets_what_the_file_leaves_open(office: House):
    browser = await office.client()
    shown = await page(browser, "/applications/settings?application=shop")
    assert "in the file" in shown
    fields: dict[str, Any] = {
        "opens": "no",
        "clicks": "yes",
        "priority": "bulk",
        "unsubscribe": "yes",
        "max_messages_per_hour": "100",
    }
    await post(browser, "/applications/settings", application="shop", tags="a b", **fields)
    shop = now(office).application[0]
    assert (shop.opens, shop.clicks, shop.priority, shop.unsubscribe) == (True, True, "bulk", True)
    assert (shop.max_messages_per_hour, shop.tags) == (100, ("a", "b"))
    for field, value in (("priority", "soon"), ("max_messages_per_hour", "many"), ("senders", "nobody")):
        answer = await post(browser, "/applications/settings", 400, application="shop", **{**fields, field: value})
        assert f"{field}: " in answer
    assert "There is nothing here" in await post(browser, "/applications/settings", 404, application="none")


async def test_an_application_added_here_is_changed_and_gets_a_new_secret(office: House):
    record = ApplicationRecord("crm", "crm", hashlib.sha256(b"old").digest(), NOON, "hold")
    await office.archive.put_application(record, office.event())
    browser = await office.client()
    fields: dict[str, Any] = {
        "opens": "",
        "clicks": "no",
        "priority": "normal",
        "unsubscribe": "no",
        "max_messages_per_hour": "0",
    }
    await post(browser, "/applications/settings", application="crm", senders="@example.com", tags="vip", **fields)
    (kept,) = await office.archive.applications()
    assert (kept.senders, kept.tags, kept.mode) == (("@example.com",), ("vip",), "hold")
    assert now(office).application[1].clicks is False
    shown = await post(browser, "/applications/secret", application="crm")
    secret = re.search(r'<code id="secret">([^<]+)</code>', shown)
    assert secret is not None
    (kept,) = await office.archive.applications()
    assert kept.secret_hash == hashlib.sha256(secret[1].encode()).digest()
    assert "Its secret stands in the file" in await post(browser, "/applications/secret", 409, application="shop")
