"""The suppression list in a browser: on a phone, without JavaScript, and with a file chosen."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import OpenPage

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]


def test_an_address_is_added_found_and_removed_without_javascript(open_page: OpenPage) -> None:
    page = open_page("/suppressions", script=False, width=390, height=844)
    page.get_by_text("Add an address").click()
    page.get_by_label("Address", exact=True).fill("jane@phone.example")
    page.get_by_label("Why (for those who ask later)").fill("asked by phone")
    page.get_by_role("button", name="Add", exact=True).click()
    expect(page.get_by_role("status").first).to_contain_text("Nothing is sent to jane@phone.example any more")
    page.get_by_label("Search", exact=True).fill("PHONE.example")
    page.get_by_role("button", name="Filter").click()
    row = page.locator("table.entries tbody tr")
    expect(row).to_have_count(1)
    expect(page.locator("table.entries thead")).not_to_be_in_viewport(ratio=0.5)
    assert page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth") <= 0
    row.get_by_role("link", name="jane@phone.example").click()
    page.get_by_label("Why (kept in the journal)").fill("wrote to us")
    page.get_by_role("button", name="Remove from the list").click()
    expect(page.get_by_role("status").first).to_contain_text("jane@phone.example is off the list")


def test_a_chosen_file_is_shown_before_it_is_sent_and_its_wrong_lines_are_named(
    open_page: OpenPage, tmp_path: Path
) -> None:
    file = tmp_path / "list.csv"
    file.write_text("address,reason\nann@file.example,fine\n<img src=x>\n")
    page = open_page("/suppressions/import")
    page.get_by_label("A file").set_input_files(file)
    expect(page.locator("#read")).to_have_text("list.csv: 3 lines read")
    expect(page.get_by_label("Its lines")).to_have_value(file.read_text())
    page.get_by_role("button", name="Import").click()
    expect(page.get_by_role("alert")).to_contain_text("line 3: '<img src=x>' is not an address")
    page.get_by_label("Leave out lines that are wrong").check()
    page.get_by_role("button", name="Import").click()
    expect(page.get_by_role("status").first).to_contain_text("1 added. 1 line was left out.")
    expect(page.get_by_role("link", name="ann@file.example")).to_be_visible()
    assert page.locator("img[src=x]").count() == 0
