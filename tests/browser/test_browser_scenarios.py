"""Eight days at work, each from the question to the answer: what people do with the log, in a real browser."""

from __future__ import annotations

import csv
import io
import re
import time
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser import showroom
from tests.browser.conftest import OpenPage, Shop

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("showroom")]


@pytest.fixture(scope="module")
def shop(furnished_shop: Shop) -> Shop:
    return furnished_shop


@pytest.fixture(scope="module", autouse=True)
def furnished(names: dict[str, str]) -> dict[str, str]:
    return names


SignIn = Callable[[str], Page]


@pytest.fixture
def sign_in(shop: Shop, browser: Browser) -> Iterator[SignIn]:
    """`sign_in("dora")`: a page of hers, in a browser of her own."""
    contexts = []

    def sign_in_as(name: str) -> Page:
        context = browser.new_context(base_url=shop.url, viewport={"width": 1280, "height": 800})
        context.set_default_timeout(10_000)
        contexts.append(context)
        page = context.new_page()
        page.goto("/sign-in")
        page.get_by_label("Name").fill(name)
        page.get_by_label("Password").fill(showroom.PASSWORD)
        page.keyboard.press("Enter")
        page.wait_for_url(f"{shop.url}/")
        return page

    yield sign_in_as
    for context in contexts:
        context.close()


def search(page: Page, q: str) -> None:
    """By keyboard."""
    page.keyboard.press("/")
    page.keyboard.type(q)
    page.keyboard.press("Enter")
    page.wait_for_url("**q=**")


def wait_for_figures(page: Page, name: str) -> None:
    """Sums are kept behind the mail: until the row of that name is there and nothing is being counted."""
    row, counting = page.get_by_role("row", name=name), page.get_by_text("still being counted")
    reload_until(page, lambda: row.count() > 0 and not counting.count())


def wait_until_indexed(page: Page) -> None:
    """A message just kept is found by its words a moment later."""
    reload_until(page, lambda: page.locator("table.grid .status").count() > 0)


