"""The sent copy beside its original in a real browser, and what its pixel and links do in the recipient's."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import OpenPage
from tests.browser.test_browser_everywhere import CONTRAST, sideways

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]

Find = Callable[..., Page]


@pytest.mark.parametrize("script", [True, False])
def test_the_sent_copy_is_shown_beside_the_original_with_its_edits(find: Find, script: bool) -> None:
    page = find("INV-10482", script=script)
    page.get_by_role("link", name="As sent", exact=True).click()
    expect(page.get_by_text("Rebuilt and checked: equal")).to_be_visible()
    table = page.get_by_label("Original and sent copy")
    expect(table.locator("ins", has_text="DKIM-Signature").first).to_be_visible()
    expect(table.locator("ins", has_text="Received: by mail.shop.example.com").first).to_be_visible()
    expect(table.locator("del", has_text="X-Mailwitness-Metadata-Order").first).to_be_visible()
    for step in ("DKIM signature", "Trace", "Own fields", "Tracking"):
        expect(table.locator(".step", has_text=step).first).to_be_visible()
    expect(page.locator(".signature")).to_have_count(2)
    expect(page.get_by_text("e2026._domainkey.shop.example.com")).to_be_visible()
    expect(page.get_by_text("strict: signed by the very domain of From").first).to_be_visible()
    expect(page.locator(".fetches").get_by_text("Fetched by a privacy proxy").first).to_be_visible()
    expect(page.locator(".fetches").get_by_text("Opened, likely by a person").first).to_be_visible()


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("width", [390, 1280])
def test_the_page_fits_and_can_be_read(find: Find, width: int, dark: bool) -> None:
    page = find("INV-10482", width=width, dark=dark)
    page.get_by_role("link", name="As sent", exact=True).click()
    expect(page.get_by_label("Original and sent copy")).to_be_visible()
    assert sideways(page) <= 0
    for selector in ("ins", "del", ".step", ".number", ".fold td", ".status", ".by", "dt", "dd", ".muted"):
        for element in page.locator(selector).all()[:3]:
            if element.is_visible() and element.inner_text().strip():
                assert element.evaluate(CONTRAST) >= 4.5, (selector, element.inner_text()[:40])


def test_opens_and_clicks_are_seen_in_the_grid_and_the_timeline(open_page: OpenPage, find: Find) -> None:
    row = open_page("/?q=opened:human INV-10482").locator("table.grid tbody tr").first
    expect(row.get_by_role("img", name="Opened, likely by a person")).to_be_visible()
    expect(row.get_by_role("img", name="Link followed, likely by a person")).to_be_visible()
    page = find("INV-10482")
    timeline = page.locator(".recipient .timeline")
    expect(timeline.get_by_text("Fetched by a privacy proxy")).to_be_visible()
    expect(timeline.get_by_text("Link followed, scanner suspected")).to_be_visible()
    expect(timeline.locator("li", has_text="scanner").locator(".grade")).to_have_text("E")


def test_why_a_copy_was_not_tracked_is_said(find: Find) -> None:
    expect(find("EST-2207").get_by_text("no HTML in it").first).to_be_visible()
