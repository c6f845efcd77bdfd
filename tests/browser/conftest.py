"""One server filled with a shop's mail, and one headless Chromium, for all browser tests."""

from __future__ import annotations

import asyncio
import re
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest
from playwright.sync_api import (
    Browser,
    BrowserContext,
    Page,
    Playwright,
    StorageState,
    ViewportSize,
    sync_playwright,
)

from tests.browser import showroom
from tests.browser.filling import fill
from tests.browser.samples import samples
from tests.support.chromium import program
from tests.support.server import RunningServer
from tests.support.upstream import ScriptedUpstream

ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
DESK: ViewportSize = {"width": 1280, "height": 800}
PASSWORD = "a long enough password"

CONFIGURATION = """
[[upstream]]
name = "provider"
host = "127.0.0.1"
port = {port}
tls = "none"

[[application]]
name = "staging"
addresses = ["192.0.2.10"]
mode = "redirect"
redirect_to = ["test@shop.example.com"]

[[reference]]
name = "invoice"
pattern = 'INV-\\d+'
link = "https://erp.example.com/invoices/{{code}}"

[[reference]]
name = "quote"
pattern = 'EST-\\d+'
link = "https://erp.example.com/quotes/{{code}}"
"""


@dataclass
class Shop:
    """The server, and the provider it sends through."""

    server: RunningServer
    provider: ScriptedUpstream

    @property
    def url(self) -> str:
        return self.server.viewer_url


class _Running:
    """The browser, from the first test that needs it until one follows that is none of its."""

    def __init__(self) -> None:
        self._playwright: Playwright | None = None
        self._browser: Browser | None = None

    def begin(self) -> Browser:
        if self._browser is None:
            self._playwright = sync_playwright().start()
            self._browser = self._playwright.chromium.launch(executable_path=program(), args=list(ARGUMENTS))
        return self._browser

    def end(self) -> None:
        if self._browser is not None:
            self._browser.close()
        if self._playwright is not None:
            self._playwright.stop()
        self._browser = self._playwright = None


_RUNNING = _Running()


@pytest.fixture(scope="module")
def browser() -> Browser:
    """One for all modules that follow one another: see `pytest_runtest_teardown`."""
    return _RUNNING.begin()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(item: pytest.Item, nextitem: pytest.Item | None) -> Iterator[None]:
    """Ends the browser before other tests: while Playwright runs it holds the main thread's event loop."""
    yield
    if nextitem is None or (item.path != nextitem.path and "browser" not in getattr(nextitem, "fixturenames", ())):
        _RUNNING.end()


def pytest_sessionfinish() -> None:
    _RUNNING.end()


@pytest.fixture(scope="session")
def provider() -> Iterator[ScriptedUpstream]:
    """Takes every message, in a thread of its own."""
    ready, done = threading.Event(), asyncio.Event()
    found: list[ScriptedUpstream] = []
    loop = asyncio.new_event_loop()

    async def run() -> None:
        async with ScriptedUpstream() as upstream:
            found.append(upstream)
            ready.set()
            await done.wait()

    thread = threading.Thread(target=lambda: loop.run_until_complete(run()))
    thread.start()
    assert ready.wait(10)
    yield found[0]
    loop.call_soon_threadsafe(done.set)
    thread.join(10)
    loop.close()


@pytest.fixture(scope="session")
def shop(tmp_path_factory: pytest.TempPathFactory, provider: ScriptedUpstream) -> Iterator[Shop]:
    folder = tmp_path_factory.mktemp("shop")
    now = time.time_ns() // 1000
    thread = threading.Thread(target=lambda: asyncio.run(fill(folder / "data", now)))
    thread.start()
    thread.join()
    with RunningServer(folder, CONFIGURATION.format(port=provider.port)) as server:
        yield Shop(server, provider)


