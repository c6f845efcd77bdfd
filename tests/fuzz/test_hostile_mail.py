"""Thousands of hostile pieces in every place of a message, seen in every view: nothing runs, and no request leaves.

Twice: each cleaned preview alone in a document that could run and fetch everything, and whole messages as served.
"""

from __future__ import annotations

import csv
import io
import os
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice

import aiohttp
import pytest
from playwright.sync_api import Browser, BrowserContext, Dialog, Error, Page, Route, sync_playwright

from tests.browser.conftest import ARGUMENTS
from tests.fuzz.conftest import running
from tests.fuzz.vectors import CHARSETS, CLOSER, encoded_word, every, in_words
from tests.support.chromium import program
from tests.support.viewer_house import House
from viewer.message.preview import USUAL, make_preview

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]

PIECES = every()
IN_ONE = 150
"""Pieces in the body of one message."""
TABS = ("preview", "text", "source")
RARER = ("headers", "structure", "attachments", "smtp", "related", "event")
RARELY = 1 if os.environ.get("MAILWITNESS_FUZZ") else 40
"""One message of so many is seen in the other views too."""
FORMULAS = "=+-@\t\r"


@dataclass
class Hostile:
    url: str
    cookies: dict[str, str]
    ids: list[str]
    texts: dict[str, bytes] = field(default_factory=dict)
    """Exports by format."""


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=program(), args=list(ARGUMENTS))
        yield started
        started.close()


def letters() -> Iterator[bytes]:
    """Messages that have pieces in body, subject, names, addresses, file names, types and charsets."""
    words = iter(in_words(PIECES) * 2)
    for n, start in enumerate(range(0, len(PIECES), IN_ONE)):
        body = CLOSER.join(PIECES[start : start + IN_ONE])
        names = [encoded_word(word) for word in islice(words, 8)]
        raw = [word.encode()[:600] for word in islice(words, 8)]
        charset = CHARSETS[n % len(CHARSETS)] if n % 3 == 0 else "utf-8"
        yield b"".join(
            (
                b"From: " + names[0].encode() + b' <"' + raw[0].replace(b'"', b"'") + b'"@evil.example>\r\n',
                b"To: " + names[1].encode() + b" <ann@example.org>\r\nCc: " + raw[1] + b"\r\n",
                b"Subject: " + (b"=cmd|' /C calc'!A0 " if n % 2 else b"") + raw[2] + raw[3] + b"\r\n",
                b"Message-ID: <" + raw[4] + b">\r\nX-Tags: " + raw[5] + b"\r\nX-Odd: " + raw[6] + b"\r\n",
                b"MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n",
                f"Content-Type: text/html; charset={charset}\r\n\r\n".encode(),
                body.encode("utf-8", "replace"),
                b'\r\n--b\r\nContent-Type: image/svg+xml\r\nContent-Disposition: attachment; filename="../../',
                names[2].encode() + b'.svg"\r\n\r\n<svg xmlns="http://www.w3.org/2000/svg" onload="top.owned=1"/>',
                b"\r\n--b\r\nContent-Type: text/html\r\nContent-Disposition: attachment; filename=",
                names[3].encode() + b"\r\n\r\n" + body[:3000].encode("utf-8", "replace"),
                b"\r\n--b\r\nContent-Type: " + raw[7] + b"\r\n\r\nx\r\n--b\r\n",
                b"Content-Type: text/calendar\r\n\r\nBEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nSUMMARY:" + raw[2],
                b"\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n--b--\r\n",
            )
        )


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hostile]:
    async def prepare(house: House) -> Hostile:
        ids = [await house.add(letter) for letter in letters()]
        client = await house.client()
        texts = {name: await _got(client, f"/api/export?format={name}") for name in ("csv", "zip")}
        return Hostile(house.url, {cookie.key: cookie.value for cookie in client.cookie_jar}, ids, texts)

    with running(tmp_path_factory.mktemp("hostile") / "data", prepare) as made:
        yield made


async def _got(client: aiohttp.ClientSession, path: str) -> bytes:
    async with client.get(path) as answer:
        assert answer.status == 200
        return await answer.read()


