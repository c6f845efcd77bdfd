"""Signing in, in a real browser: passkeys by Chromium's own authenticator, the app's codes, sessions, phone width."""

from __future__ import annotations

import base64
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, CDPSession, Page, expect

from tests.support.server import RunningServer
from viewer.identity import totp

PASSWORD = "a long enough password"

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    with RunningServer(tmp_path_factory.mktemp("sign-in")) as opened:
        yield opened


def address(server: RunningServer, path: str = "/") -> str:
    """By name: browsers make no passkeys for addresses."""
    return f"http://localhost:{server.viewer_port}{path}"


@pytest.fixture
def context(browser: Browser, server: RunningServer) -> Iterator[BrowserContext]:
    opened = browser.new_context(base_url=address(server, ""), viewport={"width": 1280, "height": 900})
    opened.set_default_timeout(15_000)
    yield opened
    opened.close()


def fingers(page: Page) -> CDPSession:
    """Gives the page's browser an authenticator that recognises its person at once."""
    session = page.context.new_cdp_session(page)
    session.send("WebAuthn.enable")
    options = {
        "protocol": "ctap2",
        "transport": "internal",
        "hasResidentKey": True,
        "hasUserVerification": True,
        "isUserVerified": True,
        "automaticPresenceSimulation": True,
    }
    session.send("WebAuthn.addVirtualAuthenticator", {"options": options})
    return session


def sign_in(page: Page, server: RunningServer) -> None:
    """As the administrator: the first time by the printed link."""
    assert server.sign_in_link is not None
    path = "/sign-in/" + server.sign_in_link.rsplit("/", 1)[1]
    answer = page.goto(address(server, path))
    is_used = answer is not None and answer.status == 404
    if is_used:
        page.goto(address(server, "/sign-in"))
    page.get_by_label("Name").fill("root")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in" if is_used else "Set password and sign in").click()


def test_a_passkey_is_made_and_signs_in_and_is_taken_away(context: BrowserContext, server: RunningServer) -> None:
    page = context.new_page()
    fingers(page)
    sign_in(page, server)
    page.goto("/account")
    page.get_by_label("Name of the device").fill("my phone")
    page.get_by_role("button", name="Add a passkey").click()
    expect(page.get_by_role("heading", name="Recovery codes")).to_be_visible()
    assert page.locator(".codes li").count() == 10
    page.get_by_role("link", name="I have them").click()
    expect(page.get_by_label("Name of the passkey")).to_have_value("my phone")

    page.get_by_role("button", name="Sign out", exact=True).last.click()
    page.wait_for_url("**/sign-in")
    page.goto("/sign-in?next=/account")
    page.get_by_role("button", name="Use a passkey").click()
    page.wait_for_url("**/account")
    expect(page.locator("#sessions")).to_contain_text("passkey")
    expect(page.locator("#sessions")).to_contain_text("this one")

    page.get_by_role("button", name="Remove the passkey my phone").click()
    expect(page.get_by_role("status").first).to_contain_text("removed")
    page.get_by_role("button", name="Sign out", exact=True).last.click()
    page.wait_for_url("**/sign-in")
    page.get_by_role("button", name="Use a passkey").click()
    expect(page.locator("[data-passkey] [role=alert]")).to_contain_text("does not open an account")


def test_a_finger_that_is_not_recognised_signs_nothing(context: BrowserContext, server: RunningServer) -> None:
    page = context.new_page()
    session = page.context.new_cdp_session(page)
    session.send("WebAuthn.enable")
    options = {
        "protocol": "ctap2",
        "transport": "internal",
        "hasResidentKey": True,
        "hasUserVerification": True,
        "isUserVerified": False,
        "automaticPresenceSimulation": True,
    }
    session.send("WebAuthn.addVirtualAuthenticator", {"options": options})
    sign_in(page, server)
    page.goto("/account")
    page.get_by_role("button", name="Add a passkey").click()
    expect(page.locator("[data-new-passkey] > [role=alert]")).to_contain_text("Nothing was signed")


def test_an_app_is_set_up_without_javascript_and_asked_for(
    browser: Browser, server: RunningServer, tmp_path: Path
) -> None:
    context = browser.new_context(
        base_url=address(server, ""), viewport={"width": 390, "height": 800}, java_script_enabled=False
    )
    page = context.new_page()
    sign_in(page, server)
    page.goto("/account")
    expect(page.get_by_role("button", name="Add a passkey")).to_be_hidden()
    page.get_by_role("link", name="Set up").click()
    secret = base64.b32decode(page.locator("#secret").inner_text().replace(" ", ""))
    assert page.locator(".qr svg").bounding_box() is not None
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.get_by_label("Code").fill(totp.code(secret, totp.step_at(time.time_ns() // 1000)))
    page.get_by_role("button", name="Turn on").click()
    code = page.locator(".codes code").first.inner_text()
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.get_by_role("link", name="I have them").click()
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.get_by_role("button", name="Sign out", exact=True).last.click()
    sign_in(page, server)
    expect(page.get_by_role("heading", name="Second step")).to_be_visible()
    page.get_by_label("Code from your app").fill("000000")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("alert")).to_contain_text("wrong")
    page.get_by_label("Code from your app").fill(code)
    page.keyboard.press("Enter")
    page.wait_for_url("**/")
    page.goto("/account")
    expect(page.locator("#factors")).to_contain_text("9 left")
    page.locator("#factors").get_by_role("button", name="Remove").click()
    context.close()
