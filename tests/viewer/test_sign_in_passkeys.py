"""Passkeys at the server: what an honest authenticator signs opens the account, and nothing else does."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from relay.model.event import Kind
from tests.support.authenticator import PRESENT, VERIFIED, Authenticator, base64url
from tests.support.viewer_house import SECOND, House, configured, lightly_hashed, open_house

PASSWORD = "correct horse battery"
Body = dict[str, Any]


def at_localhost(house: House, **options: Any) -> aiohttp.ClientSession:
    """A browser that uses the name: passkeys are not for addresses."""
    session = aiohttp.ClientSession(
        f"http://localhost:{house.port}", cookie_jar=aiohttp.CookieJar(unsafe=True), **options
    )
    house.sessions.append(session)
    return session


async def signed_in(house: House, name: str = "ann") -> aiohttp.ClientSession:
    old = await house.client("auditor", name=name)
    return at_localhost(house, cookies={cookie.key: cookie.value for cookie in old.cookie_jar})


async def csrf(browser: aiohttp.ClientSession) -> str:
    async with browser.get("/account") as answer:
        found = re.search(r'name="csrf" value="([^"]+)"', await answer.text())
    assert found is not None
    return found[1]


async def ask(browser: aiohttp.ClientSession, path: str, body: Any = None, token: str = "") -> tuple[int, Body]:
    async with browser.post(path, json=body or {}, headers={"X-CSRF-Token": token}) as answer:
        is_json = answer.content_type == "application/json"
        return answer.status, await answer.json() if is_json else {"page": await answer.text()}


def authenticator(house: House, **more: Any) -> Authenticator:
    return Authenticator(f"http://localhost:{house.port}", **more)


async def register(
    house: House, browser: aiohttp.ClientSession, device: Authenticator, name: str = "phone", **bent: Any
) -> tuple[int, Body]:
    token = await csrf(browser)
    status, options = await ask(browser, "/account/passkeys/options", token=token)
    assert status == 200
    assert options["authenticatorSelection"]["userVerification"] == "required"
    credential = device.create(options, **bent)
    return await ask(browser, "/account/passkeys", {"credential": credential, "name": name}, token)


async def enter(browser: aiohttp.ClientSession, device: Authenticator, **bent: Any) -> tuple[int, Body]:
    status, options = await ask(browser, "/passkey/options")
    assert status == 200
    assert options.get("allowCredentials", []) == [], "names nobody"
    return await ask(browser, "/passkey/sign-in", {"credential": device.get(options, **bent), "next": "/exports"})


async def reasons(house: House) -> list[tuple[Any, str]]:
    return [(event.data["user"], str(event.data["reason"])) for event in await house.events(Kind.SIGN_IN_REFUSED)]


async def test_a_passkey_is_added_named_and_signs_in_alone(house: House) -> None:
    device, browser = authenticator(house), await signed_in(house)
    status, body = await register(house, browser, device, "  my \u202ephone\t ")
    assert (status, body) == (200, {"onward": "/account/recovery-codes"})
    assert await house.archive.recovery_codes("ann") == 10
    (key,) = await house.archive.passkeys("ann")
    assert key.name == "my phone"
    other = at_localhost(house)
    assert await enter(other, device) == (200, {"onward": "/exports"})
    async with other.get("/api/messages") as answer:
        assert answer.status == 200
    *_, event = await house.events(Kind.SIGNED_IN)
    assert (event.actor, event.data["method"]) == ("user:ann", "passkey")
    (key,) = await house.archive.passkeys("ann")
    assert key.sign_count == 1
    assert key.used_at is not None
    status, body = await register(house, browser, authenticator(house), "")
    assert body == {"onward": "/account#factors"}
    assert (await house.archive.passkeys("ann"))[1].name == "Python"


async def test_a_passkey_is_renamed_and_removed_by_its_owner_only(house: House) -> None:
    device, ann, bob = authenticator(house), await signed_in(house), await signed_in(house, "bob")
    await register(house, ann, device)
    (key,) = await house.archive.passkeys("ann")
    for browser, name, status in ((bob, "mine", 404), (ann, " ", 400), (ann, "old phone", 200)):
        form = {"csrf": await csrf(browser), "name": name}
        async with browser.post(f"/account/passkeys/{key.id}/name", data=form) as answer:
            assert answer.status == status
    assert (await house.archive.passkeys("ann"))[0].name == "old phone"
    for browser, status in ((bob, 404), (ann, 200)):
        async with browser.post(f"/account/passkeys/{key.id}/remove", data={"csrf": await csrf(browser)}) as answer:
            assert answer.status == status
    assert (await enter(at_localhost(house), device))[0] == 401
    assert await reasons(house) == [(None, "unknown passkey")]
    said = [event.data.get("change") for event in await house.events(Kind.ACCOUNT_CHANGED)]
    assert [one for one in said if one and "passkey" in one] == ["passkey added", "passkey renamed", "passkey removed"]


Bend = Callable[[Authenticator], dict[str, Any]]


def set_to(**changes: Any) -> Bend:
    def bend(device: Authenticator) -> dict[str, Any]:
        for name, value in changes.items():
            setattr(device, name, value)
        return {}

    return bend


BENT: dict[str, Bend] = {
    "another origin": set_to(origin="https://evil.example"),
    "another port": set_to(origin="http://localhost:1"),
    "another party": set_to(party="evil.example"),
    "an unverified person": set_to(flags=PRESENT),
    "nobody there": set_to(flags=VERIFIED),
    "another challenge": lambda device: {"challenge": base64url(b"another")},
    "no challenge": lambda device: {"challenge": ""},
    "another kind": lambda device: {"type": "webauthn.other"},
}


@pytest.mark.parametrize("bend", BENT)
async def test_what_was_bent_adds_no_passkey(house: House, bend: str) -> None:
    device, browser = authenticator(house), await signed_in(house)
    status, _ = await register(house, browser, device, **BENT[bend](device))
    assert status == 400
    assert await house.archive.passkeys("ann") == []


SIGNED = BENT | {
    "another key": set_to(key=ec.generate_private_key(ec.SECP256R1())),
    "a counter that went back": set_to(count=3),
}


@pytest.mark.parametrize("bend", SIGNED)
async def test_what_was_bent_opens_nothing(house: House, bend: str) -> None:
    device, browser = authenticator(house, count=10), await signed_in(house)
    assert (await register(house, browser, device))[0] == 200
    other = at_localhost(house)
    status, body = await enter(other, device, **SIGNED[bend](device))
    assert (status, body) == (401, {"problem": "This passkey does not open an account here."})
    assert other.cookie_jar.filter_cookies(other._base_url).get("mailwitness") is None  # type: ignore[arg-type]
    assert await reasons(house) == [("ann", "wrong passkey")]
    assert await house.events(Kind.SIGNED_IN) == []


async def test_an_answer_works_once_in_its_own_browser_and_for_ten_minutes(house: House) -> None:
    device, browser = authenticator(house), await signed_in(house)
    await register(house, browser, device)
    one, two = at_localhost(house), at_localhost(house)
    _, options = await ask(one, "/passkey/options")
    await ask(two, "/passkey/options")
    answer = {"credential": device.get(options)}
    assert (await ask(two, "/passkey/sign-in", answer))[0] == 401
    assert (await ask(one, "/passkey/sign-in", answer))[0] == 200
    assert (await ask(one, "/passkey/sign-in", answer))[0] == 401
    _, options = await ask(two, "/passkey/options")
    house.clock.now += 11 * 60 * SECOND
    assert (await ask(two, "/passkey/sign-in", {"credential": device.get(options)}))[0] == 401


@pytest.mark.parametrize(
    "credential",
    [None, 7, "x", [], {}, {"rawId": 7}, {"rawId": "!"}, {"rawId": "\ud800"}, {"rawId": "AAAA", "response": 7}],
)
async def test_nonsense_is_refused_as_an_unknown_key_is(house: House, credential: Any) -> None:
    browser = at_localhost(house)
    await ask(browser, "/passkey/options")
    assert (await ask(browser, "/passkey/sign-in", {"credential": credential}))[0] == 401
    ann = await signed_in(house)
    token = await csrf(ann)
    await ask(ann, "/account/passkeys/options", token=token)
    assert (await ask(ann, "/account/passkeys", {"credential": credential}, token))[0] == 400


async def test_a_known_key_with_a_nonsensical_answer_is_refused(house: House) -> None:
    device, ann = authenticator(house), await signed_in(house)
    await register(house, ann, device)
    browser = at_localhost(house)
    for answer in (
        None,
        7,
        {},
        {"clientDataJSON": 7},
        {"clientDataJSON": "AA", "authenticatorData": "AA", "signature": "AA"},
    ):
        _, options = await ask(browser, "/passkey/options")
        credential = {**device.get(options), "response": answer}
        assert (await ask(browser, "/passkey/sign-in", {"credential": credential}))[0] == 401
    async with browser.post("/passkey/sign-in", json=[1]) as bad:
        assert bad.status == 400


async def test_a_passkey_that_is_known_is_not_added_twice(house: House) -> None:
    device, ann, bob = authenticator(house), await signed_in(house), await signed_in(house, "bob")
    assert (await register(house, ann, device))[0] == 200
    assert (await register(house, bob, device))[0] == 409
    token = await csrf(ann)
    _, options = await ask(ann, "/account/passkeys/options", token=token)
    assert [one["id"] for one in options["excludeCredentials"]] == [base64url(device.credential_id)]


async def test_who_has_a_passkey_needs_more_than_the_password(house: House) -> None:
    await house.add_user("ann", "auditor", lightly_hashed(PASSWORD))
    browser, device = at_localhost(house), authenticator(house)
    async with browser.post("/sign-in", data={"name": "ann", "password": PASSWORD}) as answer:
        assert answer.status == 200
    await register(house, browser, device)
    other = at_localhost(house)
    form = {"name": "ann", "password": PASSWORD, "next": "/exports"}
    async with other.post("/sign-in", data=form) as answer:
        page = await answer.text()
        assert answer.url.path == "/second-factor"
    assert "Use a passkey" in page
    assert "Recovery code" in page
    assert await enter(other, device) == (200, {"onward": "/exports"})
    async with other.get("/api/messages") as answer:
        assert answer.status == 200


async def test_tries_with_passkeys_are_limited_by_address(tmp_path: Path) -> None:
    async with open_house(configured(tmp_path / "data", max_sign_in_attempts=2)) as house:
        device, browser = authenticator(house), at_localhost(house)
        statuses = [(await enter(browser, device))[0] for _ in range(3)]
        assert statuses == [401, 401, 429]


async def test_where_browsers_allow_no_passkeys_none_are_offered(house: House, tmp_path: Path) -> None:
    async with house.browser().get("/sign-in") as answer:
        assert "passkey" not in await answer.text()
    async with house.browser().post("/passkey/options", json={}) as answer:
        assert answer.status == 409
    for number, (url, is_offered) in enumerate(
        (("https://mail.example.com:443/", True), ("http://mail.example.com", False), ("https://192.0.2.1", False))
    ):
        async with open_house(configured(tmp_path / str(number), url=url)) as other:
            async with other.browser().get("/sign-in") as answer:
                assert ("passkey" in await answer.text()) is is_offered, url


async def test_at_an_https_address_the_origin_is_the_one_of_viewer_url(tmp_path: Path) -> None:
    async with open_house(configured(tmp_path / "data", url="https://mail.example.com:443/")) as house:
        browser = house.browser()
        async with browser.post("/passkey/options", json={}) as answer:
            assert (await answer.json())["rpId"] == "mail.example.com"
            assert "__Host-mailwitness-step" in answer.headers["Set-Cookie"]
            assert "Secure" in answer.headers["Set-Cookie"]


async def test_a_passkey_is_enough_where_two_factors_are_required(tmp_path: Path) -> None:
    async with open_house(configured(tmp_path / "data", second_factor="required")) as house:
        await house.add_user("ann", "auditor", lightly_hashed(PASSWORD))
        browser, device = at_localhost(house), authenticator(house)
        async with browser.post("/sign-in", data={"name": "ann", "password": PASSWORD}) as answer:
            assert answer.url.path == "/account/second-factor"
            found = re.search(r'name="csrf" value="([^"]+)"', await answer.text())
        assert found is not None
        _, options = await ask(browser, "/account/passkeys/options", token=found[1])
        given = {"credential": device.create(options), "name": "phone"}
        assert (await ask(browser, "/account/passkeys", given, found[1]))[0] == 200
        async with browser.get("/account") as answer:
            assert answer.url.path == "/account"
        (key,) = await house.archive.passkeys("ann")
        async with browser.post(f"/account/passkeys/{key.id}/remove", data={"csrf": await csrf(browser)}) as answer:
            assert answer.status == 409
        other = at_localhost(house)
        assert (await enter(other, device))[0] == 200
        async with other.get("/account") as answer:
            assert answer.url.path == "/account"
