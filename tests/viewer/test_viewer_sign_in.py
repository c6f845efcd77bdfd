"""Signing in, out, by link; the limits and what they must not tell."""

from __future__ import annotations

import asyncio
import hashlib
import re
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import aiohttp
import pytest

from relay.model.event import Kind
from tests.support.viewer_house import SECOND, House, configured, lightly_hashed, open_house
from viewer.identity.passwords import USUAL, Passwords, hash_password, weakness
from viewer.identity.people import name_problem
from viewer.identity.sessions import local_path

PASSWORD = "correct horse battery"


@pytest.fixture(scope="module")
def password_hash() -> str:
    return lightly_hashed(PASSWORD)


@pytest.fixture
async def strict(tmp_path: Path) -> AsyncIterator[House]:
    """A viewer that gives three tries."""
    async with open_house(configured(tmp_path / "data", max_sign_in_attempts=3)) as opened:
        yield opened


def set_cookie(answer: aiohttp.ClientResponse) -> str:
    return answer.headers.get("Set-Cookie", "")


async def test_the_right_password_opens_a_new_session(house: House, password_hash: str) -> None:
    await house.add_user("ann", "auditor", password_hash)
    browser = house.browser(cookies={"mailwitness": "planted"})
    form = {"name": "ann", "password": PASSWORD, "next": "/exports?x=1"}
    async with browser.post("/sign-in", data=form, allow_redirects=False) as answer:
        assert answer.status == 303
        assert answer.headers["Location"] == "/exports?x=1"
        cookie = set_cookie(answer)
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie
    assert "Secure" not in cookie
    assert "planted" not in cookie
    async with browser.get("/api/messages") as answer:
        assert answer.status == 200
    assert [event.actor for event in await house.events(Kind.SIGNED_IN)] == ["user:ann"]


async def test_an_account_that_is_switched_off_opens_nothing(house: House, password_hash: str) -> None:
    user = await house.add_user("ann", "auditor", password_hash)
    await house.archive.put_user(replace(user, disabled_at=house.clock()), house.event())
    browser = house.browser()
    async with browser.post("/sign-in", data={"name": "ann", "password": "wrong"}) as answer:
        assert answer.status == 401
        assert "switched off" not in await answer.text()
    async with browser.post("/sign-in", data={"name": "ann", "password": PASSWORD}) as answer:
        assert answer.status == 403
        assert "switched off" in await answer.text()
        assert "Set-Cookie" not in answer.headers
    assert [event.data["reason"] for event in await house.events(Kind.SIGN_IN_REFUSED)] == [
        "wrong password",
        "disabled",
    ]


@pytest.mark.parametrize(("name", "password"), [("ann", "wrong"), ("nobody", PASSWORD), ("linked", ""), ("a\0b", "x")])
async def test_a_wrong_name_and_a_wrong_password_look_alike(
    house: House, password_hash: str, name: str, password: str
) -> None:
    await house.add_user("ann", "auditor", password_hash)
    await house.add_user("linked", "auditor", "")
    async with house.browser().post("/sign-in", data={"name": name, "password": password}) as answer:
        assert answer.status == 401
        assert "The user name or the password is wrong." in await answer.text()
        assert set_cookie(answer) == ""
    (refused,) = await house.events(Kind.SIGN_IN_REFUSED)
    assert refused.data["user"] == (name if name in ("ann", "linked") else None)


async def test_wrong_passwords_are_limited_by_user_and_address(strict: House, password_hash: str) -> None:
    house = strict
    await house.add_user("ann", "auditor", password_hash)
    limit = house.config.viewer.max_sign_in_attempts
    browser = house.browser()

    async def attempt(name: str, password: str) -> int:
        async with browser.post("/sign-in", data={"name": name, "password": password}, allow_redirects=False) as answer:
            return answer.status

    statuses = await asyncio.gather(*(attempt("ann", "wrong") for _ in range(limit + 2)))
    assert sorted(statuses) == [401] * limit + [429] * 2
    assert await attempt("ann", PASSWORD) == 429
    assert await attempt("bob", PASSWORD) == 429
    house.clock.now += 15 * 60 * SECOND
    assert await attempt("ann", PASSWORD) == 303


async def test_right_passwords_do_not_count(strict: House, password_hash: str) -> None:
    house = strict
    await house.add_user("ann", "auditor", password_hash)
    for _ in range(house.config.viewer.max_sign_in_attempts + 1):
        async with house.browser().post(
            "/sign-in", data={"name": "ann", "password": PASSWORD}, allow_redirects=False
        ) as answer:
            assert answer.status == 303


async def test_signing_out_ends_the_session_at_the_server(house: House) -> None:
    client = await house.client("auditor")
    async with client.get("/exports") as answer:
        found = re.search(r'name="csrf" value="([^"]+)"', await answer.text())
    assert found is not None
    kept = {cookie.key: cookie.value for cookie in client.cookie_jar}
    async with client.post("/sign-out", data={"csrf": found[1]}, allow_redirects=False) as answer:
        assert answer.status == 303
    async with house.browser(cookies=kept).get("/api/messages") as answer:
        assert answer.status == 401
    assert [event.actor for event in await house.events(Kind.SIGNED_OUT)] == ["user:auditor"]


