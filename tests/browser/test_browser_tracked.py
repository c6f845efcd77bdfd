"""A tracked message from the application to the recipient's browser: the pixel fires, links lead to where they led.

The whole server runs: the copy that the provider got is opened in Chromium as a web mailer shows it.
"""

from __future__ import annotations

import asyncio
import smtplib
import socket
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from relay.archive.query import parse_query
from tests.support.fresh import open_archive
from tests.support.server import RunningServer
from tests.support.upstream import ScriptedUpstream

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]

TARGETS = (
    "/plain",
    "/query?a=1&b=two%20words&c=%C3%BC",
    "/semi;colon=1?x=[0]&next=http%3A%2F%2Fother.example%2F",
    "/long?" + "q=" + "x" * 1900,
    "/fragment?z=1#part",
)

CONFIGURATION = """
[[upstream]]
name = "provider"
host = "127.0.0.1"
port = {upstream}
tls = "none"

[tracking]
port = {port}
url = "http://127.0.0.1:{port}"
opens = true
clicks = true
"""


@dataclass
class Web:
    """A web server that holds the recipient's mail at /mail, and answers every other path; `seen`: the paths asked."""

    port: int = 0
    mail: bytes = b""
    seen: list[str] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


@pytest.fixture
def web() -> Iterator[Web]:
    found = Web()

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            found.seen.append(self.path)
            body = found.mail if self.path == "/mail" else b"<!doctype html><title>there</title>"
            self.send_response(200)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *arguments: object) -> None:
            """Says nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Answer) as server:
        found.port = server.server_address[1]
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield found
        server.shutdown()
        thread.join()


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return int(listening.getsockname()[1])


def until(is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.mark.parametrize("encoding", ["quoted-printable", "base64", "8bit"])
def test_the_pixel_fires_and_every_link_leads_to_its_exact_target(
    tmp_path: Path, provider: ScriptedUpstream, browser: Browser, web: Web, encoding: str
) -> None:
    page_html = "<html><body><p>Grüße</p>\n" + "".join(
        f'<p><a id="l{n}" href="{(web.url + target).replace("&", "&amp;")}">link {n}</a></p>\n'
        for n, target in enumerate(TARGETS)
    )
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = "shop@example.com", "ann@example.org", f"Hello in {encoding}"
    mail.set_content("Hello.\n")
    mail.add_alternative(page_html + "</body></html>\n", subtype="html", cte=encoding)
    port, before = free_port(), len(provider.messages)
    with RunningServer(tmp_path, CONFIGURATION.format(upstream=provider.port, port=port)) as server:
        with smtplib.SMTP("127.0.0.1", server.smtp_port) as smtp:
            smtp.sendmail("shop@example.com", ["ann@example.org"], mail.as_bytes(policy=policy.SMTP))
        until(lambda: len(provider.messages) > before)
        sent = message_from_bytes(provider.messages[-1].content, policy=policy.default)
        body = sent.get_body(("html",))
        assert isinstance(body, EmailMessage)
        shown = body.get_content()
        assert web.url not in shown
        web.mail = b"<!doctype html><meta charset=utf-8>" + shown.encode()
        context = browser.new_context()
        page = context.new_page()
        with page.expect_response(lambda answer: "/o/" in answer.url) as pixel:
            page.goto(f"{web.url}/mail")
        assert pixel.value.ok
        assert page.locator("img").last.evaluate("image => image.naturalWidth") == 1
        for n, target in enumerate(TARGETS):
            page.goto(f"{web.url}/mail")
            page.locator(f"#l{n}").click()
            page.wait_for_url(lambda url: "/mail" not in url)
            assert page.url == web.url + target
        context.close()
        until(lambda: count_of(server.archive_path, "opened:yes clicked:yes") == 1)
    assert [path for path in web.seen if path not in ("/mail", "/favicon.ico")] == [
        target.partition("#")[0] for target in TARGETS
    ]


def count_of(folder: Path, q: str) -> int:
    """How many messages a search finds. Playwright holds this thread's event loop, so in a thread."""
    found: list[int] = []

    async def look() -> None:
        archive = await open_archive(f"sqlite:///{folder / 'archive.db'}", read_only=True)
        try:
            found.append(await archive.count(parse_query(q, now=0)))
        finally:
            await archive.close()

    thread = threading.Thread(target=lambda: asyncio.run(look()))
    thread.start()
    thread.join()
    return found[0]
