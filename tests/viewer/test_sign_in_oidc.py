"""Single sign-on against a real provider on a loopback socket, honest and forged."""

from __future__ import annotations

import base64
import hmac
import json
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from joserfc.jwk import RSAKey

from relay.config import Config, Oidc
from relay.model.access import Group
from relay.model.event import Kind
from tests.support.openid_provider import CLIENT, SECRET, OpenIdProvider, query_of
from tests.support.viewer_house import SECOND, House, configured, lightly_hashed, open_house

PASSWORD = "correct horse battery"


@pytest.fixture
async def provider() -> AsyncIterator[OpenIdProvider]:
    async with OpenIdProvider() as opened:
        yield opened


def with_provider(config: Config, provider: OpenIdProvider, **more: Any) -> Config:
    table: dict[str, Any] = {
        "issuer": provider.issuer,
        "client_id": CLIENT,
        "client_secret": SECRET,
        "label": "Sign in at Example",
        "groups": {"admins": "administrator", "support": "operator"},
        **more,
    }
    return config.model_copy(update={"oidc": Oidc(**table)})


@pytest.fixture
async def house(tmp_path: Path, provider: OpenIdProvider) -> AsyncIterator[House]:
    async with open_house(with_provider(configured(tmp_path / "data"), provider)) as opened:
        provider.now = lambda: opened.clock.now / SECOND
        yield opened


async def go(browser: aiohttp.ClientSession, path: str = "/oidc/start?next=/exports") -> str:
    """Follows the browser to the provider; the address that it sends it back to."""
    async with browser.get(path, allow_redirects=False) as answer:
        assert answer.status == 303, await answer.text()
        there = answer.headers["Location"]
    async with browser.get(there, allow_redirects=False) as answer:
        return answer.headers["Location"]


async def come_back(browser: aiohttp.ClientSession, address: str) -> tuple[int, str]:
    """(status, where it leads or the page)."""
    async with browser.get(address, allow_redirects=False) as answer:
        return answer.status, answer.headers.get("Location") or await answer.text()


async def reason(house: House) -> str:
    *_, last = await house.events(Kind.SIGN_IN_REFUSED)
    assert last.data["user"] is None
    return str(last.data["reason"])


async def test_who_comes_first_gets_a_user_with_the_role_of_the_group(house: House, provider: OpenIdProvider) -> None:
    browser = house.browser()
    async with browser.get("/sign-in?next=/exports") as answer:
        assert "Sign in at Example" in await answer.text()
    assert await come_back(browser, await go(browser)) == (303, "/exports")
    user = await house.archive.user("cleo")
    assert user is not None
    assert (user.role, user.password_hash) == ("operator", "")
    async with browser.get("/api/messages") as answer:
        assert answer.status == 200
    (signed_in,) = await house.events(Kind.SIGNED_IN)
    assert (signed_in.actor, signed_in.data["method"]) == ("user:cleo", "single sign-on")
    assert provider.asked[0]["scope"] == "openid profile email"
    text = json.dumps([dict(event.data) for _, event in await house.archive.events()])
    assert not any(secret in text for secret in (SECRET, "the-access-token", provider.asked[0]["nonce"]))


async def test_they_are_known_by_the_providers_id_and_follow_their_groups(
    house: House, provider: OpenIdProvider
) -> None:
    first = house.browser()
    await come_back(first, await go(first))
    provider.person = {"sub": "1", "preferred_username": "renamed", "groups": ["admins"]}
    second = house.browser()
    assert (await come_back(second, await go(second)))[0] == 303
    assert [(user.name, user.role) for user in await house.archive.users()] == [("cleo", "administrator")]
    async with first.get("/api/messages") as answer:
        assert answer.status == 401
    provider.person["groups"] = []
    status, page = await come_back(second, await go(second))
    assert status == 403
    assert "may not come in" in page


