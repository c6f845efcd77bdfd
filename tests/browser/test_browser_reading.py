"""The views of one message in a real browser: widths, the dark, explained fields, attachments, paper, the palette.

A message made to break out of them is opened in each: no script runs, no request leaves.
"""

from __future__ import annotations

import re
import smtplib
from collections.abc import Callable, Iterator
from email.message import EmailMessage

import pytest
from playwright.sync_api import Browser, Page, Route, StorageState, expect

from tests.browser.conftest import OpenPage, Shop
from tests.browser.samples import LETTERS, png
from tests.browser.settling import settle

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]

Find = Callable[..., Page]
VECTORS = (LETTERS / "vectors.html").read_text()
SVG = '<svg xmlns="http://www.w3.org/2000/svg" onload="top.owned=1"><script>top.owned=1</script></svg>'
CALENDAR = (
    "BEGIN:VCALENDAR\r\nMETHOD:REQUEST\r\nBEGIN:VEVENT\r\nDTSTART:20261124T140000Z\r\n"
    "SUMMARY:<img src=x onerror=top.owned=1>\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
)


def test_the_preview_is_as_wide_as_a_phone_or_a_desk_without_javascript(find: Find) -> None:
    page = find("INV-10482", script=False)
    for name, width in (("Phone", 375), ("Tablet", 768), ("Desktop", 1024)):
        page.get_by_role("link", name=name).click()
        expect(page.get_by_role("link", name=name)).to_have_attribute("aria-current", "true")
        box = page.locator("iframe").bounding_box()
        assert box is not None
        assert abs(box["width"] - width) <= 2
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_a_message_that_knows_nothing_of_the_dark_says_so(find: Find) -> None:
    page = find("INV-10482")
    page.get_by_role("link", name="Dark").click()
    expect(page.get_by_text("says nothing about the dark")).to_be_visible()
    expect(page.frame_locator("iframe").get_by_text("Pay this invoice")).to_be_visible()


def test_fields_are_explained_and_filtered_without_javascript(find: Find) -> None:
    page = find("INV-10482", tab="headers", script=False)
    expect(page.get_by_text("The line shown in lists.")).to_be_visible()
    page.get_by_label("Filter the header fields").fill("message-id")
    page.get_by_role("button", name="Filter").click()
    expect(page.locator("#headers tr")).to_have_count(1)


def test_the_palette_does_what_the_page_can_do_and_finds_messages(find: Find) -> None:
    page = find("INV-10482")
    page.keyboard.press("Control+k")
    box = page.get_by_role("combobox", name="Do something")
    expect(box).to_be_focused()
    box.fill("headers")
    expect(page.get_by_role("option").first).to_have_text("Headers")
    page.keyboard.press("Enter")
    page.wait_for_url("**tab=headers**")
    page.get_by_role("button", name="Find and do").click()
    box.fill("EST-2207")
    found = page.locator("dialog.palette [role=option]", has=page.locator(".muted"))
    expect(found.first).to_be_visible()
    found.first.click()
    page.wait_for_url(re.compile(r"/messages/[0-9A-Z]{26}$"))


def test_the_sheet_of_keys_opens_by_key_and_by_menu(find: Find) -> None:
    page = find("INV-10482")
    page.keyboard.press("?")
    expect(page.get_by_role("heading", name="Keys")).to_be_visible()
    page.keyboard.press("Escape")
    page.get_by_label("Account menu").click()
    page.get_by_role("button", name="Keys").click()
    expect(page.get_by_role("heading", name="Keys")).to_be_visible()


def test_paper_has_the_facts_and_the_way_back(find: Find) -> None:
    page = find("INV-10482")
    page.get_by_role("link", name="Print view").click()
    page.wait_for_url("**/print?message=*")
    expect(page.locator("article")).to_have_count(1)
    expect(page.get_by_role("rowheader", name="SHA-256")).to_be_visible()
    expect(page.get_by_text("Pay this invoice")).to_be_visible()
    page.emulate_media(media="print")
    expect(page.locator(".tools")).to_be_hidden()
    page.emulate_media(media="screen")
    page.get_by_role("link", name="Back").click()
    page.wait_for_url("**/messages/*")


@pytest.fixture
def hostile(
    shop: Shop, browser: Browser, cookies: StorageState, open_page: OpenPage
) -> Iterator[tuple[Page, str, list[str]]]:
    """A page, the address of a message that is hostile in every part, and what was asked of other hosts."""
    mail = EmailMessage()
    mail["From"], mail["To"] = '"<img src=x onerror=top.owned=1>" <m@evil.example>', "ann@example.com"
    mail["Subject"] = "Hostile reading <script>top.owned=1</script>"
    mail["Authentication-Results"] = "<svg onload=top.owned=1>; spf=pass"
    mail["List-Unsubscribe"] = "<javascript:top.owned=1>"
    mail.set_content("plain")
    mail.add_alternative(VECTORS, subtype="html")
    mail.add_attachment(VECTORS.encode(), "text", "html", filename="page.html")
    mail.add_attachment(SVG.encode(), "image", "svg+xml", filename='"><script>top.owned=1</script>.svg')
    mail.add_attachment(CALENDAR.encode(), "text", "calendar", filename="e.ics")
    mail.add_attachment(png(1, 2, 3), "image", "png", filename="fine.png")
    waiting = open_page('/?q="hostile reading"')
    if waiting.locator("tr[data-id]").count() == 0:
        with smtplib.SMTP("127.0.0.1", shop.server.smtp_port) as smtp:
            smtp.send_message(mail)
    expect(waiting.locator("tr[data-id]").first).to_be_visible()
    address = f"/messages/{waiting.locator('tr[data-id]').first.get_attribute('data-id')}"
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
    yield context.new_page(), address, asked
    context.close()


def test_nothing_gets_out_of_any_view_of_a_hostile_message(hostile: tuple[Page, str, list[str]], shop: Shop) -> None:
    page, address, asked = hostile
    tabs = ("preview", "preview&scheme=dark&width=phone", "text", "event", "headers", "attachments", "smtp", "related")
    views = [f"{address}?tab={tab}" for tab in tabs]
    views += [f"{address}/parts/{number}" for number in range(3, 8)]
    views += [f"{address}/parts/4/preview", f"/print?message={address.rsplit('/', 1)[1]}", f"{address}/resend"]
    for view in views:
        page.goto(view)
        settle(page)
        assert page.evaluate("window.owned") is None, view
        assert page.url.startswith(shop.url), view
    assert asked == []


def test_nothing_gets_out_of_the_look_at_an_edited_copy(hostile: tuple[Page, str, list[str]]) -> None:
    page, address, asked = hostile
    page.goto(f"{address}/resend")
    page.get_by_label("Edited").check()
    page.get_by_label("HTML").fill(VECTORS + "<p>edited</p>")
    page.get_by_role("button", name="Look at it before sending").click()
    expect(page.frame_locator("iframe").get_by_text("edited")).to_be_visible()
    settle(page)
    assert page.evaluate("window.owned") is None
    assert asked == []


def test_remote_pictures_are_asked_for_by_who_wants_them_and_nothing_else_is(
    hostile: tuple[Page, str, list[str]],
) -> None:
    page, address, asked = hostile
    page.goto(f"{address}?tab=preview&images=1")
    settle(page)
    assert page.evaluate("window.owned") is None
    assert all(one.startswith("https://") for one in asked)
