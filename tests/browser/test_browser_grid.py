"""The grid in a real browser: listing, searching, sorting, paging, live arrival, keys."""

from __future__ import annotations

import re
import smtplib
from email.message import EmailMessage

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import OpenPage, Shop

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]


def send(shop: Shop, subject: str, to: str = "ann.keller@example.com") -> None:
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = "Northwind Billing <billing@shop.example.com>", to, subject
    mail.set_content("Hello.\n")
    with smtplib.SMTP("127.0.0.1", shop.server.smtp_port) as smtp:
        smtp.send_message(mail)


def subjects(page: Page) -> list[str]:
    return page.locator("a.open").all_inner_texts()


def row(page: Page, text: str):
    return page.locator("tbody tr", has_text=text)


def test_the_grid_shows_who_what_and_what_became_of_it(open_page: OpenPage) -> None:
    page = open_page("/?q=EST-2207")
    quote = row(page, "EST-2207")
    expect(quote.locator("td.to")).to_contain_text("Tom Brandt +2")
    expect(quote.locator("td.sender")).to_have_text("Clara Winter")
    expect(quote.locator("a.ref")).to_have_attribute("href", "https://erp.example.com/quotes/EST-2207")
    expect(quote.locator(".status")).to_have_text("1 failed, 2 sent")
    expect(quote.locator("time")).to_have_attribute("title", re.compile("UTC"))


def test_sent_is_explained_and_never_called_delivered(open_page: OpenPage) -> None:
    page = open_page("/?q=INV-10482")
    status = page.locator(".status").first
    expect(status).to_have_text("Sent")
    assert "says nothing of the recipient's mailbox" in (status.get_attribute("title") or "")
    assert "deliver" not in page.locator("table.grid").inner_text().lower()


def test_a_search_is_the_address_and_survives_a_reload(open_page: OpenPage) -> None:
    page = open_page("/")
    page.get_by_label("Search messages").fill("status:failed reminder")
    page.keyboard.press("Enter")
    page.wait_for_url("**/?q=status%3Afailed+reminder")
    page.reload()
    assert subjects(page) == ["Reminder: INV-10391 is overdue"]


def test_a_search_that_cannot_be_read_underlines_the_fault(open_page: OpenPage) -> None:
    page = open_page("/?q=from:ann (foo")
    expect(page.get_by_role("alert").locator("mark")).to_have_text("(")
    expect(page.get_by_role("alert")).to_contain_text("parenthesis")


def test_a_chip_filters_by_status_and_takes_the_search_along(open_page: OpenPage) -> None:
    page = open_page("/?q=invoice")
    page.get_by_role("navigation", name="Filter by status").get_by_role("link", name="Failed").click()
    expect(page.get_by_label("Search messages")).to_have_value("invoice status:failed")
    page.get_by_role("link", name="Failed").click()
    expect(page.get_by_label("Search messages")).to_have_value("invoice")


def test_columns_sort_both_ways(open_page: OpenPage) -> None:
    page = open_page("/?q=-overdue")
    page.get_by_role("columnheader", name="Subject").get_by_role("link").click()
    expect(page.get_by_role("columnheader", name="Subject")).to_have_attribute("aria-sort", "ascending")
    ascending = subjects(page)[:5]
    page.get_by_role("columnheader", name="Subject").get_by_role("link").click()
    expect(page.get_by_role("columnheader", name="Subject")).to_have_attribute("aria-sort", "descending")
    assert subjects(page)[:5] != ascending


def test_pages_go_forth_and_back_over_the_same_rows(open_page: OpenPage) -> None:
    page = open_page("/?q=application:billing")
    first = subjects(page)
    assert len(first) == 50
    page.get_by_role("link", name="Next").click()
    page.wait_for_url("**cursor=**")
    assert not set(subjects(page)) & set(first)
    page.get_by_role("link", name="Previous").click()
    page.wait_for_load_state()
    assert subjects(page) == first


def test_a_new_message_appears_without_reloading_and_its_status_changes_in_place(
    open_page: OpenPage, shop: Shop
) -> None:
    page = open_page("/?q=live-one")
    expect(page.locator(".live")).to_have_attribute("data-state", "on")
    send(shop, "Live-one arrives")
    arrived = row(page, "Live-one arrives")
    expect(arrived).to_be_visible()
    expect(arrived.locator(".status")).to_have_text("Sent")
    expect(page.locator(".empty")).to_have_count(0)


def test_new_messages_do_not_move_what_one_is_reading(open_page: OpenPage, shop: Shop) -> None:
    page = open_page("/")
    expect(page.locator(".live")).to_have_attribute("data-state", "on")
    page.mouse.wheel(0, 600)
    page.wait_for_function("window.scrollY > 300")
    before = page.locator("tbody tr").nth(25).bounding_box()
    send(shop, "Two while reading")
    button = page.get_by_role("button", name="1 new message")
    expect(button).to_be_visible()
    assert page.locator("tbody tr").nth(25).bounding_box() == before
    button.click()
    expect(row(page, "Two while reading")).to_be_in_viewport()


def test_the_keyboard_alone_searches_opens_and_comes_back(open_page: OpenPage) -> None:
    page = open_page("/")
    page.keyboard.press("/")
    page.keyboard.type("application:billing")
    page.keyboard.press("Enter")
    page.wait_for_url("**q=application**")
    page.keyboard.press("j")
    page.keyboard.press("j")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("k")
    expect(page.locator("a.open").nth(1)).to_be_focused()
    page.keyboard.press("Enter")
    page.wait_for_url("**open=**")
    page.keyboard.press("Enter")
    page.wait_for_url("**/messages/**")
    page.keyboard.press("2")
    page.wait_for_url("**tab=headers**")
    with page.expect_navigation():
        page.keyboard.press("n")
    page.keyboard.press("u")
    page.wait_for_url("**/?q=application%3Abilling")
    page.keyboard.press("?")
    expect(page.get_by_role("dialog")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)


def test_an_export_shows_its_progress_and_is_fetched(open_page: OpenPage) -> None:
    page = open_page("/?q=tag:reminder")
    page.get_by_role("button", name="Export", exact=True).click()
    page.get_by_label("ZIP of .eml files").check()
    page.get_by_role("button", name="Export: ").click()
    page.wait_for_url("**/exports/**")
    expect(page.get_by_role("status").first).to_contain_text("finished")
    with page.expect_download() as download:
        page.get_by_role("link", name="Download").click()
    assert download.value.suggested_filename.endswith(".zip")
