"""The courier against a real archive and a real scripted upstream: what arrives, and what is written down."""

from __future__ import annotations

import hashlib

from relay.archive.api import Archive
from relay.rendition.edit import splice
from tests.support.dispatch import CONTENT, at_rest, courier_of, message_of, queue, states, upstream_of
from tests.support.upstream import ScriptedUpstream


async def test_a_due_delivery_is_sent_with_the_very_same_octets(archive: Archive) -> None:
    message = await queue(archive, message_of(CONTENT), CONTENT)
    async with ScriptedUpstream() as upstream:
        courier = courier_of(archive, [upstream_of(upstream.port)])
        await courier.start()
        found = await at_rest(archive, message)
        await courier.stop(5)
    assert states(found) == {"b@example.com": "sent"}
    received = upstream.messages[0]
    assert received.sender == "<a@example.com>"
    assert received.content == CONTENT
    attempt = found.attempts[0]
    assert attempt.wire_sha256 == message.sha256 == hashlib.sha256(received.content).digest()
    assert attempt.edits == ()
    assert attempt.peer == f"127.0.0.1:{upstream.port}"
    assert str(attempt.reply) == "250 2.0.0 queued as 4XyZ"


async def test_the_sent_copy_can_be_rebuilt_from_the_edits_that_were_stored(archive: Archive) -> None:
    content = b"X-Mailwitness-Tag: a\r\nSubject: x\n\r\nbare\nends\r.\r\n.\nlast"
    message = await queue(archive, message_of(content), content)
    async with ScriptedUpstream() as upstream:
        courier = courier_of(archive, [upstream_of(upstream.port)], trace="full")
        await courier.start()
        found = await at_rest(archive, message)
        await courier.stop(5)
    wire = upstream.messages[0].content
    attempt = found.attempts[0]
    assert wire == splice(await archive.content(message.id), attempt.edits)
    assert hashlib.sha256(wire).digest() == attempt.wire_sha256
    assert wire.startswith(b"Received: from app.example")
    assert wire.endswith(b"Subject: x\r\n\r\nbare\r\nends\r\n.\r\n.\r\nlast\r\n")
