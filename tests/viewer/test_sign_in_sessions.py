"""Signed-in browsers: seen, listed, ended; and those that a trusted proxy introduces."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import aiohttp
import pytest

from relay.model.access import Permission, Role
from relay.model.event import Kind
from tests.support.viewer_house import SECOND, House, configured, open_house

FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"
MINUTE = 60 * SECOND


async def give(browser: aiohttp.ClientSession, path: str, **form: str) -> tuple[int, str]:
    async with browser.post(path, data=form, allow_redirects=False) as answer:
        return answer.status, answer.headers.get("Location") or await answer.text()


async def look(browser: aiohttp.ClientSession, path: str, **headers: str) -> tuple[int, str]:
    async with browser.get(path, allow_redirects=False, headers=headers) as answer:
        return answer.status, answer.headers.get("Location") or await answer.text()


async def csrf(browser: aiohttp.ClientSession, path: str = "/account") -> str:
    found = re.search(r'name="csrf" value="([^"]+)"', (await look(browser, path))[1])
    assert found is not None
    return found[1]


def ends(page: str) -> list[str]:
    """Where the buttons of the table post to."""
    return re.findall(r'action="([^"]+/sessions/[0-9a-f]{32}/end)"', page)


async def test_a_person_sees_their_browsers_and_ends_one_or_all_others(house: House) -> None:
    here, there, third = [await house.client("auditor", name="ann") for _ in range(3)]
    await house.client("auditor", name="bob")
    _, page = await look(here, "/account")
    assert page.count("this one") == 1
    assert len(ends(page)) == 2
    token = await csrf(here)
    latest, oldest = ends(page)
    assert (await give(here, latest, csrf=token))[0] == 303
    assert [(await look(one, "/api/messages"))[0] for one in (here, there, third)] == [200, 200, 401]
    assert (await give(here, latest, csrf=token))[0] == 404
    assert (await give(here, "/account/sessions/end", csrf=token))[0] == 303
    assert [(await look(one, "/api/messages"))[0] for one in (here, there)] == [200, 401]
    said = [event.data.get("change") for event in await house.events(Kind.ACCOUNT_CHANGED)]
    assert said[-2:] == ["session ended", "other sessions ended"]
    assert oldest


async def test_nobody_ends_a_session_of_somebody_else_but_an_administrator(house: House) -> None:
    ann = await house.client("auditor", name="ann")
    bob = await house.client("auditor", name="bob")
    bob2 = await house.client("auditor", name="bob")
    (theirs,) = ends((await look(bob, "/account"))[1])
    assert (await give(ann, theirs, csrf=await csrf(ann)))[0] == 404
    assert (await give(ann, "/users/bob/sessions/end", csrf=await csrf(ann)))[0] == 403
    administrator = await house.client("administrator", name="root")
    _, page = await look(administrator, "/users/bob/sign-in")
    assert len(ends(page)) == 2
    token = await csrf(administrator)
    assert (await give(administrator, ends(page)[0], csrf=token))[0] == 303
    assert (await give(administrator, "/users/bob/sessions/end", csrf=token))[0] == 303
    assert [(await look(one, "/api/messages"))[0] for one in (ann, bob, bob2)] == [200, 401, 401]
    assert "Signed in nowhere" in (await look(administrator, "/users/bob/sign-in"))[1]
    await give(administrator, "/users/root/sessions/end", csrf=token)
    assert (await look(administrator, "/api/messages"))[0] == 200, "their own browser stays"


async def test_this_browser_is_signed_out_not_ended(house: House) -> None:
    ann = await house.client("auditor", name="ann")
    other = await house.client("auditor", name="ann")
    (this,) = ends((await look(other, "/account"))[1])
    assert (await give(ann, this, csrf=await csrf(ann)))[0] == 409


async def test_when_a_browser_was_seen_is_written_every_few_minutes_only(house: House) -> None:
    ann = await house.client("auditor", name="ann")
    began = (await house.archive.sessions("ann", house.clock.now))[0].created_at
    await look(ann, "/api/messages")
    assert (await house.archive.sessions("ann", house.clock.now))[0].seen_at == 0
    house.clock.now += 6 * MINUTE
    await look(ann, "/api/messages")
    seen = (await house.archive.sessions("ann", house.clock.now))[0].seen_at
    assert seen >= began + 6 * MINUTE
    house.clock.now += 4 * MINUTE
    await look(ann, "/api/messages")
    assert (await house.archive.sessions("ann", house.clock.now))[0].seen_at == seen


# -- a trusted proxy -----------------------------------------------------------------------------------------------


@pytest.fixture
async def proxied(tmp_path: Path) -> AsyncIterator[House]:
    """Believes the proxy on this machine."""
    config = configured(tmp_path / "data", trusted_proxies=("127.0.0.1",), user_header="Remote-User")
    async with open_house(config) as opened:
        yield opened


async def test_whom_a_trusted_proxy_names_is_signed_in(proxied: House) -> None:
    house = proxied
    await house.add_user("ann", "auditor")
    browser = house.browser(headers={"User-Agent": FIREFOX})
    assert (await look(browser, "/exports", **{"Remote-User": "ann"}))[0] == 200
    assert (await look(browser, "/api/messages", **{"Remote-User": "ann"}))[0] == 200
    (session,) = await house.archive.sessions("ann", house.clock.now)
    assert (session.method, session.user_agent) == ("proxy", FIREFOX)
    (signed_in,) = await house.events(Kind.SIGNED_IN)
    assert signed_in.data["method"] == "proxy"
    async with browser.get("/account", headers={"Remote-User": "ann"}) as answer:
        token = re.search(r'name="csrf" value="([^"]+)"', await answer.text())
    assert token is not None
    form, named = {"csrf": token[1], "name": "for a program", "days": "30"}, {"Remote-User": "ann"}
    async with browser.post("/account/tokens", data=form, headers=named) as answer:
        assert answer.status == 200
    async with browser.post("/account/tokens", data={**form, "csrf": "x"}, headers=named) as answer:
        assert answer.status == 403


async def test_its_word_ends_when_it_names_nobody_or_somebody_else(proxied: House) -> None:
    house = proxied
    await house.add_user("ann", "auditor")
    await house.add_user("bob", "operator")
    browser = house.browser()
    await look(browser, "/exports", **{"Remote-User": "ann"})
    assert (await look(browser, "/api/messages"))[0] == 401
    assert "bob" in (await look(browser, "/account", **{"Remote-User": "bob"}))[1]
    assert [session.user for session in await house.archive.sessions("ann", house.clock.now)] == ["ann"]


async def test_a_session_by_password_goes_on_without_the_proxys_word(proxied: House) -> None:
    browser = await proxied.client("auditor", name="ann")
    assert (await look(browser, "/api/messages"))[0] == 200
    assert (await look(browser, "/api/messages", **{"Remote-User": "ann"}))[0] == 200
    assert len(await proxied.archive.sessions("ann", proxied.clock.now)) == 1


@pytest.mark.parametrize("name", ["stranger", "a b", "x" * 100, "a\xe4\xff"])
async def test_a_stranger_is_refused_and_made_no_user(proxied: House, name: str) -> None:
    browser = proxied.browser()
    for _ in range(12):
        assert (await look(browser, "/exports", **{"Remote-User": name}))[0] == 403
    refusals = await proxied.events(Kind.SIGN_IN_REFUSED)
    assert len(refusals) == 10, "no request of a stranger writes for ever"
    assert name not in str(refusals[0].data)
    assert (await look(browser, "/healthz", **{"Remote-User": name}))[0] == 200
    assert await proxied.archive.users() == []


async def test_a_user_who_is_switched_off_is_refused(proxied: House) -> None:
    user = await proxied.add_user("ann", "auditor")
    await proxied.archive.put_user(replace(user, disabled_at=proxied.clock()), proxied.event())
    async with proxied.browser(headers={"Remote-User": "ann"}).get("/") as answer:
        assert answer.status == 403
    assert [event.data["reason"] for event in await proxied.events(Kind.SIGN_IN_REFUSED)] == ["proxy: disabled user"]


async def test_a_form_does_not_begin_a_session(proxied: House) -> None:
    await proxied.add_user("ann", "auditor")
    async with proxied.browser().post("/account/tokens", data={"name": "x"}, headers={"Remote-User": "ann"}) as answer:
        assert answer.status == 403
    assert await proxied.archive.sessions("ann", proxied.clock.now) == []


async def test_two_names_are_none(proxied: House) -> None:
    await proxied.add_user("ann", "auditor")
    headers = [("Remote-User", "ann"), ("Remote-User", "ann")]
    async with proxied.browser().get("/api/messages", headers=headers) as answer:
        assert answer.status == 401


async def test_nobody_else_is_believed(tmp_path: Path) -> None:
    config = configured(tmp_path / "data", trusted_proxies=("192.0.2.1",), user_header="Remote-User")
    async with open_house(config) as house:
        await house.add_user("ann", "administrator")
        browser = house.browser()
        assert (await look(browser, "/api/messages", **{"Remote-User": "ann", "X-Forwarded-For": "192.0.2.1"}))[
            0
        ] == 401
        assert (await look(browser, "/exports", **{"Remote-User": "ann"}))[0] == 303


@pytest.mark.parametrize(("role", "status"), [("auditor", 200), ("desk", 200), ("no such role", 403)])
async def test_a_stranger_may_become_a_user_with_the_role_of_the_file(tmp_path: Path, role: str, status: int) -> None:
    config = configured(
        tmp_path / "data", trusted_proxies=("127.0.0.1",), user_header="Remote-User", user_header_role=role
    )
    async with open_house(config) as house:
        await house.archive.put_role(Role("desk", frozenset(), needs_scope=False), house.event())
        browser = house.browser()
        assert (await look(browser, "/account", **{"Remote-User": "ann"}))[0] == status
        assert [(user.name, user.role) for user in await house.archive.users()] == [("ann", role)] * (status == 200)


async def test_who_manages_people_cannot_touch_somebody_who_may_more(house: House) -> None:
    rights = frozenset({Permission.READ, Permission.USERS})
    await house.archive.put_role(Role("keeper", rights, needs_scope=False), house.event())
    keeper = await house.client("keeper", name="kim")
    await house.client("administrator", name="root")
    await house.add_user("ann", "keeper")
    assert (await look(keeper, "/users/ann/sign-in"))[0] == 200
    assert (await look(keeper, "/users/root/sign-in"))[0] == 403
    token = await csrf(keeper)
    for path in ("/users/root/sessions/end", "/users/root/factors/remove"):
        assert (await give(keeper, path, csrf=token))[0] == 403
    assert len(await house.archive.sessions("root", house.clock.now)) == 1