async def test_groups_may_be_in_the_user_info_of_the_same_person_only(house: House, provider: OpenIdProvider) -> None:
    provider.person = {"sub": "1", "preferred_username": "cleo"}
    provider.user_info = {"sub": "2", "groups": ["admins"]}
    browser = house.browser()
    assert (await come_back(browser, await go(browser)))[0] == 403
    assert "somebody else" in await reason(house)
    provider.user_info = {"sub": "1", "groups": ["admins"]}
    assert (await come_back(browser, await go(browser)))[0] == 303
    user = await house.archive.user("cleo")
    assert user is not None
    assert user.role == "administrator"


async def test_a_name_that_is_taken_is_not_taken_over(house: House, provider: OpenIdProvider) -> None:
    await house.add_user("cleo", "administrator", "")
    browser = house.browser()
    status, page = await come_back(browser, await go(browser))
    assert status == 403
    assert "already" in page
    assert "is there already" in await reason(house)
    async with browser.get("/api/messages") as answer:
        assert answer.status == 401


async def test_whoever_is_in_no_group_is_refused(house: House, provider: OpenIdProvider) -> None:
    provider.person["groups"] = ["visitors"]
    browser = house.browser()
    assert (await come_back(browser, await go(browser)))[0] == 403
    assert "no group" in await reason(house)
    assert await house.archive.users() == []


async def test_a_provider_without_a_usable_name_makes_no_user(house: House, provider: OpenIdProvider) -> None:
    provider.person = {"sub": "1", "preferred_username": "a b", "groups": ["support"]}
    browser = house.browser()
    assert (await come_back(browser, await go(browser)))[0] == 403
    assert "user name" in await reason(house)


