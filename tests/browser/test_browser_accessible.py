"""axe-core finds no violation of WCAG 2.2 A and AA on any page: light and dark, on a desk and on a phone.

axe-core is installed by `.ci/peers`; where NODE_PATH has none, npm installs it into a temporary folder first. Mail is
other people's: its frame is looked at, not what is in it.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, Route, StorageState

from tests.browser.conftest import Shop
from tests.browser.places import PLACES, Place
from tests.support.thoroughness import IS_THOROUGH

pytestmark = [pytest.mark.browser, pytest.mark.peer, pytest.mark.xdist_group("showroom")]

TAGS = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa")
"""The rules of axe-core that stand for success criteria of WCAG 2.2, levels A and AA; what 2.2 adds at A has no tag."""
COLOURS = ("color-contrast", "link-in-text-block")
RUN = """(rules) => {
  for (const animation of document.getAnimations()) animation.finish();
  const options = { runOnly: rules, iframes: false, reporter: "no-passes", preload: false };
  const told = (rule, node) =>
    [rule.id, node.target.join(" "), node.html.slice(0, 200),
      [...node.any, ...node.all, ...node.none].map((check) => check.message).join("; ").slice(0, 300)];
  // Rows that an open menu covers in part are pressed when it is closed; they are looked at on other pages.
  const exclude = document.querySelector("details.menu[open]") ? [".mail", "table.grid"] : [".mail"];
  return axe.run({ exclude }, options)
    .then((found) => found.violations.flatMap((rule) => rule.nodes.map((node) => told(rule, node))));
}"""
LAID_OUT = (*COLOURS, "target-size", "scrollable-region-focusable")
WIDTHS = (1280, 390)
"""On a desk and on a phone. What is laid out and coloured is looked at in both; the rest, which is the same elements
mostly, in one of them, and of the next page in the other. In the dark only colours are others: each page is seen so in
the other one. In a thorough run everything is looked at everywhere."""
THIN = """() => {
  const telling = /^(class|role|type|scope|style|dir|lang|data-state|aria-(?!label|describe|control|owns).*)$/;
  const told = ({ name, value }) => name + (telling.test(name) ? "=" + value : value.trim() && "=…");
  const shape = (element) => [
    element.tagName,
    ...[...element.attributes].map(told).sort(),
    [...element.childNodes].some((node) => node.nodeType === Node.TEXT_NODE && node.data.trim()),
    ...[...element.children].map((child) => "(" + shape(child) + ")"),
  ].join(" ");
  for (const parent of new Set([...document.querySelectorAll("tr, li")].map((element) => element.parentElement))) {
    if (parent.closest("table")?.querySelector("[rowspan]")) continue;
    const seen = new Map();
    for (const element of [...parent.children]) {
      const count = (seen.get(shape(element)) ?? 0) + 1;
      seen.set(shape(element), count);
      if (count > 2) element.remove();
    }
  }
}"""
"""Takes out rows and items that are made as two before them: the same elements, classes and states, other words."""


@pytest.fixture(scope="module")
def shop(furnished_shop: Shop) -> Shop:
    return furnished_shop


@pytest.fixture(scope="session")
def axe(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The script. Left out with npm's own words where it cannot be had."""
    for place in filter(None, os.environ.get("NODE_PATH", "").split(os.pathsep)):
        script = Path(place) / "axe-core" / "axe.min.js"
        if script.is_file():
            return script.read_text()
    if shutil.which("npm") is None:
        pytest.skip("axe-core cannot be installed: no npm here")
    folder = tmp_path_factory.mktemp("axe")
    words = [
        "npm",
        "install",
        "--no-audit",
        "--no-fund",
        "--silent",
        "--ignore-scripts",
        "--prefix",
        str(folder),
        "axe-core",
    ]
    done = subprocess.run(words, capture_output=True, text=True, timeout=120, check=False)
    if done.returncode:
        pytest.skip(f"axe-core cannot be installed: {done.stderr or done.stdout}")
    return (folder / "node_modules" / "axe-core" / "axe.min.js").read_text()


@pytest.fixture(scope="module")
def visitor(shop: Shop, browser: Browser, cookies: StorageState, names: dict[str, str]) -> Iterator[Page]:
    """A page of somebody signed in."""
    context = browser.new_context(base_url=shop.url, storage_state=cookies)
    context.set_default_timeout(10_000)
    yield context.new_page()
    context.close()


@pytest.fixture(scope="module")
def stranger(shop: Shop, browser: Browser) -> Iterator[Page]:
    context = browser.new_context(base_url=shop.url)
    context.set_default_timeout(10_000)
    yield context.new_page()
    context.close()


def violations(page: Page, place: Place, names: dict[str, str], axe: str) -> list[Any]:
    """What axe finds: one visit, some looks. The page is the same one, its size and colours are changed under it."""
    page.set_viewport_size({"width": 1280, "height": 800})
    page.emulate_media(color_scheme="light")
    if place.is_plain:
        page.route("**/*", _loosen)
    place.visit(page, names)
    page.evaluate(axe)
    if not IS_THOROUGH:
        page.evaluate(THIN)
    found = []
    for width, scheme, rules in looks(place):
        page.set_viewport_size({"width": width, "height": 800})
        page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        found += [(place.name, width, scheme, *one) for one in page.evaluate(RUN, list(rules))]
    page.unroute_all()
    return found


def looks(place: Place) -> Sequence[tuple[int, str, tuple[str, ...]]]:
    """The width, the colours and the rules of each."""
    if IS_THOROUGH:
        return [(width, *look) for width in WIDTHS for look in (("light", TAGS), ("dark", COLOURS))]
    turn = PLACES.index(place) % 2
    one, other = WIDTHS[turn], WIDTHS[1 - turn]
    return (one, "light", TAGS), (other, "light", LAID_OUT), (other, "dark", COLOURS)


def _loosen(route: Route) -> None:
    """A sandboxed document runs no script, and so not axe either: here it comes without its policy."""
    answer = route.fetch()
    headers = {name: value for name, value in answer.headers.items() if name != "content-security-policy"}
    route.fulfill(response=answer, headers=headers)


@pytest.mark.parametrize("place", PLACES, ids=lambda place: place.name)
def test_axe_finds_nothing_that_wcag_forbids(
    visitor: Page, stranger: Page, names: dict[str, str], axe: str, place: Place
) -> None:
    page = stranger if place.is_public else visitor
    assert violations(page, place, names, axe) == []
