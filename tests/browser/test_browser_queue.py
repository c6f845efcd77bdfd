"""The queue in a browser: actions on what waits, the pause, held messages decided in the list, what was reported."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import OpenPage

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]


def test_what_waits_is_tried_now_with_a_press_of_a_key_and_no_script(open_page: OpenPage) -> None:
    page = open_page("/queue?q=subject:confirm", script=False)
    row = page.locator(".waits tbody tr")
    expect(row).to_contain_text("tried again by the schedule")
    page.get_by_label("Choose priya.n@example.org").check()
    page.get_by_role("button", name="Reroute").press("Enter")
    expect(page.get_by_role("heading", name="Send 1 delivery another way?")).to_be_visible()
    page.get_by_label("By upstream").select_option("provider")
    page.get_by_role("link", name="Do nothing").click()
    expect(page).to_have_url(re.compile(r"/queue\?q=subject"))


def test_all_on_a_page_are_chosen_with_one_box(open_page: OpenPage) -> None:
    page = open_page("/queue")
    page.get_by_label("Choose all on this page").check()
    chosen = page.locator('input[name="delivery"]:checked').count()
    assert chosen > 1
    page.get_by_role("button", name="Cancel").click()
    expect(page.get_by_role("heading", name=f"Cancel {chosen} deliveries?")).to_be_visible()


def test_a_pause_is_on_every_page_until_it_is_lifted(open_page: OpenPage) -> None:
    page = open_page("/queue")
    page.get_by_text("Pause all sending…").click()
    page.get_by_label("Why (others will see it)").fill("the provider asked for it")
    page.get_by_role("button", name="Pause all sending").click()
    page.goto("/help")
    banner = page.locator(".paused")
    expect(banner).to_contain_text("All sending is paused by ann")
    expect(banner).to_contain_text("the provider asked for it")
    banner.get_by_role("button", name="Resume").click()
    expect(page.locator(".paused")).to_have_count(0)


def test_one_upstream_is_paused_and_used_again(open_page: OpenPage) -> None:
    page = open_page("/queue")
    page.get_by_label("Pause provider…").click()
    page.get_by_label("Why", exact=True).fill("it blocks us")
    page.get_by_role("button", name="Pause provider", exact=True).click()
    card = page.locator(".up", has_text="provider")
    expect(card).to_contain_text("it blocks us")
    page.get_by_role("button", name="Resume provider").click()
    expect(card).not_to_contain_text("it blocks us")


def test_a_timeline_tells_who_reported_what_and_shows_what_came(find: Callable[..., Page]) -> None:
    page = find("subject:%22one step left%22")
    story = page.locator(".recipient", has_text="vera@left.example")
    expect(story).to_contain_text("Bounced, hard: no such mailbox or domain, webhook ses (C)")
    expect(story).to_contain_text("550 5.1.1 <vera@left.example>: Recipient address rejected: User unknown")
    expect(story).to_contain_text("we heard of it")
    expect(story.get_by_text("Accepted: the provider reports that it has it")).to_be_visible()
    expect(page.locator(".recipient", has_text="v.novak@example.net")).to_contain_text(
        "Suppressed: unsubscribed on 3 October (A)"
    )
    story.get_by_role("link", name="What came").first.click()
    expect(page.locator(".body-text")).to_contain_text('"eventType": "Bounced"')
    expect(page.locator(".headers")).to_contain_text("x-amz-sns-message-type")


def test_held_messages_are_approved_in_the_list_without_javascript(open_page: OpenPage) -> None:
    page = open_page("/?q=is:held tag:offers", script=False)
    page.get_by_label("Choose Offer letter: please read both pages").check()
    page.get_by_role("button", name="Approve").press("Enter")
    expect(page.get_by_role("heading", name="Approve 1 message?")).to_be_visible()
    expect(page.locator(".first")).to_contain_text("Offer letter")
    page.get_by_role("button", name="Approve: 1 message").press("Enter")
    expect(page.get_by_role("status").first).to_contain_text("1 message approved.")


def test_a_mode_is_switched_with_the_keyboard_and_taken_back(open_page: OpenPage) -> None:
    page = open_page("/applications", script=False)
    page.get_by_label("Mode of staging", exact=True).select_option("capture")
    page.get_by_label("Switch the mode of staging…").press("Enter")
    expect(page.get_by_text("Its recipients get nothing.")).to_be_visible()
    page.get_by_role("button", name="Switch to capture").press("Enter")
    expect(page.locator(".switched")).to_contain_text("switched here; the file says redirect")
    page.get_by_label("Back to the file's mode of staging…").press("Enter")
    expect(page.get_by_text("test@shop.example.com")).to_be_visible()
    page.get_by_role("button", name="Switch to redirect").press("Enter")
    expect(page.locator(".switched")).to_have_count(0)


def test_the_queue_is_drawn_in_the_dark_on_a_phone_with_readable_text(open_page: OpenPage) -> None:
    page = open_page("/queue", width=390, dark=True)
    expect(page.locator(".waits thead")).to_be_hidden()
    expect(page.locator(".waits tbody tr").first).to_be_visible()
