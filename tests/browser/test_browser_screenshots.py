"""The pictures of the documentation. `make screenshots` writes them to docs/screenshots.

Otherwise they go to a folder that is thrown away, which still proves that the pages they show can be drawn.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import OpenPage

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]

LARGEST = 400_000
"""Octets of one picture: they are kept in the repository."""


@pytest.fixture
def keep(tmp_path: Path) -> Callable[[Page, str], None]:
    folder = Path(os.environ.get("MAILWITNESS_SCREENSHOTS") or tmp_path)
    folder.mkdir(parents=True, exist_ok=True)

    def keep_one(page: Page, name: str) -> None:
        page.wait_for_load_state("load")
        page.screenshot(path=folder / f"{name}.png", animations="disabled")
        assert (folder / f"{name}.png").stat().st_size < LARGEST

    return keep_one


def test_the_grid(open_page: OpenPage, keep: Callable[[Page, str], None]) -> None:
    page = open_page("/", height=720)
    expect(page.locator(".live")).to_have_attribute("data-state", "on")
    keep(page, "grid")


def test_the_grid_in_the_dark(open_page: OpenPage, keep: Callable[[Page, str], None]) -> None:
    page = open_page("/", dark=True, height=720)
    expect(page.locator(".live")).to_have_attribute("data-state", "on")
    keep(page, "grid-dark")


def test_a_message(find: Callable[..., Page], keep: Callable[[Page, str], None]) -> None:
    page = find("INV-10482", height=860)
    expect(page.frame_locator("iframe").get_by_text("Pay this invoice")).to_be_visible()
    keep(page, "message")


def test_what_became_of_it(find: Callable[..., Page], keep: Callable[[Page, str], None]) -> None:
    keep(find("EST-2207", dark=True, height=860), "message-dark")


def test_on_a_phone(open_page: OpenPage, find: Callable[..., Page], keep: Callable[[Page, str], None]) -> None:
    keep(open_page("/", width=390, height=780), "phone-grid")
    page = find("EST-2207", width=390, height=780)
    page.get_by_role("link", name="What became of it").click()
    keep(page, "phone-message")


def test_sending_again(find: Callable[..., Page], keep: Callable[[Page, str], None]) -> None:
    page = find("EST-2207", height=900)
    page.get_by_role("link", name="Send again").click()
    page.get_by_label("Edited").check()
    keep(page, "resend")


def test_the_queue(open_page: OpenPage, keep: Callable[[Page, str], None]) -> None:
    keep(open_page("/queue", height=860), "queue")


def test_what_was_reported(find: Callable[..., Page], keep: Callable[[Page, str], None]) -> None:
    keep(find("subject:step", height=860), "reported")
