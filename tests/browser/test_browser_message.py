"""One message in a real browser: its tabs, its envelope, what became of it, and sending it again."""

from __future__ import annotations

import hashlib
import re
import smtplib
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import OpenPage, Shop

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]

Find = Callable[..., Page]


def test_every_tab_shows_its_view(find: Find) -> None:
    page = find("INV-10482")
    frame = page.frame_locator("iframe")
    expect(frame.get_by_text("Your invoice INV-10482 is attached.")).to_be_visible()
    expect(page.get_by_text("1 remote image not loaded")).to_be_visible()
    for tab, text in (
        ("Text", "Northwind Trading"),
        ("Headers", "billing@shop.example.com"),
        ("Structure", "multipart/alternative"),
        ("Source", "Content-Transfer-Encoding: base64"),
        ("Attachments", "INV-10482.pdf"),
    ):
        page.get_by_role("navigation", name="Views of the content").get_by_role("link", name=tab).click()
        expect(page.locator(".pane")).to_contain_text(text)


def test_the_picture_that_came_with_the_message_is_seen(find: Find) -> None:
    picture = find("INV-10482").frame_locator("iframe").get_by_alt_text("Northwind")
    assert picture.evaluate("image => image.naturalWidth") == 120


def test_header_fields_can_be_filtered_and_seen_raw(find: Find) -> None:
    page = find("INV-10482", tab="headers")
    page.get_by_label("Filter the header fields").fill("subject")
    expect(page.locator("#headers tr:visible")).to_have_count(1)
    page.get_by_role("link", name="Raw").click()
    expect(page.locator("#headers pre").first).to_be_visible()


def test_an_attachment_is_downloaded_as_it_was_attached(find: Find) -> None:
    page = find("INV-10482", tab="attachments")
    with page.expect_download() as download:
        page.get_by_role("link", name="Download terms.txt").click()
    assert Path(download.value.path()).read_bytes() == b"Payable within 14 days.\r\n"


def test_the_original_is_downloaded_octet_for_octet(find: Find) -> None:
    page = find("INV-10482")
    with page.expect_download() as download:
        page.get_by_role("link", name="Original .eml").click()
    shown = page.locator(".hash").inner_text().strip()
    assert hashlib.sha256(Path(download.value.path()).read_bytes()).hexdigest() == shown


def test_each_recipient_has_a_timeline_with_the_whole_reply_and_its_grade(find: Find) -> None:
    page = find("EST-2207")
    refused = page.locator(".recipient", has_text="office@brandt-bau.example")
    expect(refused.locator(".reply")).to_have_text(
        re.compile(
            "550 5.1.1 The email account that you tried to reach does not exist.\nPlease check for typing errors."
        )
    )
    expect(refused.locator(".grade").last).to_have_text("B")
    expect(page.get_by_role("link", name="Copy as sent").first).to_be_visible()


def test_opening_a_message_is_recorded_once(find: Find) -> None:
    page = find("EST-2207")
    page.reload()
    page.reload()
    expect(page.locator("section", has_text="Who handled it").locator("li", has_text="Viewed")).to_have_count(1)


def test_a_message_without_subject_or_header_is_shown_like_any_other(find: Find) -> None:
    page = find("garbage", tab="source")
    expect(page.get_by_role("heading", name="(no subject)")).to_be_visible()
    expect(page.locator("pre.source")).to_contain_text("\\xff\\xfe\\x00 and more\\x0dof it")
    expect(page.get_by_text("bare CR, bare LF, NUL", exact=False).first).to_be_visible()


def test_an_exact_resend_to_another_recipient_sends_the_same_octets(find: Find, shop: Shop) -> None:
    page = find("88123 way")
    page.keyboard.press("r")
    page.wait_for_url("**/resend")
    expect(page.get_by_text("has already taken this message")).to_be_visible()
    page.get_by_role("checkbox").uncheck()
    page.get_by_label("Other recipients").fill("second.copy@example.net")
    page.get_by_role("button", name="Send again").click()
    page.wait_for_url(re.compile(r"/messages/[0-9A-Z]{26}$"))
    expect(page.get_by_text("Queued again for 1 recipient.")).to_be_visible()
    copy = page.locator(".recipient", has_text="second.copy@example.net")
    expect(copy.locator("summary .status")).to_have_text("Sent")
    sent = [one for one in shop.provider.messages if one.recipients == ("<second.copy@example.net>",)]
    assert len(sent) == 1
    assert b"Subject: Your order 88123 is on its way" in sent[0].content