def segment(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


Forge = Callable[[OpenIdProvider], None]


def changed(**changes: Any) -> Forge:
    """The honest token with these claims instead; None: without."""

    def forge(provider: OpenIdProvider) -> None:
        def change(claims: dict[str, Any], header: dict[str, Any]) -> None:
            for name, value in changes.items():
                claims[name] = value(claims) if callable(value) else value
            for name in [name for name, value in claims.items() if value is None]:
                del claims[name]

        provider.forge = change

    return forge


def with_other_key(provider: OpenIdProvider) -> None:
    provider.sign_with = RSAKey.generate_key(2048, {"kid": "one"}, private=True)


def with_unknown_key(provider: OpenIdProvider) -> None:
    provider.forge = lambda claims, header: header.update(kid="other")


def without_signature(provider: OpenIdProvider) -> None:
    def keep(claims: dict[str, Any], header: dict[str, Any]) -> None:
        provider.raw_token = f"{segment({'alg': 'none'})}.{segment(claims)}."

    provider.forge = keep


def with_the_public_key_as_a_secret(provider: OpenIdProvider) -> None:
    """The old trick: HS256, keyed with what everybody can read."""

    def sign(claims: dict[str, Any], header: dict[str, Any]) -> None:
        signed = f"{segment({'alg': 'HS256', 'kid': 'one'})}.{segment(claims)}"
        mac = hmac.digest(provider.key.as_pem(private=False), signed.encode(), "sha256")
        provider.raw_token = f"{signed}.{base64.urlsafe_b64encode(mac).decode().rstrip('=')}"

    provider.forge = sign


def with_nonsense(provider: OpenIdProvider) -> None:
    provider.raw_token = "no.token.at-all"


def with_no_object(provider: OpenIdProvider) -> None:
    provider.raw_token = f"{segment([])}.x.y"


FORGERIES: dict[str, Forge] = {
    "another audience": changed(aud="somebody-else"),
    "no audience": changed(aud=None),
    "several audiences and no party": changed(aud=[CLIENT, "other"]),
    "another party": changed(aud=[CLIENT, "other"], azp="other"),
    "another issuer": changed(iss="https://evil.example"),
    "expired": changed(exp=lambda claims: claims["iat"] - 3600),
    "no end": changed(exp=None),
    "of the future": changed(iat=lambda claims: claims["iat"] + 3600),
    "not yet": changed(nbf=lambda claims: claims["iat"] + 3600),
    "another nonce": changed(nonce="replayed"),
    "no nonce": changed(nonce=None),
    "nobody": changed(sub=None),
    "an empty somebody": changed(sub=""),
    "a number for somebody": changed(sub=7),
    "for another access token": changed(at_hash="AAAAAAAAAAAAAAAAAAAAAA"),
    "another key": with_other_key,
    "a key that is not there": with_unknown_key,
    "no signature": without_signature,
    "the public key as a secret": with_the_public_key_as_a_secret,
    "nonsense": with_nonsense,
    "no object": with_no_object,
}


@pytest.mark.parametrize("forgery", FORGERIES)
async def test_a_forged_id_token_opens_nothing(house: House, provider: OpenIdProvider, forgery: str) -> None:
    FORGERIES[forgery](provider)
    browser = house.browser()
    status, page = await come_back(browser, await go(browser))
    assert status == 403
    assert "did not work" in page
    assert await house.archive.users() == []
    assert await house.events(Kind.SIGNED_IN) == []
    assert (await reason(house)).startswith("single sign-on: ")


async def test_a_state_works_once_and_in_its_own_browser_only(house: House, provider: OpenIdProvider) -> None:
    browser, other = house.browser(), house.browser()
    address = await go(browser)
    assert (await come_back(other, address))[0] == 403
    assert (await come_back(browser, address.replace("state=", "state=x")))[0] == 403
    assert (await come_back(browser, address))[0] == 403, "a wrong state uses the ceremony up"
    address = await go(browser)
    assert (await come_back(browser, address))[0] == 303
    assert (await come_back(browser, address))[0] == 403
    assert "state" in await reason(house)
    assert provider.requests.count("token") == 1


async def test_a_sign_in_left_open_ends_after_ten_minutes(house: House) -> None:
    browser = house.browser()
    address = await go(browser)
    house.clock.now += 11 * 60 * SECOND
    assert (await come_back(browser, address))[0] == 403


async def test_an_answer_of_another_provider_or_an_error_opens_nothing(house: House, provider: OpenIdProvider) -> None:
    browser = house.browser()
    state = query_of(await go(browser))["state"]
    assert (await come_back(browser, f"/oidc/return?state={state}&code=x&iss=https://evil.example"))[0] == 403
    state = query_of(await go(browser))["state"]
    assert (await come_back(browser, f"/oidc/return?state={state}&error=access_denied"))[0] == 403
    assert "access_denied" in await reason(house)
    state = query_of(await go(browser))["state"]
    assert (await come_back(browser, f"/oidc/return?state={state}&code=stolen"))[0] == 502
    assert provider.requests.count("token") == 1


async def test_a_new_key_of_the_provider_is_asked_for_once_a_minute_at_most(
    house: House, provider: OpenIdProvider
) -> None:
    browser = house.browser()
    assert (await come_back(browser, await go(browser)))[0] == 303
    provider.rotate()
    assert (await come_back(browser, await go(browser)))[0] == 403
    house.clock.now += 61 * SECOND
    assert (await come_back(browser, await go(browser)))[0] == 303
    assert (await come_back(browser, await go(browser)))[0] == 303
    assert provider.requests.count("keys") == 2
    assert provider.requests.count("metadata") == 1
    house.clock.now += 3601 * SECOND
    assert (await come_back(browser, await go(browser)))[0] == 303
    assert provider.requests.count("metadata") == 2


@pytest.mark.parametrize(
    "said",
    [
        {"issuer": "https://evil.example"},
        {"authorization_endpoint": "http://evil.example/authorize"},
        {"token_endpoint": 7},
        {"jwks_uri": "file:///etc/passwd"},
    ],
)
async def test_a_provider_that_says_odd_things_of_itself_is_not_used(
    house: House, provider: OpenIdProvider, said: dict[str, Any]
) -> None:
    provider.said_of_itself = said
    async with house.browser().get("/oidc/start", allow_redirects=False) as answer:
        assert answer.status == 502
        assert "does not answer" in await answer.text()


async def test_a_provider_that_is_away_is_said_to_be(house: House, provider: OpenIdProvider) -> None:
    provider.status = 500
    async with house.browser().get("/oidc/start", allow_redirects=False) as answer:
        assert answer.status == 502
    await provider.__aexit__()
    async with house.browser().get("/oidc/start", allow_redirects=False) as answer:
        assert answer.status == 502


async def test_without_a_provider_there_is_no_single_sign_on(tmp_path: Path) -> None:
    async with open_house(configured(tmp_path / "data")) as house:
        async with house.browser().get("/oidc/start", allow_redirects=False) as answer:
            assert answer.status == 404
        async with house.browser().get("/oidc/return?state=&code=x", allow_redirects=False) as answer:
            assert answer.status == 403


async def test_a_user_who_is_here_joins_an_identity_and_keeps_the_role(house: House, provider: OpenIdProvider) -> None:
    await house.add_user("ann", "auditor", lightly_hashed(PASSWORD))
    browser = house.browser()
    async with browser.post("/sign-in", data={"name": "ann", "password": PASSWORD}) as answer:
        assert answer.status == 200
    token = await csrf(browser)
    async with browser.post("/account/single-sign-on", data={"csrf": token}) as answer:
        assert answer.status == 200
        there = (await answer.text()).split('class="button main" href="')[1].split('"')[0].replace("&amp;", "&")
    assert query_of(there)["prompt"] == "login"
    async with browser.get(there, allow_redirects=False) as answer:
        address = answer.headers["Location"]
    assert await come_back(browser, address) == (303, "/account#factors")
    fresh = house.browser()
    assert (await come_back(fresh, await go(fresh)))[0] == 303
    assert [event.actor for event in await house.events(Kind.SIGNED_IN)][-1] == "user:ann"
    user = await house.archive.user("ann")
    assert user is not None
    assert user.role == "auditor"
    async with browser.post("/account/single-sign-on/remove", data={"csrf": token}) as answer:
        assert "no longer opens" in await answer.text()
    assert await house.archive.identities("ann") == []


async def test_an_identity_of_somebody_else_cannot_be_joined(house: House, provider: OpenIdProvider) -> None:
    cleo = house.browser()
    await come_back(cleo, await go(cleo))
    browser = await house.client("auditor", name="ann")
    async with browser.post("/account/single-sign-on", data={"csrf": await csrf(browser)}) as answer:
        there = (await answer.text()).split('class="button main" href="')[1].split('"')[0].replace("&amp;", "&")
    async with browser.get(there, allow_redirects=False) as answer:
        address = answer.headers["Location"]
    assert (await come_back(browser, address))[0] == 403
    assert "cannot be joined" in await reason(house)


async def csrf(browser: aiohttp.ClientSession) -> str:
    async with browser.get("/account") as answer:
        return (await answer.text()).split('name="csrf" value="')[1].split('"')[0]


async def test_their_groups_may_map_to_ours_and_those_of_an_administrator_stay(
    tmp_path: Path, provider: OpenIdProvider
) -> None:
    config = with_provider(configured(tmp_path / "data"), provider, groups={"support": "Desk", "night": "Night"})
    async with open_house(config) as house:
        provider.now = lambda: house.clock.now / SECOND
        for group in ("Desk", "Night", "Own"):
            await house.archive.put_group(Group(group, "auditor"), house.event())
        browser = house.browser()
        assert (await come_back(browser, await go(browser)))[0] == 303
        user = await house.archive.user("cleo")
        assert user is not None
        assert (user.role, user.groups) == ("", ("Desk",))
        await house.archive.put_user(replace(user, groups=("Desk", "Own")), house.event())
        provider.person["groups"] = ["night"]
        assert (await come_back(browser, await go(browser)))[0] == 303
        user = await house.archive.user("cleo")
        assert user is not None
        assert sorted(user.groups) == ["Night", "Own"]
        async with browser.get("/api/messages") as answer:
            assert answer.status == 200
