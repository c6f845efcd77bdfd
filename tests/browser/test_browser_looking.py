"""Looking at the grid: the panel, choosing rows, the filter bar, views, columns, copies and mailings."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import OpenPage, Shop
from tests.browser.test_browser_grid import row, send, subjects

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]


def test_a_subject_opens_the_panel_which_has_its_own_address(open_page: OpenPage) -> None:
    page = open_page("/?q=application:billing")
    first, second = page.locator("a.open").nth(0), page.locator("a.open").nth(1)
    first.click()
    panel = page.get_by_role("complementary")
    expect(panel.get_by_role("heading", level=2)).to_have_text(first.inner_text())
    expect(panel.frame_locator("iframe").locator("body")).not_to_be_empty()
    expect(page).to_have_url(re.compile(r"open="))
    page.keyboard.press("ArrowDown")
    expect(panel.get_by_role("heading", level=2)).to_have_text(second.inner_text())
    expect(page.locator("tr.is-open a.open")).to_have_text(second.inner_text())
    page.reload()
    expect(panel.get_by_role("heading", level=2)).to_have_text(second.inner_text())
    page.get_by_role("link", name="Message above").click()
    expect(panel.get_by_role("heading", level=2)).to_have_text(first.inner_text())
    page.keyboard.press("Escape")
    expect(panel).to_have_count(0)
    expect(page).not_to_have_url(re.compile(r"open="))
    expect(first).to_be_focused()
    first.click()
    expect(panel).to_have_count(1)
    page.go_back()
    expect(panel).to_have_count(0)


def test_the_panel_works_without_javascript(open_page: OpenPage) -> None:
    page = open_page("/?q=application:billing", script=False)
    page.locator("a.open").nth(0).click()
    panel = page.get_by_role("complementary")
    expect(panel).to_be_visible()
    page.get_by_role("link", name="Message below").click()
    expect(panel.get_by_role("heading", level=2)).to_have_text(page.locator("a.open").nth(1).inner_text())
    page.get_by_role("link", name="Close").click()
    expect(panel).to_have_count(0)


def test_rows_are_chosen_with_shift_the_keyboard_and_across_pages(open_page: OpenPage) -> None:
    page = open_page("/?q=application:billing")
    ticks = page.locator("input.tick")
    bulk = page.locator("#bulk")
    expect(bulk).to_be_hidden()
    ticks.nth(1).click()
    ticks.nth(4).click(modifiers=["Shift"])
    expect(bulk.locator(".chosen")).to_have_text("4 chosen")
    page.keyboard.press("j")
    page.locator("a.open").nth(6).focus()
    page.keyboard.press("x")
    expect(bulk.locator(".chosen")).to_have_text("5 chosen")
    page.keyboard.press("Shift+ArrowDown")
    expect(bulk.locator(".chosen")).to_have_text("6 chosen")
    page.get_by_role("link", name="Next").click()
    page.wait_for_url("**cursor=**")
    page.locator("input.tick").nth(0).click()
    expect(bulk.locator(".chosen")).to_have_text("7 chosen, 6 of them on other pages")
    page.get_by_role("button", name="Tags…").click()
    expect(page.get_by_role("heading", name="Change the tags of 7 messages?")).to_be_visible()
    page.get_by_role("link", name="Do nothing").click()
    page.get_by_role("button", name="Choose none").click()
    expect(bulk).to_be_hidden()


def test_all_that_match_are_tagged_and_the_work_is_watched(open_page: OpenPage) -> None:
    page = open_page("/?q=tag:reminder")
    found = subjects(page)
    page.locator("input.tick").first.click()
    page.get_by_label("All that match").check()
    page.get_by_role("button", name="Tags…").click()
    page.get_by_label("Put on").fill("looked-at")
    page.get_by_role("button", name="Tags: ").click()
    expect(page.get_by_role("status").first).to_contain_text("finished")
    expect(page.get_by_role("status").first).to_contain_text("tagged")
    page.goto("/?q=tag:looked-at")
    assert subjects(page) == found


def test_the_filter_bar_says_the_same_as_the_search(open_page: OpenPage) -> None:
    page = open_page("/?q=overdue", script=False)
    page.get_by_text("Filter", exact=True).click()
    page.get_by_label("Status", exact=True).select_option("failed")
    page.get_by_label("Sent", exact=True).select_option("30d")
    page.get_by_role("button", name="Show").click()
    expect(page.get_by_label("Search messages")).to_have_value("overdue status:failed after:30d")
    expect(page.get_by_label("Status", exact=True)).to_have_value("failed")
    expect(page.get_by_label("Anything else")).to_have_value("overdue")
    page.get_by_role("link", name="Clear", exact=True).click()
    expect(page).to_have_url(re.compile(r"/\?q=$"))


def test_a_day_is_jumped_to(open_page: OpenPage) -> None:
    page = open_page("/?q=", script=False)
    page.get_by_label("How the list looks").click()
    page.get_by_label("Jump to day").fill("2020-01-01")
    page.get_by_role("button", name="Jump").click()
    expect(page.get_by_role("heading", name="No more messages")).to_be_visible()


def test_a_view_is_saved_begun_with_and_removed(open_page: OpenPage) -> None:
    page = open_page("/?q=status:failed&sort=subject")
    page.get_by_text("Views", exact=True).click()
    page.get_by_label("Save this view as").fill("What failed")
    page.get_by_label("begin with it").check()
    page.get_by_role("button", name="Save").click()
    expect(page.locator(".views > summary")).to_have_text("What failed")
    page.goto("/")
    expect(page).to_have_url(re.compile(r"q=status(:|%3A)failed&sort=subject"))
    page.goto("/views")
    page.get_by_label("Name").fill("Failures")
    page.get_by_role("button", name="Save").nth(1).click()
    page.goto("/?q=")
    page.get_by_text("Views", exact=True).click()
    page.get_by_role("link", name="Failures").click()
    expect(page.locator(".views > summary")).to_have_text("Failures")
    page.goto("/views")
    page.get_by_role("button", name="Remove").click()
    expect(page.get_by_text("There is no view yet.")).to_be_visible()
    page.goto("/")
    expect(page.locator("a.open").first).to_be_visible()


def test_columns_are_chosen_ordered_and_widened(open_page: OpenPage) -> None:
    page = open_page("/columns", script=False)
    page.get_by_label("Sender", exact=True).uncheck()
    page.get_by_label("Application", exact=True).check()
    page.get_by_label("Place of Application").fill("1")
    page.get_by_label("Place of To").fill("2")
    page.get_by_label("Width of To").fill("200")
    page.get_by_role("button", name="Save").click()
    headings = [one.strip() for one in page.locator("th[data-column]").all_inner_texts()]
    assert headings[:2] == ["Application", "To"]
    assert "Sender" not in headings
    page = open_page("/?q=")
    grip = page.get_by_role("separator", name="To")
    assert round(page.locator("th.c-to").evaluate("it => it.offsetWidth")) == 200
    with page.expect_response("**/columns"):
        grip.press("ArrowRight")
    page.reload()
    assert round(page.locator("th.c-to").evaluate("it => it.offsetWidth")) == 216
    page.goto("/columns")
    page.get_by_role("button", name="As at first").click()
    page.goto("/?q=")
    expect(page.get_by_role("columnheader", name="Sender")).to_be_visible()


def test_each_recipient_has_a_row_and_a_mailing_is_one(open_page: OpenPage) -> None:
    page = open_page("/?q=EST-2207", script=False)
    page.get_by_label("How the list looks").click()
    page.get_by_role("link", name="recipient", exact=True).click()
    expect(page.locator("table.grid tbody tr")).to_have_count(3)
    expect(row(page, "Tom Brandt").locator(".status")).to_have_count(1)
    page.goto("/?q=status:failed+EST-2207&rows=recipients")
    expect(page.locator("table.grid tbody tr")).to_have_count(1)
    page.goto("/?rows=mailings")
    mailing = page.locator("table.grid tbody tr", has_text="messages").first
    name = mailing.locator("a.open").inner_text()
    mailing.locator("a.open").click()
    expect(page.get_by_role("heading", level=1)).to_have_text(name)
    page.get_by_role("link", name="Its messages").click()
    assert len(subjects(page)) > 1


def test_nothing_moves_while_somebody_points_at_a_row(open_page: OpenPage, shop: Shop) -> None:
    page = open_page("/")
    expect(page.locator(".live")).to_have_attribute("data-state", "on")
    page.locator("table.grid tbody tr").nth(2).hover()
    before = page.locator("table.grid tbody tr").nth(2).bounding_box()
    send(shop, "Pointing at a row")
    expect(page.get_by_role("button", name="1 new message")).to_be_visible()
    assert page.locator("table.grid tbody tr").nth(2).bounding_box() == before


@pytest.mark.parametrize("path", ["/?q=", "/?q=&rows=mailings", "/?q=&rows=recipients", "/columns", "/views", "/tasks"])
def test_nothing_is_wider_than_a_phone(open_page: OpenPage, path: str) -> None:
    page = open_page(path, width=390, height=800)
    assert wide(page) <= 390


def wide(page: Page) -> int:
    return int(page.evaluate("document.documentElement.scrollWidth"))
