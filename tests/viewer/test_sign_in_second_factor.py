"""Signing in with a second factor: setting it up, codes, recovery codes, and the house that asks for one."""

from __future__ import annotations

import base64
import html
import json
import re
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest

from relay.archive.api.sign_in import SecondFactor
from relay.model.event import Kind
from tests.support.viewer_house import SECOND, House, configured, lightly_hashed, open_house
from viewer.identity import recovery, totp

PASSWORD = "correct horse battery"
SECRET = b"12345678901234567890"
STEP = 30 * SECOND


@pytest.fixture(scope="module")
def password_hash() -> str:
    return lightly_hashed(PASSWORD)


@pytest.fixture
async def strict(tmp_path: Path) -> AsyncIterator[House]:
    """A house that asks everybody for two factors."""
    async with open_house(configured(tmp_path / "data", second_factor="required")) as opened:
        yield opened


async def give(browser: aiohttp.ClientSession, path: str, **form: str) -> tuple[int, str]:
    """(status, where it leads or the page)."""
    async with browser.post(path, data=form, allow_redirects=False) as answer:
        return answer.status, answer.headers.get("Location") or await answer.text()


async def look(browser: aiohttp.ClientSession, path: str) -> tuple[int, str]:
    async with browser.get(path, allow_redirects=False) as answer:
        return answer.status, answer.headers.get("Location") or await answer.text()


async def sign_in(house: House, name: str = "ann", onward: str = "/exports") -> tuple[aiohttp.ClientSession, str]:
    """A browser that gave the right password, and where that led."""
    browser = house.browser()
    status, where = await give(browser, "/sign-in", name=name, password=PASSWORD, next=onward)
    assert status == 303
    return browser, where


async def with_factor(house: House, password_hash: str) -> None:
    await house.add_user("ann", "auditor", password_hash)
    await house.archive.put_second_factor(SecondFactor("ann", SECRET, house.clock()), house.event())
    codes = [recovery.digest("aaaa-bbbb-cccc-dddd"), recovery.digest("eeee-ffff-gggg-hhhh")]
    await house.archive.put_recovery_codes("ann", codes, house.event())


def code(house: House, away: int = 0) -> str:
    return totp.code(SECRET, totp.step_at(house.clock.now) + away)


async def csrf(browser: aiohttp.ClientSession, path: str = "/account") -> str:
    found = re.search(r'name="csrf" value="([^"]+)"', (await look(browser, path))[1])
    assert found is not None
    return found[1]


async def reasons(house: House) -> list[str]:
    return [str(event.data["reason"]) for event in await house.events(Kind.SIGN_IN_REFUSED)]


async def changes(house: House) -> list[str]:
    return [str(event.data.get("change")) for event in await house.events(Kind.ACCOUNT_CHANGED) if event.data]


async def test_the_password_alone_opens_nothing(house: House, password_hash: str) -> None:
    await with_factor(house, password_hash)
    browser, where = await sign_in(house)
    assert where == "/second-factor"
    assert (await look(browser, "/api/messages"))[0] == 401
    assert "Code from your app" in (await look(browser, "/second-factor"))[1]
    assert await house.events(Kind.SIGNED_IN) == []
    status, where = await give(browser, "/second-factor", code=code(house))
    assert (status, where) == (303, "/exports")
    assert (await look(browser, "/api/messages"))[0] == 200
    (signed_in,) = await house.events(Kind.SIGNED_IN)
    assert signed_in.data["method"] == "password and code"


async def test_a_code_works_once_and_earlier_ones_not_after_it(house: House, password_hash: str) -> None:
    await with_factor(house, password_hash)
    house.clock.now -= house.clock.now % STEP
    used, earlier = code(house), code(house, -1)
    for given, status in ((used, 303), (used, 401), (earlier, 401), (code(house, 1), 303), (code(house, 1), 401)):
        browser, _ = await sign_in(house)
        assert (await give(browser, "/second-factor", code=given))[0] == status, given
    assert await reasons(house) == ["wrong code"] * 3


async def test_a_recovery_code_works_once(house: House, password_hash: str) -> None:
    await with_factor(house, password_hash)
    for given, status in (("AAAA bbbb-ccccDDDD", 303), ("aaaa-bbbb-cccc-dddd", 401), ("", 401)):
        browser, _ = await sign_in(house)
        assert (await give(browser, "/second-factor", code=given))[0] == status
    assert await house.archive.recovery_codes("ann") == 1
    assert "recovery code used" in await changes(house)
    (signed_in,) = await house.events(Kind.SIGNED_IN)
    assert signed_in.data["method"] == "password and recovery code"


