"""What is passed on when the upstream offers it, and what becomes of a message when it does not."""

from __future__ import annotations

from typing import Any

from relay.archive.api import Archive, StoredMessage
from relay.model.message import Message, Recipient
from tests.support.dispatch import CONTENT, at_rest, courier_of, message_of, queue, states, upstream_of
from tests.support.upstream import EVERYTHING, ScriptedUpstream

B = "b@example.com"
UMLAUT = "bücher@example.com"


async def send(
    archive: Archive, message: Message, content: bytes, upstream: ScriptedUpstream, **settings: Any
) -> StoredMessage:
    await queue(archive, message, content)
    courier = courier_of(archive, [upstream_of(upstream.port)], **settings)
    await courier.start()
    found = await at_rest(archive, message)
    await courier.stop(5)
    return found


def without(*words: str) -> tuple[str, ...]:
    return tuple(word for word in EVERYTHING if word.split()[0] not in words)


async def test_eight_bit_content_is_announced(archive: Archive) -> None:
    content = "Subject: x\r\n\r\nGrüße\r\n".encode()
    async with ScriptedUpstream() as upstream:
        await send(archive, message_of(content), content, upstream)
    assert upstream.messages[0].mail_parameters == (f"SIZE={len(content)}", "BODY=8BITMIME")
    assert upstream.messages[0].content == content


async def test_eight_bit_content_is_never_re_encoded(archive: Archive) -> None:
    content = "Subject: x\r\n\r\nGrüße\r\n".encode()
    async with ScriptedUpstream(extensions=without("8BITMIME")) as upstream:
        found = await send(archive, message_of(content), content, upstream)
    assert states(found) == {B: "failed"}
    assert str(found.deliveries[0].reply).startswith("554 5.6.3 ")
    assert upstream.messages == []


async def test_a_message_larger_than_the_upstream_takes_fails_without_being_sent(archive: Archive) -> None:
    async with ScriptedUpstream(extensions=("SIZE 50",)) as upstream:
        found = await send(archive, message_of(CONTENT), CONTENT, upstream)
    assert states(found) == {B: "failed"}
    assert str(found.deliveries[0].reply) == (
        f"552 5.3.4 {len(CONTENT)} octets, more than the 50 that the upstream takes"
    )
    assert upstream.commands == ["EHLO relay.example", "QUIT"]


async def test_an_internationalised_address_needs_smtputf8(archive: Archive) -> None:
    async with ScriptedUpstream() as upstream:
        found = await send(archive, message_of(CONTENT, UMLAUT), CONTENT, upstream)
    assert states(found) == {UMLAUT: "sent"}
    assert "SMTPUTF8" in upstream.messages[0].mail_parameters
    assert upstream.messages[0].recipients == (f"<{UMLAUT}>",)


async def test_without_smtputf8_only_the_internationalised_recipient_fails(archive: Archive) -> None:
    async with ScriptedUpstream(extensions=without("SMTPUTF8")) as upstream:
        found = await send(archive, message_of(CONTENT, UMLAUT, B), CONTENT, upstream)
    assert states(found) == {UMLAUT: "failed", B: "sent"}
    assert str(found.deliveries[0].reply).startswith("553 5.6.7 ")
    assert upstream.messages[0].recipients == (f"<{B}>",)


async def test_without_smtputf8_an_internationalised_header_fails(archive: Archive) -> None:
    content = "Subject: Grüße\r\n\r\nx\r\n".encode()
    async with ScriptedUpstream(extensions=without("SMTPUTF8")) as upstream:
        declared = await send(archive, message_of(content, smtputf8=True), content, upstream)
        undeclared = await send(archive, message_of(content), content, upstream)
    assert states(declared) == {B: "failed"}
    assert str(declared.deliveries[0].reply).startswith("553 5.6.7 ")
    assert states(undeclared) == {B: "sent"}


async def test_dsn_parameters_are_passed_on_as_given(archive: Archive) -> None:
    recipient = Recipient(B, notify="SUCCESS,FAILURE", orcpt="rfc822;B+2Bx@example.com")
    message = message_of(CONTENT, recipient, ret="HDRS", envid="Order+3D7")
    async with ScriptedUpstream() as upstream:
        found = await send(archive, message, CONTENT, upstream)
    assert states(found) == {B: "sent"}
    assert upstream.messages[0].mail_parameters == (f"SIZE={len(CONTENT)}", "RET=HDRS", "ENVID=Order+3D7")
    assert upstream.messages[0].rcpt_parameters == (("NOTIFY=SUCCESS,FAILURE", "ORCPT=rfc822;B+2Bx@example.com"),)


async def test_the_identity_an_application_claims_is_not_passed_on(archive: Archive) -> None:
    async with ScriptedUpstream(credentials=None, extensions=(*EVERYTHING, "AUTH PLAIN")) as upstream:
        await send(archive, message_of(CONTENT, auth="boss@example.com"), CONTENT, upstream)
    assert upstream.messages[0].mail_parameters == (f"SIZE={len(CONTENT)}",)


async def test_an_upstream_that_knows_no_extensions_gets_the_plain_commands(archive: Archive) -> None:
    recipient = Recipient(B, notify="FAILURE", orcpt="rfc822;b@example.com")
    async with ScriptedUpstream(extensions=(), script={"EHLO": "502 5.5.1 what?"}) as upstream:
        await send(archive, message_of(CONTENT, recipient, ret="FULL", envid="x"), CONTENT, upstream)
    assert upstream.commands[1:] == [
        "HELO relay.example",
        "MAIL FROM:<a@example.com>",
        f"RCPT TO:<{B}>",
        "DATA",
        "QUIT",
    ]


async def test_the_null_sender_stays_null(archive: Archive) -> None:
    async with ScriptedUpstream() as upstream:
        await send(archive, message_of(CONTENT, sender=""), CONTENT, upstream)
    assert upstream.messages[0].sender == "<>"


async def test_an_address_that_could_be_a_command_is_never_written(archive: Archive) -> None:
    evil = "b@example.com>\r\nRCPT TO:<c@example.com"
    async with ScriptedUpstream() as upstream:
        found = await send(archive, message_of(CONTENT, evil, B), CONTENT, upstream)
    assert states(found) == {evil: "failed", B: "sent"}
    assert upstream.messages[0].recipients == (f"<{B}>",)


async def test_non_ascii_words_of_the_upstream_are_kept(archive: Archive) -> None:
    async with ScriptedUpstream(script={"DOT": "550 5.7.1 Postfach gelöscht \udcff"}) as upstream:
        found = await send(archive, message_of(CONTENT), CONTENT, upstream)
    assert str(found.deliveries[0].reply) == "550 5.7.1 Postfach gelöscht \\xff"
