"""A whole server that tells a program of what it does."""

from __future__ import annotations

import asyncio
import smtplib
from pathlib import Path

from tests.herald.conftest import SECRET
from tests.support.listening import Listening
from tests.support.server import RunningServer
from tests.support.upstream import ScriptedUpstream


async def test_a_message_sent_through_the_server_is_told_of(tmp_path: Path) -> None:
    async with Listening(SECRET) as listening, ScriptedUpstream() as upstream:
        text = (
            f'[[upstream]]\nhost = "127.0.0.1"\nport = {upstream.port}\ntls = "none"\n'
            f'[[endpoint]]\nname = "crm"\nurl = "{listening.url}"\nsecret = "{SECRET}"\nevents = ["captured", "sent"]\n'
            '[[endpoint]]\nname = "dead"\nurl = "http://127.0.0.1:1/"\n'
            f'secret = "{SECRET}"\n'
        )
        server = await asyncio.to_thread(RunningServer, tmp_path, text)
        try:
            await asyncio.to_thread(_send, server.smtp_port)
            await listening.has(2)
        finally:
            await asyncio.to_thread(server.stop)
    assert {one["type"] for one in listening.received} == {"captured", "sent"}


def _send(port: int) -> None:
    with smtplib.SMTP("127.0.0.1", port) as client:
        client.sendmail("a@example.com", ["b@example.com"], "Subject: x\r\n\r\nHello.\r\n")
