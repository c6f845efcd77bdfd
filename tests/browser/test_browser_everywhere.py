"""The pages on a phone, without JavaScript, and in the dark."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import PASSWORD, OpenPage, Shop

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]

PAGES = (
    "/",
    "/?q=zzz",
    "/?q=from:(",
    "/help",
    "/account",
    "/users",
    "/applications",
    "/exports",
    "/suppressions",
    "/suppressions/import",
    "/nothing-here",
    "/queue",
    "/queue?state=deferred",
    "/queue?q=zzz",
    "/?q=is:held",
)
TABS = ("preview", "text", "headers", "structure", "source", "attachments")


def sideways(page: Page) -> int:
    """How many pixels a page is wider than its window, once its styles are there: a link's click does not wait."""
    page.wait_for_load_state()
    return int(page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth"))


@pytest.mark.parametrize("width", [390, 1280])
def test_no_page_scrolls_sideways(open_page: OpenPage, find: Callable[..., Page], width: int) -> None:
    page = find("INV-10482", width=width)
    message = page.url.partition("?")[0]
    for path in (*PAGES, *(f"{message}?tab={tab}" for tab in TABS), f"{message}/resend"):
        page.goto(path)
        assert sideways(page) <= 0, path


def test_on_a_phone_the_rows_are_cards_that_open_with_a_touch(open_page: OpenPage) -> None:
    page = open_page("/?q=INV-10482", width=390, height=844)
    card = page.locator("table.grid tbody tr").first
    box = card.bounding_box()
    assert box is not None
    assert box["height"] > 60
    expect(page.locator("thead")).to_be_hidden()
    page.mouse.click(box["x"] + 20, box["y"] + box["height"] - 8)
    page.wait_for_url("**open=**")
    page.get_by_role("link", name="Whole page").click()
    page.wait_for_url("**/messages/**")


def test_everything_needed_works_without_javascript(open_page: OpenPage) -> None:
    page = open_page("/", script=False)
    page.get_by_label("Search messages").fill("INV-10482")
    page.keyboard.press("Enter")
    page.locator("a.open").first.click()
    page.get_by_role("link", name="Whole page").click()
    for name in ("Text", "Headers", "Structure", "Source", "Attachments", "Preview"):
        page.get_by_role("navigation", name="Views of the content").get_by_role("link", name=name).click()
        expect(page.locator(".tabs [aria-current]")).to_contain_text(name)
    expect(page.frame_locator("iframe").get_by_text("Pay this invoice")).to_be_visible()
    page.get_by_role("link", name="Send again").click()
    expect(page.get_by_label("Subject")).to_be_hidden()
    page.get_by_label("Edited").check()
    expect(page.get_by_label("Subject")).to_be_visible()
    page.goto("/?q=tag:reminder")
    page.get_by_role("button", name="Export", exact=True).click()
    page.get_by_role("button", name="Export: ").click()
    expect(page.get_by_role("link", name="Download")).to_be_visible()


def test_one_signs_in_by_password_and_out_again_without_javascript(shop: Shop, browser: Browser) -> None:
    context = browser.new_context(base_url=shop.url, java_script_enabled=False)
    page = context.new_page()
    page.goto("/?q=tag:reminder")
    page.get_by_label("Name").fill("ann")
    page.get_by_label("Password").fill("a wrong password")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("alert")).to_contain_text("wrong")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_label("Search messages")).to_have_value("tag:reminder")
    page.get_by_label("Account menu").click()
    page.get_by_role("button", name="Sign out").click()
    page.wait_for_url("**/sign-in")
    context.close()


CONTRAST = (Path(__file__).parent / "contrast.js").read_text()


@pytest.mark.parametrize("dark", [False, True])
def test_text_has_enough_contrast(open_page: OpenPage, find: Callable[..., Page], dark: bool) -> None:
    """WCAG 2.2 AA: 4.5 to 1, for every kind of text on the pages people look at most."""
    page = find("EST-2207", dark=dark)
    message = page.url
    for path in ("/", "/help", "/queue", message):
        page.goto(path)
        for selector in (
            "p",
            "td",
            "th a",
            ".status",
            ".tag",
            ".chip",
            ".muted",
            ".by",
            "a.ref",
            ".tabs a",
            "dt",
            "dd",
        ):
            for element in page.locator(selector).all()[:4]:
                if element.is_visible() and element.inner_text().strip():
                    assert element.evaluate(CONTRAST) >= 4.5, (path, selector, element.inner_text()[:40])


def test_every_control_has_a_name(find: Callable[..., Page]) -> None:
    page = find("INV-10482")
    for path in (
        "/",
        page.url,
        page.url.partition("?")[0] + "/resend",
        "/users",
        "/applications",
        "/account",
        "/queue",
    ):
        page.goto(path)
        snapshot = page.locator("body").aria_snapshot()
        assert not re.search(r"- (button|link|textbox|checkbox|combobox)(:|$| \[)", snapshot, re.MULTILINE), path
