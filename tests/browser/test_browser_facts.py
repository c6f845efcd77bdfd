"""Deleting, tags, the audit history, settings and alerts in a browser, also on a phone and without JavaScript."""

from __future__ import annotations

import os
import smtplib
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import OpenPage, Shop

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]
PICTURES = os.environ.get("MAILWITNESS_PICTURES")


def fits(page: Page) -> bool:
    return bool(page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth <= 0"))


def pictured(page: Page, name: str) -> None:
    """A picture to look at, where a folder for them is named."""
    if PICTURES:
        page.screenshot(path=Path(PICTURES) / f"{name}.png", full_page=True)


def test_a_content_is_deleted_with_a_reason_and_the_audit_history_tells_of_it(
    shop: Shop, find: Callable[..., Page], open_page: OpenPage
) -> None:
    with smtplib.SMTP("127.0.0.1", shop.server.smtp_port) as smtp:
        smtp.sendmail("shop@example.com", ["zoe@private.example"], "Subject: Zanzibar offer\r\n\r\nDear Zoe\r\n")
    look = open_page("/?q=zanzibar")
    while not look.locator("a.open").count():
        look.reload()
    page = find("zanzibar", script=False, width=390, height=844)
    page.get_by_role("link", name="Delete").click()
    expect(page.get_by_role("heading", name="Delete this content for good?")).to_be_visible()
    assert fits(page)
    pictured(page, "delete-390")
    page.get_by_label("Reason, for those who ask later").fill("the customer asked for it")
    page.get_by_role("button", name="Delete for good").click()
    expect(page.get_by_role("heading", name="The content of this message was deleted")).to_be_visible()
    expect(page.get_by_text("the customer asked for it").first).to_be_visible()
    assert fits(page)
    pictured(page, "deleted-390")
    address = page.url
    pictured(open_page("/" + address.split("/", 3)[3], dark=True), "deleted-1280-dark")
    history = open_page("/audit?kind=deletions")
    expect(history.locator(".deeds li").first).to_contain_text("ann deleted the content of a message")
    history.get_by_role("link", name="the message").first.click()
    assert history.url == address


def test_a_person_is_erased_after_a_look_on_a_phone_and_by_keyboard(shop: Shop, open_page: OpenPage) -> None:
    address = "vera@forgotten.example"
    content = f"From: shop@example.com\r\nTo: {address}\r\nSubject: Xylophone %s\r\n\r\nDear Vera\r\n"
    with smtplib.SMTP("127.0.0.1", shop.server.smtp_port) as smtp:
        for subject in ("offer", "contract"):
            smtp.sendmail("shop@example.com", [address], (content % subject).encode())
    look = open_page("/?q=xylophone status:sent")
    while look.locator("a.open").count() < 2:
        look.reload()
    page = open_page("/holds", script=False, width=390, height=844)
    page.get_by_label("The matter").fill("Case 12: contract")
    page.get_by_label("Put under it what this search finds").last.fill("xylophone contract")
    page.get_by_role("button", name="Begin the hold").click()
    page.goto("/erasures")
    assert fits(page)
    pictured(page, "erasures-390")
    page.get_by_label("Addresses of the person").fill(address)
    page.get_by_role("button", name="See what there is").click()
    expect(page.get_by_text("1 message has to stay as it is")).to_be_visible()
    expect(page.get_by_role("link", name="Case 12: contract").first).to_be_visible()
    assert fits(page)
    pictured(page, "erasure-look-390")
    found = open_page("/" + page.url.split("/", 3)[3])
    pictured(found, "erasure-look-1280")
    assert address not in found.url
    found.get_by_label("Reason, for those who ask later").focus()
    found.keyboard.type("asked in writing")
    for _ in range(2):
        found.keyboard.press("Tab")
    found.keyboard.press("Enter")
    expect(found.get_by_text("a person whose address is not kept")).to_be_visible(timeout=20_000)
    expect(found.locator("main")).to_contain_text("Done.")
    expect(found.locator("main")).not_to_contain_text(address)
    pictured(found, "erasure-1280")
    page.goto("/erasures?all=1")
    expect(page.locator("main")).to_contain_text("Taken out of 1 message. 1 had to stay as it is.")
    assert fits(page)
    pictured(page, "erasures-all-390")


def test_tags_are_put_on_and_found(find: Callable[..., Page], open_page: OpenPage) -> None:
    page = find("INV-10482", script=False)
    page.get_by_label("Change tags").click()
    page.get_by_label("Put on").fill("dispute")
    page.get_by_role("button", name="Change", exact=True).click()
    expect(page.get_by_role("link", name="dispute")).to_be_visible()
    page.get_by_role("link", name="dispute").click()
    expect(page.locator("a.open").first).to_be_visible()


def test_a_reference_is_tried_before_it_is_kept_and_the_file_s_own_are_locked(open_page: OpenPage) -> None:
    page = open_page("/settings/references", width=390, height=844)
    expect(page.get_by_role("row", name="quote")).to_contain_text("in the file")
    page.get_by_label("Name", exact=True).fill("ticket")
    page.get_by_label("Pattern", exact=True).fill(r"TCK-(\d+)")
    page.get_by_label("Sample text to try it on").fill("about TCK-4711")
    page.get_by_role("button", name="Try on the sample").click()
    expect(page.get_by_role("status").first).to_contain_text("4711")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("row", name="ticket")).to_be_visible()
    assert fits(page)
    pictured(page, "references-390")
    page.get_by_label("Name", exact=True).fill("quote")
    page.get_by_label("Pattern", exact=True).fill("X")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("alert")).to_contain_text("stands in the file, which wins")
    settings = open_page("/settings")
    expect(settings.get_by_role("row", name="reference[2].pattern")).to_contain_text("changed here")
    expect(settings.get_by_role("row", name="reference[1].pattern")).to_contain_text("config.toml")
    pictured(settings, "settings-1280")
    pictured(open_page("/settings?all=1", width=390, height=844, dark=True), "settings-390-dark")


def test_an_application_s_switches_are_set_and_a_rule_is_added(open_page: OpenPage) -> None:
    page = open_page("/applications/settings?application=staging")
    page.get_by_role("group", name="Clicks").get_by_label("on", exact=True).check()
    pictured(page, "application-1280")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("status").first).to_contain_text("It holds for the next message")
    alerts = open_page("/alerts", width=390, height=844)
    alerts.get_by_label("Name", exact=True).fill("bounces")
    alerts.get_by_role("button", name="Save").click()
    expect(alerts.get_by_role("row", name="bounces")).to_contain_text("over 5 % in 1h")
    assert fits(alerts)
    pictured(alerts, "alerts-390")
    pictured(open_page("/alerts", dark=True), "alerts-1280-dark")
    audit = open_page("/audit", width=390, height=844)
    expect(audit.locator(".deeds li").first).to_contain_text("ann changed alert.bounces from nothing")
    assert fits(audit)
    pictured(audit, "audit-390")
    pictured(open_page("/audit"), "audit-1280")
    pictured(open_page("/deletions"), "deletions-1280")
