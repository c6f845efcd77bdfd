"""The whole server signs with the configured key, and with another one after a reload."""

from __future__ import annotations

import asyncio
import signal
import smtplib
from pathlib import Path

from tests.support.server import RunningServer
from tests.support.signatures import ed25519_key, pem, verdicts
from tests.support.upstream import ScriptedUpstream
from tests.support.waiting import until

CONTENT = b"From: Jo <jo@example.com>\r\nSubject: hello\r\n\r\nHello.\r\n"
OLD, NEW = ed25519_key(selector="old"), ed25519_key(selector="new")
UPSTREAM = '\n[[upstream]]\nhost = "127.0.0.1"\nport = {port}\ntls = "none"\n'
KEY = '\n[[dkim.key]]\ndomain = "example.com"\nselector = "{name}"\nfile = "{folder}/{name}.pem"\nactive = {active}\n'


def send(port: int) -> None:
    with smtplib.SMTP("127.0.0.1", port, timeout=20) as client:
        client.sendmail("jo@example.com", ["ann@example.net"], CONTENT)


def keys(folder: Path, active: str) -> str:
    lines = [KEY.format(name=name, folder=folder, active=str(name == active).lower()) for name in ("old", "new")]
    return "".join(lines)


async def test_a_reload_changes_the_selector_and_keeps_the_old_one_when_a_key_is_open_to_others(tmp_path: Path) -> None:
    for key in (OLD, NEW):
        (tmp_path / f"{key.selector}.pem").write_bytes(pem(key))
        (tmp_path / f"{key.selector}.pem").chmod(0o600)
    async with ScriptedUpstream() as upstream:
        text = UPSTREAM.format(port=upstream.port) + keys(tmp_path, "old")
        server = await asyncio.to_thread(RunningServer, tmp_path, text)
        try:
            await asyncio.to_thread(send, server.smtp_port)
            await until(lambda: len(upstream.messages) == 1)
            server.config_file.write_text(server.config_file.read_text().replace(text, ""))
            with server.config_file.open("a") as file:
                file.write(UPSTREAM.format(port=upstream.port) + keys(tmp_path, "new"))
            server.process.send_signal(signal.SIGHUP)
            await asyncio.to_thread(server.wait_for_log, "configuration reloaded")
            await asyncio.to_thread(send, server.smtp_port)
            await until(lambda: len(upstream.messages) == 2)
            (tmp_path / "new.pem").chmod(0o644)
            server.process.send_signal(signal.SIGHUP)
            line = await asyncio.to_thread(server.wait_for_log, "configuration not reloaded")
            await asyncio.to_thread(send, server.smtp_port)
            await until(lambda: len(upstream.messages) == 3)
        finally:
            assert await asyncio.to_thread(server.stop) == 0
    first, second, third = (message.content for message in upstream.messages)
    assert verdicts(first, [OLD]) == verdicts(second, [NEW]) == verdicts(third, [NEW]) == [True]
    assert "may be read by others (mode 0644), expected mode 0600" in line["problems"][0]
