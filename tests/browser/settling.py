"""When a page has done what it was going to do."""

from __future__ import annotations

from playwright.sync_api import Page

ONE_MORE = "() => fetch('/healthz').then(answer => answer.ok, () => false)"
"""A request that goes after all others; where a page may ask for nothing it fails in its turn."""


def settle(page: Page) -> None:
    """Returns once all that the page was about to ask for has been asked for: it makes two requests more."""
    page.wait_for_load_state("load")
    for _ in range(2):
        page.evaluate(ONE_MORE)
