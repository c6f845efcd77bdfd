"""curl and swaks send through a real server, as people do by hand and from scripts."""

from __future__ import annotations

import shutil

import pytest

from tests.peers.house import (
    FILE,
    FILE_NAME,
    PASSWORD,
    SUBJECT,
    USER,
    assert_is_the_invoice,
    attachment_of,
    invoice,
    parsed,
    run,
)

pytestmark = [pytest.mark.peer, pytest.mark.xdist_group("peers")]
needs_curl = pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
needs_swaks = pytest.mark.skipif(shutil.which("swaks") is None, reason="swaks is not installed")


@needs_curl
async def test_curl_sends_a_file_without_a_password(house, tmp_path):
    path = tmp_path / "invoice.eml"
    path.write_bytes(invoice("curl@example.net").as_bytes().replace(b"\n", b"\r\n"))
    paths = ("--mail-from", "shop@example.com", "--mail-rcpt", "curl@example.net")
    await run("curl", "-sS", f"smtp://127.0.0.1:{house.plain}", *paths, "--upload-file", path)
    message = house.only("curl@example.net")
    assert_is_the_invoice(message)
    assert message.content == path.read_bytes()


@needs_curl
async def test_curl_sends_with_a_password_after_starttls(house, tmp_path):
    path = tmp_path / "file.bin"
    path.write_bytes(FILE)
    await run(
        *("curl", "-sS", f"smtp://127.0.0.1:{house.submission}", "--ssl-reqd", "--cacert", house.authority),
        *("--user", f"{USER}:{PASSWORD}", "--mail-from", "shop@example.com", "--mail-rcpt", "curl-auth@example.net"),
        *("-H", f"Subject: {SUBJECT}", "-F", "=a text", "-F", f"file=@{path};filename={FILE_NAME};encoder=base64"),
    )
    message = house.only("curl-auth@example.net")
    assert (message.protocol, message.auth_user) == ("ESMTPSA", USER)
    assert attachment_of(parsed(message)) == (FILE_NAME, FILE)
    assert SUBJECT.encode() in message.content, "an 8-bit header field is kept as it came"


@needs_curl
async def test_curl_sends_over_implicit_tls(house, tmp_path):
    path = tmp_path / "invoice.eml"
    path.write_bytes(invoice("curl-tls@example.net").as_bytes().replace(b"\n", b"\r\n"))
    await run(
        *("curl", "-sS", f"smtps://127.0.0.1:{house.smtps}", "--cacert", house.authority),
        *("--user", f"{USER}:{PASSWORD}", "--mail-from", "shop@example.com", "--mail-rcpt", "curl-tls@example.net"),
        *("--upload-file", path),
    )
    assert house.only("curl-tls@example.net").content == path.read_bytes()


@needs_swaks
async def test_swaks_sends_without_a_password(house):
    await run(
        *("swaks", "--server", "127.0.0.1", "--port", str(house.plain), "--pipeline"),
        *("--from", "shop@example.com", "--to", "swaks@example.net,swaks2@example.net"),
        *("--header", f"Subject: {SUBJECT}", "--body", "a text\n.\nafter a dot"),
    )
    message = house.only("swaks@example.net")
    assert message.recipients == ("swaks@example.net", "swaks2@example.net")
    assert f"Subject: {SUBJECT}\r\n".encode() in message.content
    assert b"\r\n.\r\nafter a dot\r\n" in message.content


@needs_swaks
@pytest.mark.parametrize("method", ["PLAIN", "LOGIN"])
async def test_swaks_sends_with_a_password_after_starttls(house, tmp_path, method):
    path = tmp_path / FILE_NAME
    path.write_bytes(FILE)
    recipient = f"swaks-{method}@example.net"
    said = await run(
        *("swaks", "--server", "127.0.0.1", "--port", str(house.submission), "-tls", "-a", method),
        *("-au", USER, "-ap", PASSWORD, "--from", "shop@example.com", "--to", recipient),
        *("--header", "Subject: with a file", "--body", "a text"),
        *("--attach-type", "application/octet-stream", "--attach-name", FILE_NAME, "--attach", f"@{path}"),
    )
    assert "250 2.0.0" in said
    message = house.only(recipient)
    assert (message.protocol, message.auth_user) == ("ESMTPSA", USER)
    assert attachment_of(parsed(message)) == (FILE_NAME, FILE)
