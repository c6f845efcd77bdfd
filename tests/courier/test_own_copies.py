"""Who gets a copy of their own, and what is in it: return path, provider's field, one-click, whom it was for."""

from __future__ import annotations

import itertools
from typing import Any

from relay.archive.api import Archive, StoredMessage
from relay.config import Application, Bounces, Tracking
from relay.courier.marking import Marking
from relay.model.event import Kind
from relay.model.token import TokenKind
from relay.rendition.edit import splice
from relay.rendition.keyring import Keyring
from relay.rendition.signing import Manner, Signer
from tests.support.dispatch import CONTENT, at_rest, courier_of, message_of, queue, states, upstream_of
from tests.support.signatures import NOW, ed25519_key, rsa_key, verdicts
from tests.support.upstream import ScriptedUpstream

KEYS = [rsa_key(), ed25519_key()]
SIGNER = Signer(Keyring(KEYS), Manner())
RECIPIENTS = ("b@example.com", "c@example.com")


def marking(*, unsubscribe: bool = False, domain: str = "") -> Marking:
    numbers = itertools.count(1)
    return Marking(
        Tracking(url="https://t.example/"),
        (Application(name="app", unsubscribe=unsubscribe),),
        lambda: f"token{next(numbers):017}",
        Bounces(domain=domain),
        lambda: f"return{next(numbers):020}",
    )


async def carried(
    archive: Archive,
    upstream: ScriptedUpstream,
    content: bytes = CONTENT,
    *,
    sender: str = "a@example.com",
    delivery: dict[str, Any] | None = None,
    provider: str = "",
    **settings: Any,
) -> StoredMessage:
    message = await queue(archive, message_of(content, *RECIPIENTS, sender=sender), content, **(delivery or {}))
    courier = courier_of(archive, [upstream_of(upstream.port, provider=provider)], **settings)
    await courier.start()
    found = await at_rest(archive, message)
    await courier.stop(5)
    assert set(states(found).values()) == {"sent"}
    by_id = {delivery.id: delivery.recipient.address for delivery in found.deliveries}
    for attempt in found.attempts:
        (wire,) = {one.content for one in upstream.messages if f"<{by_id[attempt.delivery_id]}>" in one.recipients}
        assert splice(content, attempt.edits) == wire
    return found


async def test_without_a_wish_all_share_one_copy(archive: Archive) -> None:
    async with ScriptedUpstream() as upstream:
        found = await carried(archive, upstream, marking=marking())
    (sent,) = upstream.messages
    assert sent.content == CONTENT
    assert [attempt.sender for attempt in found.attempts] == [None, None]
    assert await archive.tokens_of(found.message.id) == []


async def test_each_has_a_return_path_whose_token_is_kept(archive: Archive) -> None:
    async with ScriptedUpstream() as upstream:
        found = await carried(archive, upstream, marking=marking(domain="back.example"))
    assert [one.content for one in upstream.messages] == [CONTENT, CONTENT]
    tokens = await archive.tokens_of(found.message.id)
    assert {token.kind for token in tokens} == {TokenKind.RETURN}
    senders = {attempt.delivery_id: attempt.sender for attempt in found.attempts}
    assert senders == {token.delivery_id: f"bounces+{token.id}@back.example" for token in tokens}
    assert {one.sender for one in upstream.messages} == {f"<{sender}>" for sender in senders.values()}


async def test_the_null_sender_stays_null(archive: Archive) -> None:
    async with ScriptedUpstream() as upstream:
        found = await carried(archive, upstream, sender="", marking=marking(domain="back.example"))
    assert [one.sender for one in upstream.messages] == ["<>"]
    assert await archive.tokens_of(found.message.id) == []


async def test_the_providers_field_names_the_delivery_and_its_reply_the_message(archive: Archive) -> None:
    content = b'X-SMTPAPI: {"unique_args": {"order": "7"}}\r\n' + CONTENT
    async with ScriptedUpstream(script={"DOT": "250 Ok: queued as vXr5kZ4wTf6bZ0pJq3y7Sg"}) as upstream:
        found = await carried(archive, upstream, content, provider="sendgrid")
    assert len(upstream.messages) == 2
    for delivery in found.deliveries:
        wire = b'X-SMTPAPI: {"unique_args": {"mailwitness":"' + delivery.id.encode() + b'","order": "7"}}\r\n'
        assert [one.recipients for one in upstream.messages if wire in one.content] == [
            (f"<{delivery.recipient.address}>",)
        ]
    assert {attempt.provider_id for attempt in found.attempts} == {"vXr5kZ4wTf6bZ0pJq3y7Sg"}


async def test_what_cannot_be_merged_is_left_alone_and_said(archive: Archive) -> None:
    content = b"X-SMTPAPI: broken\r\n" + CONTENT
    async with ScriptedUpstream() as upstream:
        found = await carried(archive, upstream, content, provider="sendgrid")
    assert {one.content for one in upstream.messages} == {content}
    (event,) = [one for _, one in await archive.events(message_id=found.message.id) if one.kind is Kind.NOT_TRACKED]
    assert event.data == {"reasons": ["X-SMTPAPI left alone: it is no JSON object"]}


async def test_each_can_unsubscribe_with_one_click_and_it_is_signed(archive: Archive) -> None:
    async with ScriptedUpstream() as upstream:
        found = await carried(
            archive,
            upstream,
            marking=marking(unsubscribe=True),
            signer=SIGNER,
            clock=lambda: NOW * 1_000_000,
            delivery={"due_at": 0},
        )
    tokens = await archive.tokens_of(found.message.id)
    assert [token.kind for token in tokens] == [TokenKind.UNSUBSCRIBE] * 2
    for token in tokens:
        (sent,) = [one for one in upstream.messages if f"<https://t.example/u/{token.id}>".encode() in one.content]
        assert b"List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n" in sent.content
        assert b"list-unsubscribe-post" in sent.content.partition(b"\r\n b=")[0]
        assert verdicts(sent.content, KEYS) == [True, True]
    for attempt in found.attempts:
        assert [signature.selector for signature in attempt.signatures] == [key.selector for key in KEYS]


async def test_a_list_unsubscribe_of_its_own_stays_alone(archive: Archive) -> None:
    content = b"List-Unsubscribe: <mailto:leave@example.com>\r\n" + CONTENT
    async with ScriptedUpstream() as upstream:
        await carried(archive, upstream, content, marking=marking(unsubscribe=True))
    (sent,) = upstream.messages
    assert sent.content == content


async def test_a_signed_message_gets_none_and_it_is_said(archive: Archive) -> None:
    content = b"DKIM-Signature: v=1\r\n" + CONTENT
    async with ScriptedUpstream() as upstream:
        found = await carried(archive, upstream, content, marking=marking(unsubscribe=True))
    assert upstream.messages[0].content == content
    events = [one.data for _, one in await archive.events(message_id=found.message.id) if one.kind is Kind.NOT_TRACKED]
    assert events == [{"reasons": ["List-Unsubscribe not added: the message is already signed"]}]


async def test_a_redirected_copy_says_whom_it_was_for(archive: Archive) -> None:
    async with ScriptedUpstream() as upstream:
        await carried(archive, upstream, delivery={"original": "zoë@example.net"}, marking=marking())
    assert len(upstream.messages) == 2
    for sent in upstream.messages:
        assert sent.content.startswith(b"X-Mailwitness-Original-Recipient: =?utf-8?b?")
        assert sent.content.endswith(CONTENT)
