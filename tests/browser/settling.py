"""When a page has done what it was going to do."""

from __future__ import annotations

from playwright.sync_api import Page

ONE_MORE = "() => fetch('/healthz').then(answer => answer.ok, () => false)"
"""A request that goes after all others; a page that may ask for nothing does not send it."""


def settle(page: Page) -> None:
    """Returns once all that the page has asked for by now was seen: it is drawn twice, and asks for one more."""
    page.wait_for_load_state("load")
    page.evaluate("() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")
    page.evaluate(ONE_MORE)