@dataclass
class Watch:
    """A browser's context in which every request to another host is noted and refused."""

    context: BrowserContext
    url: str
    asked: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.context.set_default_timeout(20_000)
        self.context.route("**/*", self._on_route)
        self.page = self.context.new_page()
        self.page.on("dialog", self._on_dialog)

    def _on_dialog(self, dialog: Dialog) -> None:
        self.asked.append(f"dialog {dialog.message}")
        dialog.dismiss()

    def _on_route(self, route: Route) -> None:
        if route.request.url.startswith((self.url + "/", "data:")):
            route.continue_()
        else:
            self.asked.append(route.request.url)
            route.abort()

    def look(self, path: str) -> Page:
        """Goes there; nothing must have run, asked, or opened by the time that all is loaded."""
        try:
            self.page.goto(self.url + path, wait_until="load")
        except Error as error:
            assert "Download is starting" in str(error) or "ERR_ABORTED" in str(error), f"{path}: {error}"  # noqa: PT017
        self.check(path)
        return self.page

    def check(self, path: str) -> None:
        assert self.asked == [], path
        assert len(self.context.pages) == 1, path
        assert self.page.url.startswith((self.url, "about:blank")), path
        assert self.page.evaluate("window.owned") is None, path


def test_there_are_thousands_of_pieces() -> None:
    assert len(PIECES) > 3000


def test_a_cleaned_preview_is_inert_even_where_it_could_run(chromium: Browser, hostile: Hostile) -> None:
    """The second line of defence alone: no sandbox and no policy, several cleaned pieces in one page."""
    watch = Watch(chromium.new_context(), hostile.url)
    cleaned = [make_preview(piece, lambda _: None, USUAL).body for piece in PIECES]
    bare = [""]
    watch.page.route(hostile.url + "/bare*", lambda route: route.fulfill(content_type="text/html", body=bare[0]))
    for start in range(0, len(cleaned), 200):
        bare[0] = "<!doctype html><meta charset=utf-8>" + "\n".join(cleaned[start : start + 200])
        watch.look(f"/bare?{start}")
    watch.context.close()


def test_no_view_of_a_message_runs_or_fetches_anything(chromium: Browser, hostile: Hostile) -> None:
    context = chromium.new_context()
    context.add_cookies([{"name": name, "value": value, "url": hostile.url} for name, value in hostile.cookies.items()])
    watch = Watch(context, hostile.url)
    for n, message_id in enumerate(hostile.ids):
        page = f"/messages/{message_id}"
        watch.look(f"{page}/preview")
        for tab in TABS if RARELY == 1 else TABS[n % 3 : n % 3 + 1]:
            watch.look(f"{page}?tab={tab}&width={('fit', 'phone', 'tablet')[n // 3 % 3]}")
        if n % RARELY == 0:
            watch.look(f"/view/{message_id}.html")
            for tab in RARER:
                watch.look(f"{page}?tab={tab}")
            for number in range(6):
                for tail in ("", "/preview"):
                    watch.look(f"{page}/parts/{number}{tail}")
                watch.look(f"/api/messages/{message_id}/parts/{number}?inline=1")
                watch.look(f"/api/v1/message/{message_id}/part/{number}")
            for path in (
                f"/print?message={message_id}",
                f"/?open={message_id}",
                f"{page}/resend",
                f"/view/{message_id}.txt",
            ):
                watch.look(path)
    context.close()


def test_no_list_runs_or_fetches_anything(chromium: Browser, hostile: Hostile) -> None:
    context = chromium.new_context()
    context.add_cookies([{"name": name, "value": value, "url": hostile.url} for name, value in hostile.cookies.items()])
    watch = Watch(context, hostile.url)
    lists = ("/", "/?rows=copies", "/?rows=mailings", "/reports/senders", "/reports/compare", "/reports/bounces")
    for path in (*lists, "/reports/domains", "/queue", "/audit", "/recipients/ann@example.org", "/print?q="):
        watch.look(path)
    watch.look("/?q=%22%3E%3Cimg%20src=x%20onerror=top.owned=1%3E")
    watch.look("/?q=from:(%3Cscript%3Etop.owned=1%3C/script%3E")
    context.close()


def test_no_cell_of_an_export_is_a_formula_and_no_name_in_it_is_theirs(hostile: Hostile) -> None:
    rows = list(csv.reader(io.StringIO(hostile.texts["csv"].decode())))
    assert len(rows) == len(hostile.ids) + 1
    assert [cell for row in rows for cell in row if cell.startswith(tuple(FORMULAS))] == []
    assert any(cell.startswith("'=cmd") for row in rows for cell in row)
    with zipfile.ZipFile(io.BytesIO(hostile.texts["zip"])) as archive:
        names = [f"{n:06}.eml" for n in range(1, len(hostile.ids) + 1)]
        assert sorted(archive.namelist()) == [*names, "manifest.csv"]
