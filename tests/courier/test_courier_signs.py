"""The sent copy is signed over the octets that go out, the facts of it are kept, and what cannot be signed waits."""

from __future__ import annotations

import pytest

from relay.archive.api import Archive
from relay.config import Delivery as DeliveryTable
from relay.config import Trace
from relay.model.delivery import State
from relay.model.event import Event, Kind
from relay.rendition.edit import splice
from relay.rendition.keyring import Keyring
from relay.rendition.signing import Manner, Signer
from tests.support.dispatch import at_rest, courier_of, message_of, queue, states, upstream_of
from tests.support.signatures import NOW, ed25519_key, rsa_key, verdicts
from tests.support.upstream import ScriptedUpstream

KEYS = [rsa_key(), ed25519_key()]
SIGNER = Signer(Keyring(KEYS), Manner())
CONTENT = b"X-Mailwitness-Tag: a\nFrom: Jo <jo@example.com>\nTo: ann@example.net\nSubject: hello\n\n.dot \t\n\n"


async def events_of(archive: Archive, message_id: str) -> list[Event]:
    return [event for _, event in await archive.events(message_id=message_id)]


def real_clock() -> int:
    """dkimpy refuses what is signed in its future."""
    return NOW * 1_000_000


async def test_what_goes_out_is_signed_by_all_keys_over_its_last_form(archive: Archive) -> None:
    message = await queue(archive, message_of(CONTENT, "b@example.com", "c@example.com"), CONTENT, due_at=0)
    async with ScriptedUpstream() as upstream:
        courier = courier_of(archive, [upstream_of(upstream.port)], signer=SIGNER, trace="minimal", clock=real_clock)
        await courier.start()
        found = await at_rest(archive, message)
        await courier.stop(5)
    assert set(states(found).values()) == {"sent"}
    (received,) = upstream.messages
    assert received.content.startswith(b"DKIM-Signature: v=1; a=rsa-sha256;")
    assert verdicts(received.content, KEYS) == [True, True]
    for attempt in found.attempts:
        assert attempt.signatures == tuple(key.facts("example.com") for key in KEYS)
        assert attempt.edits[0].step == "dkim"
        assert splice(CONTENT, attempt.edits) == received.content


async def test_a_domain_without_a_key_is_sent_as_it_is(archive: Archive) -> None:
    content = b"From: jo@example.org\r\n\r\nHello.\r\n"
    message = await queue(archive, message_of(content), content)
    async with ScriptedUpstream() as upstream:
        courier = courier_of(archive, [upstream_of(upstream.port)], signer=SIGNER)
        await courier.start()
        found = await at_rest(archive, message)
        await courier.stop(5)
    assert upstream.messages[0].content == content
    assert found.attempts[0].edits == ()
    assert found.attempts[0].signatures == ()


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"To: b@example.com\r\n\r\nHello.\r\n", "there is no From field with an address, by which a key is chosen"),
        (b"From: jo@example.com\r\nTo    : b\r\n\r\nHello.\r\n", "header field 2 has white space before its colon"),
    ],
)
async def test_what_cannot_be_signed_waits_and_says_why(archive: Archive, content: bytes, why: str) -> None:
    message = await queue(archive, message_of(content), content)
    async with ScriptedUpstream() as upstream:
        courier = courier_of(archive, [upstream_of(upstream.port)], signer=SIGNER)
        await courier.start()
        found = await at_rest(archive, message)
        await courier.stop(5)
    assert upstream.messages == []
    (delivery,) = found.deliveries
    assert delivery.state is State.DEFERRED
    assert delivery.due_at is not None
    assert delivery.reply is not None
    assert (delivery.reply.code, delivery.reply.enhanced, delivery.reply.is_local) == (451, "4.7.5", True)
    assert delivery.reply.text == f"not sent, it cannot be signed: {why}"
    (event,) = [event for event in await events_of(archive, message.id) if event.kind is Kind.DEFERRED]
    assert event.data["text"] == delivery.reply.text


async def test_it_is_signed_once_a_reload_brings_the_key(archive: Archive) -> None:
    message = await queue(archive, message_of(CONTENT), CONTENT)
    async with ScriptedUpstream() as upstream:
        courier = courier_of(archive, [])
        await courier.start()
        await courier.reload(DeliveryTable(trace=Trace.NONE), [upstream_of(upstream.port)], "relay.example", SIGNER)
        await at_rest(archive, message)
        await courier.stop(5)
    assert upstream.messages[0].content.startswith(b"DKIM-Signature: ")


@pytest.mark.parametrize("content", [b"From: jo@example.com\r\nSubject: no body\r\n", b"From: jo@example.com"])
async def test_a_header_without_a_body_gets_its_blank_line(archive: Archive, content: bytes) -> None:
    message = await queue(archive, message_of(content), content, due_at=0)
    async with ScriptedUpstream() as upstream:
        courier = courier_of(archive, [upstream_of(upstream.port)], signer=SIGNER, clock=real_clock)
        await courier.start()
        found = await at_rest(archive, message)
        await courier.stop(5)
    wire = upstream.messages[0].content
    assert wire.endswith(content.rstrip(b"\r\n") + b"\r\n\r\n")
    assert wire == splice(content, found.attempts[0].edits)
    assert verdicts(wire, KEYS) == [True, True]


async def test_a_large_message_is_signed(archive: Archive) -> None:
    content = b"From: jo@example.com\r\n\r\n" + b"words and  more \r\n" * 20_000
    message = await queue(archive, message_of(content), content, due_at=0)
    async with ScriptedUpstream() as upstream:
        courier = courier_of(archive, [upstream_of(upstream.port)], signer=SIGNER, clock=real_clock)
        await courier.start()
        await at_rest(archive, message)
        await courier.stop(5)
    assert verdicts(upstream.messages[0].content, KEYS) == [True, True]
