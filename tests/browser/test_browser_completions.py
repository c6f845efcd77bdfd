"""Completions under the search box, by keyboard alone, as WAI-ARIA's combobox has it."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import OpenPage

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]


def box(page: Page):
    return page.get_by_role("combobox", name="Search messages")


def options(page: Page):
    return page.get_by_role("listbox", name="Completions").get_by_role("option")


def test_completions_are_chosen_by_the_arrows_and_taken_by_enter(open_page: OpenPage) -> None:
    page = open_page("/")
    page.keyboard.press("/")
    expect(box(page)).to_have_attribute("aria-expanded", "false")
    page.keyboard.type("overdue sta")
    expect(options(page).first).to_have_text("status:")
    expect(box(page)).to_have_attribute("aria-expanded", "true")
    expect(options(page).first).to_have_attribute("aria-selected", "false")
    page.keyboard.press("ArrowDown")
    expect(options(page).first).to_have_attribute("aria-selected", "true")
    chosen = options(page).first.get_attribute("id")
    assert chosen is not None
    expect(box(page)).to_have_attribute("aria-activedescendant", chosen)
    page.keyboard.press("Enter")
    expect(box(page)).to_have_value("overdue status:")
    expect(box(page)).to_be_focused()

    page.keyboard.type("fa")
    expect(options(page)).to_have_text(["status:failed"])
    page.keyboard.press("ArrowUp")
    expect(options(page).last).to_have_attribute("aria-selected", "true")
    page.keyboard.press("Tab")
    expect(box(page)).to_have_value("overdue status:failed ")
    expect(page.get_by_role("listbox")).to_have_count(0)
    page.keyboard.press("Enter")
    page.wait_for_url("**/?q=overdue+status%3Afailed*")
    expect(page.locator("a.open")).to_have_text(["Reminder: INV-10391 is overdue"])


def test_escape_puts_the_completions_away_and_leaves_what_was_typed(open_page: OpenPage) -> None:
    page = open_page("/")
    box(page).focus()
    page.keyboard.type("tag:bil")
    expect(options(page).first).to_have_text("tag:billing")
    page.keyboard.press("Escape")
    expect(page.get_by_role("listbox")).to_have_count(0)
    expect(box(page)).to_have_value("tag:bil")
    expect(box(page)).to_have_attribute("aria-expanded", "false")


def test_arrows_past_the_ends_come_back_to_what_was_typed(open_page: OpenPage) -> None:
    page = open_page("/")
    box(page).focus()
    page.keyboard.type("status:fa")
    expect(options(page)).to_have_count(1)
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    expect(options(page).first).to_have_attribute("aria-selected", "false")
    assert box(page).get_attribute("aria-activedescendant") is None
    page.keyboard.press("Enter")
    page.wait_for_url("**/?q=status%3Afa*")


def test_a_completion_is_taken_with_the_mouse_without_leaving_the_box(open_page: OpenPage) -> None:
    page = open_page("/")
    box(page).focus()
    page.keyboard.type("status:fa")
    expect(options(page)).to_have_text(["status:failed"])
    options(page).first.click()
    expect(box(page)).to_have_value("status:failed ")
    expect(box(page)).to_be_focused()