async def test_the_second_step_belongs_to_one_browser_and_one_password(house: House, password_hash: str) -> None:
    await with_factor(house, password_hash)
    stranger = house.browser()
    assert await look(stranger, "/second-factor") == (303, "/sign-in")
    assert await give(stranger, "/second-factor", code=code(house)) == (303, "/sign-in")
    browser, _ = await sign_in(house)
    await house.add_user("ann", "auditor", lightly_hashed("another good password"))
    assert await give(browser, "/second-factor", code=code(house)) == (303, "/sign-in")
    await house.add_user("ann", "auditor", password_hash)
    browser, _ = await sign_in(house)
    house.clock.now += 11 * 60 * SECOND
    assert await look(browser, "/second-factor") == (303, "/sign-in")
    browser, _ = await sign_in(house)
    assert (await give(browser, "/second-factor", code=code(house)))[0] == 303
    assert await look(browser, "/second-factor") == (303, "/sign-in"), "the step is over"


async def test_wrong_codes_are_limited_with_wrong_passwords(tmp_path: Path, password_hash: str) -> None:
    async with open_house(configured(tmp_path / "data", max_sign_in_attempts=3)) as house:
        await with_factor(house, password_hash)
        browser, _ = await sign_in(house)
        statuses = [(await give(browser, "/second-factor", code="000000"))[0] for _ in range(5)]
        assert statuses == [401, 401, 401, 429, 429]
        assert (await give(browser, "/second-factor", code=code(house)))[0] == 429
        assert (await give(house.browser(), "/sign-in", name="ann", password=PASSWORD))[0] == 429


async def test_an_app_is_set_up_with_codes_that_are_shown_once(house: House, password_hash: str) -> None:
    await house.add_user("ann", "auditor", password_hash)
    other, _ = await sign_in(house)
    browser, where = await sign_in(house)
    assert where == "/exports"
    _, page = await look(browser, "/account/second-factor")
    assert "<svg" in page
    assert "style=" not in page
    written = re.search(r'<code id="secret">([A-Z2-7 ]+)</code>', page)
    assert written is not None
    secret = base64.b32decode(written[1].replace(" ", ""))
    assert len(secret) == 20
    token = await csrf(browser)
    status, page = await give(browser, "/account/second-factor", csrf=token, code="000000")
    assert status == 400
    assert written[1] in page, "the same secret again"
    right = totp.code(secret, totp.step_at(house.clock.now))
    assert await give(browser, "/account/second-factor", csrf=token, code=right) == (303, "/account/recovery-codes")
    _, page = await look(browser, "/account/recovery-codes")
    codes = re.findall(r"<code>([a-z2-7-]{19})</code>", page)
    assert len(codes) == 10
    assert await look(browser, "/account/recovery-codes") == (303, "/account#factors")
    assert (await look(other, "/api/messages"))[0] == 401
    assert (await look(browser, "/api/messages"))[0] == 200
    again, where = await sign_in(house)
    assert where == "/second-factor"
    assert (await give(again, "/second-factor", code=right))[0] == 401, "it was used to set up"
    assert (await give(again, "/second-factor", code=codes[3]))[0] == 303
    kept = json.dumps([dict(event.data) for _, event in await house.archive.events()])
    assert not any(text in kept for text in (*codes, written[1], right, secret.hex()))


async def test_changing_how_one_signs_in_needs_a_sign_in_of_now(house: House, password_hash: str) -> None:
    await house.add_user("ann", "auditor", password_hash)
    browser, _ = await sign_in(house)
    token = await csrf(browser)
    house.clock.now += 16 * 60 * SECOND
    assert (await look(browser, "/account/second-factor"))[1].startswith("/sign-in?again=1")
    assert "sign in again" in (await look(browser, "/account"))[1]
    for path in (
        "/account/second-factor",
        "/account/second-factor/remove",
        "/account/recovery-codes",
        "/account/passkeys/options",
        "/account/passkeys",
        "/account/single-sign-on",
        "/account/single-sign-on/remove",
    ):
        assert (await give(browser, path, csrf=token, code="123456"))[0] == 403, path
    assert (await look(browser, "/sign-in?again=1&next=/account"))[0] == 200
    assert (await give(browser, "/sign-in", name="ann", password=PASSWORD, next="/account"))[0] == 303
    assert (await look(browser, "/account/second-factor"))[0] == 200