async def test_a_new_password_ends_the_other_sessions(house: House, password_hash: str) -> None:
    await house.add_user("ann", "auditor", password_hash)
    here, there = house.browser(), house.browser()
    for browser in (here, there):
        async with browser.post("/sign-in", data={"name": "ann", "password": PASSWORD}) as answer:
            assert answer.status == 200
            page = await answer.text()
    async with here.get("/account") as answer:
        found = re.search(r'name="csrf" value="([^"]+)"', await answer.text())
    assert found is not None
    assert page
    for old, new, status in (
        ("wrong", "another good password", 400),
        (PASSWORD, "short", 400),
        (PASSWORD, "another good password", 303),
    ):
        form = {"csrf": found[1], "old": old, "new": new}
        async with here.post("/account/password", data=form, allow_redirects=False) as answer:
            assert answer.status == status, (old, new)
    async with here.get("/api/messages") as answer:
        assert answer.status == 200
    async with there.get("/api/messages") as answer:
        assert answer.status == 401
    async with house.browser().post("/sign-in", data={"name": "ann", "password": PASSWORD}) as answer:
        assert answer.status == 401


async def test_a_hash_made_with_weaker_parameters_is_renewed(tmp_path: Path) -> None:
    async with open_house(configured(tmp_path / "data"), hasher=USUAL) as house:
        await house.add_user("ann", "auditor", lightly_hashed(PASSWORD))
        browser = house.browser()
        async with browser.post("/sign-in", data={"name": "ann", "password": PASSWORD}) as answer:
            assert answer.status == 200
        user = await house.archive.user("ann")
    assert user is not None
    assert user.password_hash.startswith("$argon2id$v=19$m=65536,t=3,p=4$")


def test_a_password_costs_what_owasp_asks_for() -> None:
    assert Passwords().needs_rehash(lightly_hashed(PASSWORD))
    assert not Passwords().needs_rehash(hash_password(PASSWORD))


async def test_signing_in_again_leads_on_and_a_second_sign_in_ends_the_first_session(
    house: House, password_hash: str
) -> None:
    await house.add_user("ann", "auditor", password_hash)
    browser = await house.client("auditor", name="bob")
    kept = {cookie.key: cookie.value for cookie in browser.cookie_jar}
    async with browser.get("/sign-in?next=/exports", allow_redirects=False) as answer:
        assert (answer.status, answer.headers["Location"]) == (303, "/exports")
    form = {"name": "ann", "password": PASSWORD}
    async with browser.post("/sign-in", data=form, allow_redirects=False) as answer:
        assert answer.status == 303
    async with house.browser(cookies=kept).get("/api/messages") as answer:
        assert answer.status == 401


async def link(house: House, token: str = "the-token", lifetime: int = 60) -> str:
    digest = hashlib.sha256(token.encode()).hexdigest()
    expires_at = house.clock() + lifetime * SECOND
    await house.archive.put_setting("first-sign-in", {"hash": digest, "expires_at": expires_at})
    return f"/sign-in/{token}"


async def test_the_first_link_makes_one_administrator_once(house: House) -> None:
    path, browser = await link(house), house.browser()
    async with browser.get(path) as answer:
        assert answer.status == 200
    async with browser.post(path, data={"name": "root", "password": "short"}) as answer:
        assert answer.status == 400
        assert "at least" in await answer.text()
    form = {"name": "root", "password": PASSWORD}
    answers = await asyncio.gather(*(house.browser().post(path, data=form, allow_redirects=False) for _ in range(3)))
    assert sorted(answer.status for answer in answers) == [303, 404, 404]
    (user,) = await house.archive.users()
    assert (user.name, user.role) == ("root", "administrator")
    assert user.password_hash.startswith("$argon2id$")
    assert await house.archive.setting("first-sign-in") is None
    async with browser.get(path) as answer:
        assert answer.status == 404


async def test_a_wrong_or_late_link_or_one_beside_a_user_is_refused(house: House) -> None:
    await link(house)
    async with house.browser().get("/sign-in/other") as answer:
        assert answer.status == 404
    path = await link(house, lifetime=0)
    async with house.browser().get(path) as answer:
        assert answer.status == 404
    path = await link(house)
    await house.add_user("ann", "auditor")
    async with house.browser().post(path, data={"name": "root", "password": PASSWORD}) as answer:
        assert answer.status == 404


@pytest.mark.parametrize(
    "text", ["//evil.example", "/\\evil.example", "https://evil.example", "javascript:alert(1)", "", "/a\r\nX: y", "a"]
)
def test_signing_in_leads_to_no_other_site(text: str) -> None:
    assert local_path(text) == "/"


def test_signing_in_leads_back_to_the_page_asked_for() -> None:
    assert local_path("/?q=from%3Aann&sort=to") == "/?q=from%3Aann&sort=to"


def test_weak_passwords_and_odd_names_are_told() -> None:
    assert weakness("short")
    assert weakness("x" * 2000)
    assert weakness("aaaaaaaaaaaa")
    assert weakness("administrator", "Administrator")
    assert not weakness(PASSWORD)
    assert name_problem("a b")
    assert name_problem("")
    assert not name_problem("ann.o@example.org")
