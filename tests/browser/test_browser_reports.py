"""Reports in a browser: by keyboard and phone, without JavaScript, light and dark; from a figure to its messages."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import OpenPage

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]

PAGES = (
    "/reports",
    "/reports/volume?compare=1",
    "/reports/senders",
    "/reports/compare",
    "/reports/bounces",
    "/reports/domains",
    "/recipients/ann@example.org",
)


def fits(page: Page) -> bool:
    return bool(page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth"))


@pytest.mark.parametrize("path", PAGES)
def test_a_report_fits_a_phone_and_needs_no_javascript(open_page: OpenPage, path: str) -> None:
    for dark in (False, True):
        page = open_page(path, width=390, height=844, dark=dark, script=False)
        expect(page.locator("h1")).to_be_visible()
    page = open_page(path, width=390, height=844)
    assert fits(page)


def test_a_figure_leads_to_the_messages_behind_it(open_page: OpenPage) -> None:
    page = open_page("/reports/volume?period=90d")
    # Counted behind the mail: it is there soon.
    for _ in range(100):
        if page.locator("table.figures a").count() > 3:
            break
        page.wait_for_timeout(200)
        page.reload()
    link = page.get_by_role("row", name="Messages").first.get_by_role("link")
    expect(link).to_be_visible()
    link.click()
    expect(page).to_have_url(re.compile("q=after"))
    expect(page.locator("a.open").first).to_be_visible()


def test_charts_have_names_for_those_who_do_not_see_them(open_page: OpenPage) -> None:
    page = open_page("/reports/volume?period=90d")
    expect(page.get_by_role("img", name="Recipients by day and what became of their mail")).to_have_count(1)
    expect(page.locator("svg.chart:visible title")).to_have_count(1)


def test_subjects_are_chosen_and_compared(open_page: OpenPage) -> None:
    page = open_page("/reports/compare?period=90d", script=False)
    for _ in range(100):
        if page.get_by_role("checkbox").count() > 1:
            break
        page.wait_for_timeout(200)
        page.reload()
    page.get_by_role("checkbox").nth(0).check()
    page.get_by_role("checkbox").nth(1).check()
    page.get_by_role("button", name="Compare those chosen").click()
    expect(page.get_by_role("heading", name="Compared", exact=True)).to_be_visible()
    expect(page.locator(".said").first).to_be_visible()


def test_bounced_recipients_are_named_before_they_are_suppressed(open_page: OpenPage) -> None:
    page = open_page("/reports/bounces?period=90d", script=False)
    page.get_by_role("button", name="Suppress those at").first.click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Send nothing more to")
    page.get_by_role("link", name="Leave it").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Bounce desk")
