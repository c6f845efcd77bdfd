"""The journal: what another archive gets, on real sockets; nothing lost when it refuses or we are killed."""

from __future__ import annotations

import asyncio
import email
import hashlib
import smtplib
from email.message import Message
from pathlib import Path

import pytest

from relay.archive.api import Archive
from relay.config import TlsPolicy, Upstream
from relay.handover.journal import Journal
from relay.model.deletion import Order
from relay.model.event import Event, Kind
from tests.support.archive_values import NOON, new_id
from tests.support.notarised import LETTER, keep
from tests.support.server import RunningServer
from tests.support.upstream import ScriptedUpstream

HOUSE = "witness.test"
TO = "journal@archive.test"


def to_it(upstream: ScriptedUpstream) -> Upstream:
    return Upstream(name="other", host="127.0.0.1", port=upstream.port, tls=TlsPolicy.NONE)


async def started(archive: Archive, upstream: ScriptedUpstream) -> Journal:
    journal = Journal(TO, to_it(upstream), house=HOUSE, archive=archive, wait=0.01)
    await journal.start()
    return journal


async def arrived(upstream: ScriptedUpstream, number: int) -> list[Message]:
    async with asyncio.timeout(20):
        while len(upstream.messages) < number:
            await asyncio.sleep(0.01)
    return [email.message_from_bytes(one.content) for one in upstream.messages]


def told(report: Message) -> dict[str, list[str]]:
    text = report.get_payload(0).get_payload(decode=True).decode()  # type: ignore[union-attr]
    lines: dict[str, list[str]] = {}
    for line in text.splitlines():
        name, _, value = line.partition(": ")
        lines.setdefault(name, []).append(value)
    return lines


async def test_each_message_is_reported_with_its_envelope_and_its_octets(archive: Archive) -> None:
    await keep(archive, 1)
    async with ScriptedUpstream() as upstream:
        journal = await started(archive, upstream)
        message = await keep(archive, 2, "jane@example.com", "blind@example.com")
        (report,) = await arrived(upstream, 1)
        await journal.stop()
    assert upstream.messages[0].content.count(LETTER) == 1
    assert "X-MS-Journal-Report" in report
    assert report.get_content_type() == "multipart/mixed"
    assert report.get_payload(1).get_content_type() == "message/rfc822"  # type: ignore[union-attr]
    lines = told(report)
    assert lines["Recipient"] == ["jane@example.com", "blind@example.com"]
    assert lines["Sender"] == [message.envelope.sender]
    assert lines["X-SHA256"] == [hashlib.sha256(LETTER).hexdigest()]
    assert lines["X-Mailwitness-Id"] == [message.id]
    assert (await archive.message(message.id)).deliveries[0].attempts == 0


@pytest.mark.parametrize(
    "content", [b"Subject: a\nbare\n", b"Subject: a\r\n\r\nno end", b"Subject: a\r\n\r\n\xff\0\r\n"]
)
async def test_what_cannot_stand_in_a_message_is_attached_in_base64(archive: Archive, content: bytes) -> None:
    async with ScriptedUpstream() as upstream:
        journal = await started(archive, upstream)
        await keep(archive, 1, content=content)
        (report,) = await arrived(upstream, 1)
        await journal.stop()
    assert report.get_payload(1).get_payload(decode=True) == content  # type: ignore[union-attr]


async def test_eight_bits_go_in_base64_to_who_does_not_take_them(archive: Archive) -> None:
    content = LETTER + b"\xff\r\n"
    async with ScriptedUpstream(extensions=("PIPELINING",)) as upstream:
        journal = await started(archive, upstream)
        await keep(archive, 1, content=content)
        (report,) = await arrived(upstream, 1)
        await journal.stop()
    assert upstream.messages[0].content.isascii()
    assert report.get_payload(1).get_payload(decode=True) == content  # type: ignore[union-attr]


async def test_a_refusal_stops_it_there_and_nothing_is_left_out(archive: Archive) -> None:
    async with ScriptedUpstream(script={"DOT": ["451 later", "554 no", None]}) as upstream:
        journal = await started(archive, upstream)
        ids = [(await keep(archive, number)).id for number in range(1, 4)]
        reports = await arrived(upstream, 5)
        await journal.stop()
    names = [told(report)["X-Mailwitness-Id"][0] for report in reports]
    assert names == [ids[0], ids[0], *ids]


async def test_a_report_is_never_reported(archive: Archive) -> None:
    async with ScriptedUpstream() as upstream:
        journal = await started(archive, upstream)
        await keep(archive, 1, content=b"Subject: x\r\nX-MS-Journal-Report:\r\n\r\nreport\r\n")
        await keep(archive, 2, content=b"x-mailwitness-journal: 1\r\n\r\nreport\r\n")
        last = await keep(archive, 3, content=b"Subject: y\r\n\r\nX-MS-Journal-Report: in a body\r\n")
        (report,) = await arrived(upstream, 1)
        await journal.stop()
    assert told(report)["X-Mailwitness-Id"] == [last.id]


async def test_of_a_deleted_message_the_envelope_is_reported(archive: Archive) -> None:
    async with ScriptedUpstream(script={"MAIL": ["451 later", None]}) as upstream:
        first = await started(archive, upstream)
        await first.stop()
        message = await keep(archive, 1)
        data = {"reason": "asked for", "sha256": message.sha256.hex(), "size": message.size}
        event = Event(new_id(), NOON, Kind.DELETED, "user:ann", message.id, data=data)
        waiting = (await archive.message(message.id)).deliveries
        assert waiting
        (outcome,) = await archive.delete_content([Order(message.id, event)])
        journal = await started(archive, upstream)
        (report,) = await arrived(upstream, 1)
        await journal.stop()
    lines = told(report)
    assert lines["X-SHA256"] == [message.sha256.hex()]
    if outcome.fate == "deleted":
        assert "asked for" in lines["X-Deleted"][0]


CONFIG = """
[delivery]
mode = "capture"

[[upstream]]
name = "other"
host = "127.0.0.1"
port = {port}
tls = "none"

[journal]
to = "journal@archive.test"
"""


async def test_killed_in_between_each_is_reported_at_least_once(tmp_path: Path) -> None:
    async with ScriptedUpstream() as upstream:
        config = CONFIG.format(port=upstream.port)
        server = await asyncio.to_thread(RunningServer, tmp_path, config)
        try:
            for round_ in range(3):
                await asyncio.to_thread(_send, server.smtp_port, round_, 20)
                await arrived(upstream, 1 + 20 * round_ + 3)
                await asyncio.to_thread(server.kill)
                await asyncio.to_thread(server.start)
            async with asyncio.timeout(30):
                while len(_subjects(upstream)) < 60:
                    await asyncio.sleep(0.02)
        finally:
            await asyncio.to_thread(server.kill)
    assert _subjects(upstream) == {f"{round_}-{n}" for round_ in range(3) for n in range(20)}
    ids = {one["Message-ID"] for one in (email.message_from_bytes(m.content) for m in upstream.messages)}
    assert len(ids) == 60


def _subjects(upstream: ScriptedUpstream) -> set[str]:
    reports = (email.message_from_bytes(one.content) for one in upstream.messages)
    return {report.get_payload(1).get_payload(0)["Subject"] for report in reports}  # type: ignore[union-attr,index]


def _send(port: int, round_: int, number: int) -> None:
    with smtplib.SMTP("127.0.0.1", port, timeout=20) as client:
        for n in range(number):
            client.sendmail("a@example.com", ["b@example.com"], f"Subject: {round_}-{n}\r\n\r\nx\r\n".encode())
