"""Pictures of every page, light and dark, 1280 and 390 pixels wide: `make screenshots`.

They all go to docs/screenshots/all, which is not kept in the repository; those that the documentation shows to
docs/screenshots. Without the folder's name in MAILWITNESS_SCREENSHOTS only the latter are made, and thrown away.
"""

from __future__ import annotations

import io
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Browser, Page, StorageState

from tests.browser.conftest import Shop
from tests.browser.places import PLACES, Place

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("showroom")]

KEPT = frozenset(
    {
        "alerts",
        "application-settings",
        "as-sent",
        "attachment",
        "audit",
        "bulk-tags",
        "columns",
        "erasure-look",
        "grid",
        "grid-completions",
        "grid-dark",
        "grid-filters",
        "grid-palette",
        "grid-panel",
        "grid-phone",
        "message",
        "message-dark",
        "message-deleted",
        "message-failed",
        "message-headers",
        "message-phone",
        "message-reported",
        "queue",
        "recipient",
        "report-bounces",
        "report-compared",
        "report-domain",
        "report-senders",
        "report-volume-dark",
        "reports-phone",
        "resend-look",
        "suppressions",
        "user-rights",
    }
)
"""Pictures that the documentation shows, by name."""
LOOKS = {
    "": (1280, 800, "light"),
    "-dark": (1280, 800, "dark"),
    "-phone": (390, 844, "light"),
    "-phone-dark": (390, 844, "dark"),
}
COLOURS = 128
"""Of a picture: pages are made of few, and pictures are kept small."""
LARGEST = 150_000
"""Octets of one picture that is kept in the repository."""
FOLDER = os.environ.get("MAILWITNESS_SCREENSHOTS")


@pytest.fixture(scope="module")
def shop(furnished_shop: Shop) -> Shop:
    return furnished_shop


@pytest.fixture(scope="module")
def visitors(shop: Shop, browser: Browser, cookies: StorageState, names: dict[str, str]) -> Iterator[tuple[Page, Page]]:
    """A page of somebody signed in, and one of somebody who is not."""
    contexts = [browser.new_context(base_url=shop.url, storage_state=state) for state in (cookies, None)]
    for context in contexts:
        context.set_default_timeout(10_000)
    yield contexts[0].new_page(), contexts[1].new_page()
    for context in contexts:
        context.close()


def wanted(place: Place) -> list[str]:
    """The looks of a place that there are to be pictures of."""
    return [look for look in LOOKS if FOLDER or f"{place.name}{look}" in KEPT]


def small(png: bytes) -> bytes:
    """The same picture in few colours."""
    made = io.BytesIO()
    Image.open(io.BytesIO(png)).convert("RGB").quantize(COLOURS).save(made, "PNG", optimize=True)
    return made.getvalue()


@pytest.mark.parametrize("place", [place for place in PLACES if wanted(place)], ids=lambda place: place.name)
def test_a_page_has_its_pictures(
    visitors: tuple[Page, Page], names: dict[str, str], tmp_path: Path, place: Place
) -> None:
    page = visitors[1] if place.is_public else visitors[0]
    folder = Path(FOLDER or tmp_path)
    (folder / "all").mkdir(parents=True, exist_ok=True)
    page.set_viewport_size({"width": 1280, "height": 800})
    page.emulate_media(color_scheme="light")
    place.visit(page, names)
    for look in wanted(place):
        width, height, scheme = LOOKS[look]
        page.set_viewport_size({"width": width, "height": height})
        page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        picture = small(page.screenshot(animations="disabled", caret="hide"))
        (folder / "all" / f"{place.name}{look}.png").write_bytes(picture)
        if f"{place.name}{look}" in KEPT:
            assert len(picture) < LARGEST
            (folder / f"{place.name}{look}.png").write_bytes(picture)


def test_every_picture_that_is_kept_is_one_of_a_place() -> None:
    assert {f"{place.name}{look}" for place in PLACES for look in LOOKS} >= KEPT