@pytest.fixture(scope="session")
def furnished_shop(tmp_path_factory: pytest.TempPathFactory, provider: ScriptedUpstream) -> Iterator[Shop]:
    """Another shop, with something to show on every page: see `showroom.py`. A module asks for it by its own `shop`."""
    folder = tmp_path_factory.mktemp("showroom")
    now = time.time_ns() // 1000
    chosen = [*samples(now), *showroom.campaign(now)]
    thread = threading.Thread(target=lambda: asyncio.run(fill(folder / "data", now, chosen)))
    thread.start()
    thread.join()
    with RunningServer(folder, CONFIGURATION.format(port=provider.port) + showroom.MORE_CONFIGURATION) as server:
        yield Shop(server, provider)


@pytest.fixture(scope="session")
def furniture() -> dict[str, str]:
    """What `names` found, kept for later modules: it is made once."""
    return {}


@pytest.fixture(scope="module")
def names(furnished_shop: Shop, browser: Browser, cookies: StorageState, furniture: dict[str, str]) -> dict[str, str]:
    """What is there in the furnished shop, by the names of `places.py`."""
    if not furniture:
        context = browser.new_context(base_url=furnished_shop.url, storage_state=cookies, viewport=DESK)
        context.set_default_timeout(15_000)
        furniture.update(showroom.furnish(context.new_page()))
        context.close()
    return furniture


@pytest.fixture(scope="session")
def sign_ins() -> dict[str, StorageState]:
    """Those of earlier modules, by the shop's address."""
    return {}


@pytest.fixture(scope="module")
def cookies(shop: Shop, browser: Browser, sign_ins: dict[str, StorageState]) -> StorageState:
    """Those of a signed-in browser: the first time by the printed link, which works once, later by password."""
    if shop.url not in sign_ins or not _is_signed_in(shop, browser, sign_ins[shop.url]):
        sign_ins[shop.url] = _signed_in(shop, browser)
    return sign_ins[shop.url]


def _is_signed_in(shop: Shop, browser: Browser, state: StorageState) -> bool:
    context = browser.new_context(base_url=shop.url, storage_state=state)
    status = context.request.get("/account", max_redirects=0).status
    context.close()
    return status == 200


def _signed_in(shop: Shop, browser: Browser) -> StorageState:
    assert shop.server.sign_in_link is not None
    context = browser.new_context(base_url=shop.url, viewport=DESK)
    page = context.new_page()
    answer = page.goto(shop.server.sign_in_link)
    is_used = answer is not None and answer.status == 404
    if is_used:
        page.goto("/sign-in")
    page.get_by_label("Name").fill("ann")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in" if is_used else "Set password and sign in").click()
    page.wait_for_url(f"{shop.url}/")
    found = context.storage_state()
    context.close()
    return found


OpenPage = Callable[..., Page]


@pytest.fixture
def open_page(shop: Shop, browser: Browser, cookies: StorageState) -> Iterator[OpenPage]:
    """`open_page("/path", width=…, dark=…, script=…)`: a page in a signed-in browser of its own.

    Whatever the page complains of in its console, a broken policy or script, fails the test.
    """
    contexts: list[BrowserContext] = []
    complaints: list[str] = []

    def open_one(
        path: str = "/", *, width: int = 1280, height: int = 800, dark: bool = False, script: bool = True
    ) -> Page:
        context = browser.new_context(
            base_url=shop.url,
            viewport={"width": width, "height": height},
            color_scheme="dark" if dark else "light",
            java_script_enabled=script,
            storage_state=cookies,
        )
        context.set_default_timeout(10_000)
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda said: complaints.append(said.text) if said.type == "error" else None)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto(path)
        return page

    yield open_one
    for context in contexts:
        context.close()
    assert [one for one in complaints if not EXPECTED.search(one)] == []


EXPECTED = re.compile(r"status of 4\d\d|Blocked script execution")
"""A refused request that a test asked for; what a sandboxed preview was kept from doing."""


@pytest.fixture
def find(open_page: OpenPage) -> Callable[..., Page]:
    """`find("INV-10482", tab="headers", …)`: the page of the first message that a search finds."""

    def find_one(q: str, *, tab: str = "", **options: object) -> Page:
        page = open_page(f"/?q={q}", **options)
        address = page.locator("a.open").first.get_attribute("data-page")
        assert address is not None
        page.goto(address + (f"&tab={tab}" if tab else ""))
        return page

    return find_one
