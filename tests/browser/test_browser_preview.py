"""The preview is inert: whatever a message says, no request leaves the page and no script runs.

Two lines of defence are tried apart: the whole page as it is served, and the frame's own policy with HTML that was not
cleaned at all.
"""

from __future__ import annotations

import smtplib
from collections.abc import Callable
from email.message import EmailMessage

import pytest
from playwright.sync_api import Browser, Page, Route, StorageState, expect

from tests.browser.conftest import OpenPage, Shop
from tests.browser.samples import LETTERS
from tests.browser.settling import settle
from viewer.message.preview import POLICY

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]

OUT = "http://outside.example"
VECTORS = (LETTERS / "vectors.html").read_text()
"""Every way known to us in which HTML fetches or runs something."""


@pytest.fixture
def watched(shop: Shop, browser: Browser, cookies: StorageState) -> Callable[[], tuple[Page, list[str]]]:
    """A signed-in page, and the addresses of other hosts that it has asked for; none is answered."""

    def open_watched() -> tuple[Page, list[str]]:
        asked: list[str] = []
        context = browser.new_context(base_url=shop.url, storage_state=cookies)
        context.set_default_timeout(10_000)

        def on_route(route: Route) -> None:
            if route.request.url.startswith((shop.url, "data:")):
                route.continue_()
            else:
                asked.append(route.request.url)
                route.abort()

        context.route("**/*", on_route)
        return context.new_page(), asked

    return open_watched


def deliver(shop: Shop, subject: str, html: str) -> None:
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = "Mallory <m@evil.example>", "ann@example.com", subject
    mail.set_content("plain")
    mail.add_alternative(html, subtype="html")
    with smtplib.SMTP("127.0.0.1", shop.server.smtp_port) as smtp:
        smtp.send_message(mail)


def opened(page: Page, q: str) -> None:
    page.goto(f"/?q={q}")
    page.locator("a.open").first.click()
    page.get_by_role("link", name="Whole page").click()
    page.wait_for_url("**/messages/**")


def test_no_request_leaves_and_no_script_runs(
    shop: Shop, watched: Callable[[], tuple[Page, list[str]]], open_page: OpenPage
) -> None:
    waiting = open_page("/?q=vectors")
    deliver(shop, "All vectors", VECTORS)
    expect(waiting.locator("a.open")).to_have_count(1)
    page, asked = watched()
    opened(page, "vectors")
    frame = page.frame_locator("iframe")
    expect(frame.get_by_text("cell")).to_be_visible()
    frame.get_by_text("outside link").click(modifiers=["Control"])
    frame.get_by_text("outside link").click()
    frame.get_by_text("script link").click()
    settle(page)
    assert asked == []
    assert page.evaluate("window.owned") is None
    assert "owned" not in page.title()
    assert page.url.startswith(shop.url)
    assert len(page.context.pages) == 1
    expect(frame.get_by_text("cell")).to_be_visible()
    expect(page.get_by_text("remote images not loaded")).to_be_visible()
    page.context.close()


def test_links_are_listed_to_be_opened_on_purpose(
    shop: Shop, watched: Callable[[], tuple[Page, list[str]]], open_page: OpenPage
) -> None:
    waiting = open_page("/?q=onelink")
    deliver(shop, "Onelink", f'<a href="{OUT}/pay">Pay</a><a href="javascript:alert(1)">x</a>')
    expect(waiting.locator("a.open")).to_have_count(1)
    page, asked = watched()
    opened(page, "onelink")
    page.get_by_text("1 link in this message").click()
    link = page.get_by_role("link", name=f"{OUT}/pay")
    assert link.get_attribute("rel") == "noopener noreferrer nofollow"
    assert link.get_attribute("target") == "_blank"
    assert asked == []
    page.context.close()


def test_the_frames_policy_alone_stops_everything(watched: Callable[[], tuple[Page, list[str]]], shop: Shop) -> None:
    """Should the cleaning ever fail, the browser still loads and runs nothing."""
    page, asked = watched()
    page.context.route(
        "**/preview",
        lambda route: route.fulfill(
            status=200, content_type="text/html", headers={"Content-Security-Policy": POLICY}, body=VECTORS
        ),
    )
    opened(page, "INV-10482")
    expect(page.frame_locator("iframe").get_by_text("cell")).to_be_visible()
    page.frame_locator("iframe").locator("#js").click()
    page.frame_locator("iframe").locator("#submit").click()
    settle(page)
    assert [address for address in asked if "/refresh" not in address] == []
    assert page.evaluate("window.owned") is None
    assert page.url.startswith(shop.url)
    page.context.close()


def test_the_preview_opened_by_itself_is_as_inert(watched: Callable[[], tuple[Page, list[str]]], shop: Shop) -> None:
    page, asked = watched()
    opened(page, "INV-10482")
    address = page.url.partition("?")[0] + "/preview"
    answer = page.goto(address)
    assert answer is not None
    assert answer.headers["content-security-policy"] == POLICY
    page.get_by_text("Pay this invoice").click()
    assert page.url == address
    assert asked == []
    page.context.close()
