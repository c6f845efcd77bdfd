"""What an endpoint may do instead of answering; each is told in words and tried again."""

from __future__ import annotations

import asyncio
import ssl
from pathlib import Path

import aiohttp
import pytest

from relay.herald.post import post, session
from relay.model.notification import Answer
from tests.support.authority import issue


async def told(url: str, timeout: float = 5) -> Answer:
    async with session(1) as client:
        return await post(client, url, b"{}", {}, timeout=timeout, now=0)


async def told_by(answer: bytes, *, waits: bool = False, tls: ssl.SSLContext | None = None) -> Answer:
    """What a server that writes these octets, whatever it is told, makes of a notification."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(65536)
        writer.write(answer)
        await writer.drain()
        if waits:
            await reader.read()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=tls)
    scheme = "https" if tls else "http"
    try:
        return await told(f"{scheme}://127.0.0.1:{server.sockets[0].getsockname()[1]}/", timeout=1 if waits else 5)
    finally:
        server.close()


@pytest.mark.parametrize(
    ("octets", "words"),
    [
        (b"", "the connection was closed without an answer"),
        (b"220 smtp.example ESMTP\r\n", "not an answer that HTTP knows"),
        (b"HTTP/1.1 200 OK\r\nX: " + b"x" * 100_000 + b"\r\n\r\n", "not an answer that HTTP knows"),
        (b"HTTP/1.1 2xx OK\r\n\r\n", "not an answer that HTTP knows"),
    ],
)
async def test_what_is_no_answer_is_told_in_words(octets: bytes, words: str) -> None:
    answer = await told_by(octets)
    assert answer.status is None
    assert words in answer.error
    assert "xxx" not in answer.error


async def test_an_answer_that_drips_is_not_waited_for() -> None:
    assert await told_by(b"HTTP/1.1 200 OK\r\nX: ", waits=True) == Answer(None, "no answer within 1 s")


@pytest.mark.parametrize("waits", [False, True])
async def test_a_body_that_breaks_off_changes_nothing_of_the_status(waits: bool) -> None:
    octets = b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nx"
    assert await told_by(octets, waits=waits) == Answer(200)


async def test_a_certificate_of_nobody_is_not_accepted(tmp_path: Path) -> None:
    issued = issue(tmp_path, "127.0.0.1")
    answer = await told_by(b"HTTP/1.1 200 OK\r\n\r\n", tls=issued.server_context())
    assert answer.status is None
    assert answer.error.startswith("its certificate is not accepted: ")


async def test_tls_to_a_port_without_is_told_in_words() -> None:
    server = await asyncio.start_server(lambda _, writer: writer.write(b"220 hello\r\n"), "127.0.0.1", 0)
    answer = await told(f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}/")
    server.close()
    assert answer.status is None
    assert answer.error


async def test_a_name_that_does_not_exist_and_an_address_that_is_none_are_told_apart() -> None:
    assert (await told("http://nobody.invalid/")).error == "its name cannot be resolved"
    assert (await told("http://:x/")).error == "its address cannot be used"


async def test_no_cookie_is_kept_and_no_proxy_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1/")
    octets = b"HTTP/1.1 204 No Content\r\nSet-Cookie: a=b\r\n\r\n"
    assert await told_by(octets) == Answer(204)
    async with session(1) as client:
        assert isinstance(client.cookie_jar, aiohttp.DummyCookieJar)