async def test_an_app_can_be_taken_away_and_new_codes_made(house: House, password_hash: str) -> None:
    await with_factor(house, password_hash)
    browser, _ = await sign_in(house)
    await give(browser, "/second-factor", code=code(house))
    token = await csrf(browser)
    assert "2 left" in (await look(browser, "/account"))[1]
    assert (await give(browser, "/account/recovery-codes", csrf=token))[1] == "/account/recovery-codes"
    assert await house.archive.recovery_codes("ann") == 10
    assert (await give(browser, "/account/second-factor/remove", csrf=token))[0] == 303
    assert (await give(browser, "/account/recovery-codes", csrf=token))[0] == 409
    assert (await sign_in(house))[1] == "/exports"
    assert (await changes(house))[-2:] == ["recovery codes made", "authenticator app removed"]


async def test_a_house_that_asks_for_two_factors_leads_there_first(strict: House, password_hash: str) -> None:
    house = strict
    await house.add_user("ann", "auditor", password_hash)
    browser, where = await sign_in(house)
    assert where == "/exports"
    for path in ("/", "/exports", "/account", "/help"):
        assert await look(browser, path) == (303, "/account/second-factor"), path
    assert (await look(browser, "/api/messages"))[0] == 403
    _, page = await look(browser, "/account/second-factor")
    assert "not enough here" in page
    token = await csrf(browser, "/account/second-factor")
    assert (await give(browser, "/account/password", csrf=token, old=PASSWORD, new="x"))[0] == 403
    written = re.search(r'<code id="secret">([A-Z2-7 ]+)</code>', page)
    assert written is not None
    secret = base64.b32decode(written[1].replace(" ", ""))
    right = totp.code(secret, totp.step_at(house.clock.now))
    assert (await give(browser, "/account/second-factor", csrf=token, code=right))[0] == 303
    assert (await look(browser, "/account/recovery-codes"))[0] == 200
    assert (await look(browser, "/api/messages"))[0] == 200
    assert (await give(browser, "/account/second-factor/remove", csrf=token))[0] == 409
    assert (await look(browser, "/account"))[0] == 200


async def test_someone_who_must_set_up_can_sign_out(strict: House, password_hash: str) -> None:
    await strict.add_user("ann", "auditor", password_hash)
    browser, _ = await sign_in(strict)
    token = await csrf(browser, "/account/second-factor")
    assert await give(browser, "/sign-out", csrf=token) == (303, "/sign-in")


async def test_programs_with_a_token_need_no_second_factor(strict: House) -> None:
    program = await strict.program("auditor")
    assert (await look(program, "/api/messages"))[0] == 200


async def test_a_new_password_keeps_what_this_browser_proved(strict: House, password_hash: str) -> None:
    house = strict
    await with_factor(house, password_hash)
    browser, _ = await sign_in(house)
    await give(browser, "/second-factor", code=code(house))
    token = await csrf(browser)
    status, _ = await give(browser, "/account/password", csrf=token, old=PASSWORD, new="another good password")
    assert status == 303
    assert (await look(browser, "/api/messages"))[0] == 200


async def test_an_administrator_takes_away_what_somebody_lost(house: House, password_hash: str) -> None:
    await with_factor(house, password_hash)
    browser, _ = await sign_in(house)
    await give(browser, "/second-factor", code=code(house))
    administrator = await house.client("administrator", name="root")
    _, page = await look(administrator, "/users/ann/sign-in")
    assert "Remove second factors" in html.unescape(page)
    token = await csrf(administrator)
    assert (await give(administrator, "/users/ann/factors/remove", csrf=token))[1] == "/users/ann/sign-in"
    assert (await look(browser, "/api/messages"))[0] == 401
    assert (await sign_in(house))[1] == "/exports"
    assert (await give(administrator, "/users/root/factors/remove", csrf=token))[0] == 409
    assert (await give(administrator, "/users/nobody/factors/remove", csrf=token))[0] == 404
    auditor = await house.client("auditor", name="eve")
    assert (await look(auditor, "/users/ann/sign-in"))[0] == 403
    assert (await give(auditor, "/users/ann/factors/remove", csrf=await csrf(auditor)))[0] == 403