def reload_until(page: Page, is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not is_so():
        assert time.monotonic() < deadline, page.locator("main").inner_text()
        page.reload()


def test_an_invoice_dispute_is_settled_by_keyboard(open_page: OpenPage, shop: Shop) -> None:
    """\"I never got my invoice": the provider's own words, the very copy, and once more to them, without a mouse."""
    page = open_page("/")
    search(page, "to:ann.keller ref:INV-10482")
    page.keyboard.press("j")
    expect(page.locator("a.open").first).to_be_focused()
    page.keyboard.press("Enter")
    panel = page.get_by_role("complementary")
    expect(panel.get_by_role("heading", level=2)).to_have_text("Invoice INV-10482 for your order")
    expect(panel.frame_locator("iframe").get_by_text("Pay this invoice")).to_be_visible()
    page.keyboard.press("Enter")
    page.wait_for_url("**/messages/**")
    became = page.get_by_role("region", name="What became of it")
    expect(became).to_contain_text("250 2.0.0 Ok 0107019a6f21c3")
    expect(became).to_contain_text("TLSv1.3")
    with page.expect_download() as download:
        became.get_by_role("link", name="Copy as sent").first.click()
    copy = Path(download.value.path()).read_bytes()
    assert copy.startswith(b"DKIM-Signature:")
    assert b"Subject: Invoice INV-10482 for your order\r\n" in copy
    page.keyboard.press("r")
    page.wait_for_url("**/resend")
    expect(page.get_by_text("already taken this message for 1 recipient")).to_be_visible()
    page.get_by_role("button", name="Send again").focus()
    page.keyboard.press("Enter")
    page.wait_for_url("**/messages/*")
    expect(page.get_by_role("status").first).to_be_visible()
    expect(page.get_by_role("region", name="What became of it").get_by_role("group")).to_have_count(2)


def test_a_finance_audit_takes_away_what_was_sent_and_changes_nothing(sign_in: SignIn, open_page: OpenPage) -> None:
    """An auditor takes all invoices of a quarter away as files, with a manifest; the house sees that she did."""
    page = sign_in("dora")
    page.get_by_text("Filter", exact=True).click()
    page.get_by_role("textbox", name="Application").fill("billing")
    page.get_by_role("textbox", name="Subject").fill("invoice")
    page.get_by_role("combobox", name="Sent").select_option("90d")
    page.get_by_role("button", name="Show").press("Enter")
    expect(page.get_by_label("Search messages")).to_have_value("subject:invoice application:billing after:90d")
    expect(page.locator(".count")).to_have_text("61 messages")
    page.get_by_role("button", name="Export", exact=True).click()
    page.get_by_label("ZIP of .eml files").check()
    page.get_by_role("button", name="Export: 61 messages").click()
    expect(page.get_by_role("status").first).to_contain_text("finished")
    with page.expect_download() as download:
        page.get_by_role("link", name="Download").click()
    files = zipfile.ZipFile(download.value.path()).namelist()
    assert sum(name.endswith(".eml") for name in files) == 61
    assert any("manifest" in name for name in files)
    page.goto("/?q=ref:INV-10370")
    page.get_by_label("How the list looks").click()
    page.get_by_role("link", name="Print view").click()
    expect(page.locator("body")).to_contain_text("your invoice INV-10370 is attached")
    page.go_back()
    page.locator("a.open").first.click()
    page.get_by_role("link", name="Whole page").click()
    expect(page.get_by_role("link", name="Original .eml")).to_be_visible()
    for name in ("Send again", "Delete"):
        expect(page.get_by_role("link", name=name)).to_have_count(0)
    assert page.request.get(page.url.partition("?")[0] + "/resend").status == 403
    seen = open_page("/audit?kind=exports")
    expect(seen.locator(".deeds li").first).to_contain_text("dora")


def test_a_quote_is_followed_up_and_sent_to_who_did_not_get_it(open_page: OpenPage, shop: Shop) -> None:
    """The customer's office never had the quote: why not; and the corrected one goes to the right address."""
    page = open_page("/?q=sender:clara ref:EST-2207")
    expect(page.locator("table.grid .status")).to_have_text("1 failed, 2 sent")
    expect(page.locator("a.ref")).to_have_attribute("href", "https://erp.example.com/quotes/EST-2207")
    page.locator("a.open").first.press("Enter")
    page.get_by_role("link", name="Whole page").click()
    expect(page.get_by_role("region", name="What became of it")).to_contain_text("does not exist")
    original = page.url
    page.get_by_role("link", name="Send again").click()
    for ticked in page.locator("input[name=recipient]:checked").all():
        ticked.uncheck()
    page.get_by_label("Other recipients").fill("buero@brandt-bau.example")
    page.get_by_label("Edited").check()
    page.get_by_label("Subject").fill("Quote EST-2207: office for 12 people, corrected")
    page.get_by_role("button", name="Look at it before sending").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("This is what will be sent")
    expect(page.locator("dl.people")).to_contain_text("buero@brandt-bau.example")
    page.get_by_role("button", name="Send to 1 recipient").click()
    expect(page.get_by_role("link", name="an earlier message")).to_be_visible()
    page.goto("/?q=corrected")
    wait_until_indexed(page)
    expect(page.locator("table.grid .status")).to_have_text("Sent")
    page.goto(original)
    expect(page.get_by_text("Edited and sent again as")).to_be_visible()


def test_two_templates_are_compared_and_the_difference_means_something(open_page: OpenPage) -> None:
    page = open_page("/reports/compare?period=30d")
    wait_for_figures(page, showroom.SPRING)
    for subject in (showroom.SPRING, showroom.WAITING):
        page.get_by_role("checkbox", name=subject).focus()
        page.keyboard.press("Space")
    page.get_by_role("button", name="Compare those chosen").press("Enter")
    expect(page.get_by_role("heading", name="Compared", exact=True)).to_be_visible()
    expect(page.locator(".said").first).to_contain_text(showroom.SPRING)
    row = page.get_by_role("row", name=showroom.WAITING).first
    expect(row).to_contain_text("30.0 %")
    row.get_by_role("link", name="30.0 %").first.click()
    expect(page.locator(".count")).to_have_text("12 messages")


def test_a_team_s_figures_lead_to_the_mail_behind_them_and_to_a_table(open_page: OpenPage) -> None:
    page = open_page("/reports/senders?period=30d")
    wait_for_figures(page, "ben.ode@shop.example.com")
    row = page.get_by_role("row", name="ben.ode@shop.example.com")
    expect(row).to_contain_text("100.0 %")
    with page.expect_download() as download:
        page.get_by_role("link", name="CSV").first.click()
    rows = list(csv.reader(io.StringIO(Path(download.value.path()).read_text("utf-8-sig"))))
    assert any("ben.ode@shop.example.com" in cell for line in rows for cell in line)
    row.get_by_role("link", name="100.0 %").first.click()
    expect(page.get_by_label("Search messages")).to_have_value(re.compile("ben.ode@shop.example.com"))
    expect(page.locator("table.grid tbody tr")).to_have_count(2)
    expect(page.locator("table.grid .status").first).to_have_text("Failed")


def test_bounces_are_reviewed_and_their_addresses_kept_from_more_mail(open_page: OpenPage) -> None:
    page = open_page("/reports/bounces?period=30d")
    wait_for_figures(page, "left.example")
    reasons = page.get_by_role("region", name=re.compile("reason", re.IGNORECASE))
    expect(reasons).to_contain_text("left.example")
    row = reasons.get_by_role("row", name="left.example").first
    row.get_by_role("button", name="Suppress those at").press("Enter")
    expect(page.get_by_role("heading", level=1)).to_contain_text("Send nothing more to")
    expect(page.locator("main")).to_contain_text(showroom.GONE[0])
    page.get_by_role("button", name="Suppress").press("Enter")
    page.goto("/suppressions?q=left.example")
    expect(page.locator("main")).to_contain_text(showroom.GONE[0])
    page.goto(f"/?q=recipient:{showroom.GONE[0]}")
    page.locator("a.open").first.click()
    page.get_by_role("link", name="Whole page").click()
    page.get_by_role("link", name="Send again").click()
    expect(page.locator("main")).to_contain_text("suppression list")


def test_on_a_phone_a_message_is_found_read_and_sent_again(open_page: OpenPage) -> None:
    page = open_page("/", width=390, height=844)
    page.get_by_label("Search messages").fill("reminder INV-10391")
    page.keyboard.press("Enter")
    page.locator("table.grid tbody tr").first.click()
    expect(page.locator(".panel")).to_be_visible()
    page.get_by_role("link", name="Whole page").click()
    page.get_by_role("link", name="What became of it").click()
    expect(page.get_by_role("region", name="What became of it")).to_be_in_viewport()
    page.get_by_role("navigation", name="Views of the content").get_by_role("link", name="Text").click()
    expect(page.get_by_role("region", name="Content")).to_contain_text("was due on 10 November")
    page.get_by_role("link", name="Send again").click()
    page.get_by_role("button", name="Send again").click()
    expect(page.get_by_role("status").first).to_be_visible()
    page.get_by_label("Account menu").click()
    page.get_by_role("link", name="Suppression list").click()
    page.wait_for_url("**/suppressions")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_a_content_is_deleted_and_everything_but_the_content_is_still_known(open_page: OpenPage) -> None:
    page = open_page("/?q=priya.n confirm")
    page.locator("a.open").first.press("Enter")
    page.get_by_role("link", name="Whole page").click()
    address = page.url.partition("?")[0]
    sha256 = page.locator("dt", has_text="SHA-256").locator("+ dd").inner_text().strip()
    page.get_by_role("link", name="Delete", exact=True).click()
    page.get_by_label("Reason, for those who ask later").fill("erasure asked for by the person, case 42")
    page.get_by_role("button", name="Delete for good").press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("The content of this message was deleted")
    expect(page.locator("main")).to_contain_text("case 42")
    expect(page.locator("main")).to_contain_text(sha256)
    expect(page.locator("main")).to_contain_text("priya.n@example.org")
    identifier = address.rsplit("/", 1)[1]
    assert page.request.get(f"/api/messages/{identifier}/content").status == 410
    page.goto("/?q=c0ffee")
    expect(page.locator("a.open")).to_have_count(0)
    page.goto("/?q=recipient:priya.n@example.org is:deleted")
    expect(page.locator("a.open")).to_have_count(1)
    page.goto("/audit?kind=deletions")
    newest = page.locator(".deeds li").first
    expect(newest).to_contain_text("ann deleted the content of a message")
    expect(newest).to_contain_text("case 42")
    newest.get_by_role("link", name="the message").click()
    page.wait_for_url(f"{address}*")
