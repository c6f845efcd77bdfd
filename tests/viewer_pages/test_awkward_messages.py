"""Whatever a message is made of, every page about it answers, in good time, without an error of ours."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.support.viewer_house import House

TABS = ("preview", "text", "headers", "structure", "source", "attachments")
HTML = b"MIME-Version: 1.0\r\nContent-Type: text/html; charset="


def nested(depth: int) -> bytes:
    head = b"".join(b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n" % (n, n) for n in range(depth))
    return b"Subject: nested\r\n" + head + b"\r\ndeep\r\n"


SAMPLES: dict[str, bytes] = {
    "nothing": b"",
    "one line end": b"\r\n",
    "no header": b"just words\r\nand more\r\n",
    "no body": b"Subject: x\r\n",
    "octets": bytes(range(256)) * 8,
    "nul and bare ends": b"Subject: a\x00b\r\r\n\nx\ry\nz",
    "colon only": b":\r\n: x\r\n\r\n",
    "half addresses": b'From: "\r\nTo: a@[\r\nCc: (((((\r\nMessage-ID: <\r\nSubject: =?utf-8?q?=ff?=\r\n\r\nx',
    "markup everywhere": b"From: <script>a</script> <a@b>\r\nSubject: <img src=x onerror=a()>\r\n"
    b"X-<b>: </pre><script>\r\n\r\n</pre><script>a()</script>",
    "unknown charset": HTML + b"x-nothing\r\n\r\n<p>caf\xe9",
    "codec that is none": HTML + b"zlib\r\n\r\n<p>x",
    "broken base64": b"Content-Type: text/html\r\nContent-Transfer-Encoding: base64\r\n\r\n!!!PHA+eA=\r\n",
    "boundary missing": b"Content-Type: multipart/mixed\r\n\r\n--x\r\n\r\ny\r\n--x--\r\n",
    "deeply nested": nested(300),
    "many parts": b"Content-Type: multipart/mixed; boundary=b\r\n\r\n" + b"--b\r\n\r\nx\r\n" * 3000,
    "many fields": b"X: y\r\n" * 30_000 + b"\r\nx",
    "one long field": b"Subject: " + b"=?utf-8?q?a?= " * 20_000 + b"\r\n\r\nx",
    "one long line": b"Subject: x\r\n\r\n" + b"a" * 3_000_000,
    "deep html": HTML + b"utf-8\r\n\r\n" + b"<div>" * 300_000,
    "file name with a line end": b"Content-Type: application/x; name*=utf-8''a%0d%0ab%22%3b.exe\r\n"
    b"Content-Disposition: attachment\r\n\r\nx",
    "html of a right-to-left override": b"Subject: =?utf-8?q?=E2=80=AEgnp.exe?=\r\nContent-Type: text/html\r\n\r\n<p>x",
    "attached message": b"Content-Type: message/rfc822\r\n\r\nSubject: inner\r\nContent-Type: text/html\r\n\r\n<p>x",
    "surrogates": HTML + b"utf-16\r\n\r\n\x00\xd8\x00\xd8<\x00p\x00>\x00",
}


@pytest.mark.parametrize("name", SAMPLES)
async def test_every_page_of_an_awkward_message_answers(house: House, name: str) -> None:
    message_id = await house.add(SAMPLES[name])
    browser = await house.client()
    paths = [f"/messages/{message_id}", *(f"/messages/{message_id}?tab={tab}" for tab in TABS)]
    paths += [f"/messages/{message_id}/preview", f"/messages/{message_id}/resend"]
    paths += [f"/messages/{message_id}?tab=headers&raw=1", "/"]
    for path in paths:
        async with browser.get(path) as answer:
            text = await answer.text()
            assert answer.status == 200, path
            assert "<script>a" not in text, path
            assert "onerror=a()>" not in text.replace("&lt;img src=x onerror=a()&gt;", ""), path


async def test_a_message_that_the_indexer_has_not_reached_has_a_page(house: House) -> None:
    message_id = await house.add(indexed=False)
    browser = await house.client()
    async with browser.get(f"/messages/{message_id}") as answer:
        assert answer.status == 200
        assert "being read for the index" in await answer.text()


def real_messages() -> list[Path]:
    """Some of the real messages that lie beside the repository, where they do."""
    folder = Path(os.environ.get("MAILWITNESS_CORPUS") or Path(__file__).parents[2].parent / "shared" / "corpus")
    found = sorted(path for path in folder.rglob("*") if path.is_file() and path.suffix != ".md")
    return found[:: max(1, len(found) // 60)]


async def test_every_page_of_real_messages_answers(house: House) -> None:
    """None of them is there in a clean clone; the samples above are."""
    browser = await house.client()
    for path in real_messages():
        message_id = await house.add(path.read_bytes())
        for address in (f"/messages/{message_id}", f"/messages/{message_id}/preview"):
            async with browser.get(address) as answer:
                assert answer.status == 200, path
        async with browser.get(f"/messages/{message_id}?tab=structure") as answer:
            assert answer.status == 200, path
