"""No page shows English words to who reads German: what templates, code and scripts say changes with the language.

Mail, names and addresses stay as they are: only texts that are among the words of the pages are looked for.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from babel.messages.pofile import read_po
from playwright.sync_api import Browser, Page, StorageState

from tests.browser.conftest import Shop
from tests.browser.places import PLACES, Place
from viewer.translation import LOCALE

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("showroom")]

DATA = {"Single sign-on"}
"""A value among the settings, shown as it is written."""
SHOWN = """() => {
  const found = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const { parentElement, textContent } = walker.currentNode;
    if (!parentElement.closest("script, style, code, pre, kbd, .mail")) found.push(textContent);
  }
  for (const element of document.querySelectorAll("[title], [aria-label], [placeholder], [alt]"))
    for (const name of ["title", "aria-label", "placeholder", "alt"])
      if (element.hasAttribute(name)) found.push(element.getAttribute(name));
  return [...found, document.title].map((text) => text.replace(/\\s+/g, " ").trim()).filter((text) => text);
}"""


@pytest.fixture(scope="module")
def shop(furnished_shop: Shop) -> Shop:
    return furnished_shop


@pytest.fixture(scope="module")
def german(browser: Browser, shop: Shop, cookies: StorageState) -> Iterator[Page]:
    context = browser.new_context(base_url=shop.url, storage_state=cookies, locale="de-DE")
    yield context.new_page()
    context.close()


@pytest.fixture(scope="module")
def english() -> frozenset[str]:
    """What the pages say in English and otherwise in German: sentences and names of two words or more."""
    with (LOCALE / "de" / "LC_MESSAGES" / "messages.po").open("rb") as file:
        catalogue = read_po(file, locale="de")
    pairs = [(message.id, message.string) for message in catalogue if isinstance(message.id, str)]
    return frozenset(said.replace("%%", "%") for said, told in pairs if said != told and " " in said) - DATA


@pytest.mark.parametrize("place", [place for place in PLACES if not place.is_public], ids=lambda place: place.name)
def test_who_reads_german_meets_no_english_words(
    place: Place, german: Page, names: dict[str, str], english: frozenset[str]
) -> None:
    german.goto(place.path.format_map(names))
    assert german.locator("html").get_attribute("lang") == "de"
    shown = german.evaluate(SHOWN)
    assert shown
    assert sorted(english.intersection(shown)) == []