def test_an_edited_resend_is_a_new_message_linked_with_the_old_one(find: Find, shop: Shop) -> None:
    page = find("password -edited")
    page.get_by_role("link", name="Send again").click()
    page.get_by_label("Edited").check()
    page.get_by_label("Subject").fill("Reset your password, edited")
    page.get_by_label("Text", exact=True).fill("A new text.\n")
    page.get_by_role("button", name="Look at it before sending").click()
    expect(page.get_by_text("Nothing has been sent yet.")).to_be_visible()
    expect(page.locator(".body-text")).to_contain_text("A new text.")
    page.get_by_role("button", name="Send to 1 recipient").click()
    page.wait_for_url(re.compile(r"/messages/[0-9A-Z]{26}$"))
    expect(page.get_by_text("An edited copy of")).to_be_visible()
    _reload_until(page, lambda: page.get_by_role("heading", level=1).inner_text() == "Reset your password, edited")
    page.get_by_role("link", name="an earlier message").click()
    expect(page.get_by_text("Edited and sent again as")).to_be_visible()
    assert any(b"A new text." in one.content for one in shop.provider.messages)


def test_a_resend_that_cannot_be_done_says_why_and_keeps_what_was_typed(find: Find) -> None:
    page = find("INV-10455")
    page.goto(page.url.partition("?")[0] + "/resend")
    page.get_by_label("Other recipients").fill("not an address")
    page.get_by_role("button", name="Send again").click()
    expect(page.get_by_role("alert")).to_contain_text("is not an address")
    expect(page.get_by_label("Other recipients")).to_have_value("not an address")
    page.get_by_role("checkbox").uncheck()
    page.get_by_label("Other recipients").fill("")
    page.get_by_role("button", name="Send again").click()
    expect(page.get_by_role("alert")).to_contain_text("at least one recipient")


def test_an_administrator_adds_an_application_that_can_send_at_once(open_page: OpenPage, shop: Shop) -> None:
    page = open_page("/applications")
    page.get_by_label("Name").fill("till")
    page.get_by_role("button", name="Add").click()
    secret = page.locator("#secret").inner_text()
    with smtplib.SMTP("127.0.0.1", shop.server.smtp_port) as smtp:
        smtp.login("till", secret)


def test_an_administrator_adds_and_removes_a_user(open_page: OpenPage) -> None:
    page = open_page("/users")
    page.get_by_label("Name").fill("bob")
    page.get_by_label("First password").fill("another long password")
    page.get_by_role("button", name="Add").click()
    expect(page.get_by_text("bob may sign in now.")).to_be_visible()
    page.locator("tr", has_text="bob").get_by_text("Remove…").click()
    page.locator("tr", has_text="bob").get_by_role("button", name="Remove").click()
    expect(page.get_by_text("bob is removed.")).to_be_visible()


def test_a_token_is_shown_once_and_can_be_revoked(open_page: OpenPage) -> None:
    page = open_page("/account")
    page.get_by_label("What it is for").fill("nightly report")
    page.get_by_role("button", name="Make a token").click()
    secret = page.locator("#secret").inner_text()
    answer = page.request.get("/api/messages?limit=1", headers={"Authorization": f"Bearer {secret}", "Cookie": ""})
    assert answer.status == 200
    page.goto("/account")
    expect(page.locator("#secret")).to_have_count(0)
    page.locator("tr", has_text="nightly report").get_by_role("button", name="Revoke").click()
    expect(page.get_by_text("The token is revoked.")).to_be_visible()


def _reload_until(page: Page, is_so: Callable[[], bool]) -> None:
    """A message's page is not live: looks again, with a deadline."""
    deadline = time.monotonic() + 20
    while not is_so():
        assert time.monotonic() < deadline
        page.reload()
