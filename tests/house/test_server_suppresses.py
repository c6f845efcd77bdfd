"""The whole server keeps mail from who asked for no more, and from mailboxes that are not there."""

from __future__ import annotations

import asyncio
import re
import smtplib
import urllib.request
from pathlib import Path

from relay.archive.api.suppression import Selection
from relay.archive.query import Query
from relay.model.event import Kind
from relay.model.suppression import Cause
from tests.support.fresh import open_archive
from tests.support.nursery import ran
from tests.support.server import RunningServer
from tests.support.upstream import ScriptedUpstream
from tests.support.waiting import wait_until

LETTER = b"From: Shop <shop@example.com>\r\nTo: all\r\nSubject: News\r\n\r\nHello.\r\n"
EVERYONE = ["ann@example.net", "bob@example.net", "carl@example.net", "gone@example.net"]
CONFIGURATION = """
[delivery]
mode = "relay"

[[application]]
name = "shop"
addresses = ["127.0.0.1"]
unsubscribe = true

[tracking]
port = 0
url = "http://127.0.0.1:8026/"

[[upstream]]
host = "127.0.0.1"
port = {port}
tls = "none"
"""


def submit(port: int) -> None:
    with smtplib.SMTP("127.0.0.1", port, timeout=20) as client:
        client.sendmail("shop@example.com", EVERYONE, LETTER)


def press(server: RunningServer, content: bytes) -> bytes:
    """The page after one-click unsubscribing with the link in a copy."""
    found = re.search(rb"List-Unsubscribe:\s+<http://127\.0\.0\.1:8026(/u/[\w-]+)>", content)
    assert found, content
    address = f"http://127.0.0.1:{server.tracking_port}{found[1].decode()}"
    with urllib.request.urlopen(address, b"List-Unsubscribe=One-Click", timeout=20) as answer:
        page: bytes = answer.read()
    return page


def command(server: RunningServer, *arguments: str) -> str:
    done = ran("suppression", *arguments, "-c", str(server.config_file))
    assert done.returncode == 0, done.stderr
    return done.stdout


async def test_who_is_on_the_list_is_recorded_and_not_sent(tmp_path: Path) -> None:
    async with ScriptedUpstream(script={"RCPT": {"<gone@example.net>": "550 5.1.1 no such user"}}) as upstream:
        server = await asyncio.to_thread(RunningServer, tmp_path, CONFIGURATION.format(port=upstream.port))
        try:
            await asyncio.to_thread(submit, server.smtp_port)
            copies = {message.recipients[0]: message.content for message in await upstream.received(3)}
            page = await asyncio.to_thread(press, server, copies["<bob@example.net>"])
            assert b"No more mail like this" in page
            await asyncio.to_thread(command, server, "add", "CARL@example.net", "--reason", "by phone")
            await asyncio.to_thread(wait_until, lambda: len(command(server, "list").splitlines()) == 3)
            await asyncio.to_thread(submit, server.smtp_port)
            sent = [message.recipients for message in await upstream.received(4)]
            assert sent[3:] == [("<ann@example.net>",)]
        finally:
            assert await asyncio.to_thread(server.stop) == 0
        assert [message.recipients for message in upstream.messages][3:] == [("<ann@example.net>",)]
    archive = await open_archive(f"sqlite:///{tmp_path}/data/archive.db", read_only=True)
    second, first = (await archive.search(Query())).rows
    assert {state.value: count for state, count in second.states.items()} == {"sent": 1, "suppressed": 3}
    why = {duty.recipient.address: duty.why for duty in (await archive.message(second.id)).deliveries}
    assert why["gone@example.net"] == "the recipient is on the suppression list (bounced): 550 5.1.1 no such user"
    assert why["carl@example.net"] == "the recipient is on the suppression list (put there by hand): by phone"
    assert (
        why["bob@example.net"] == "the recipient is on the suppression list (unsubscribed): with the link in a message"
    )
    [bob] = [duty for duty in (await archive.message(first.id)).deliveries if duty.recipient.address == EVERYONE[1]]
    assert bob.unsubscribed_at is not None
    kinds = [event.kind for _, event in await archive.events(message_id=second.id)]
    assert kinds.count(Kind.SUPPRESSED) == 3
    entries = [one async for one in archive.all_suppressions(Selection(bob.unsubscribed_at))]
    assert {(one.address.lower(), one.cause, one.message_id == first.id) for one in entries} == {
        ("bob@example.net", Cause.UNSUBSCRIBE, True),
        ("carl@example.net", Cause.MANUAL, False),
        ("gone@example.net", Cause.BOUNCE, True),
    }
    await archive.close()
