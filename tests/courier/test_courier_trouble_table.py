"""Every step of a session, every way to fail there: the state of each recipient and what the reply says.

Two recipients, `b` and `c`. A row: what the upstream does -> what becomes of each. `not tried` means that DATA was
never sent.
"""

from __future__ import annotations

import ssl
from dataclasses import dataclass

import pytest

from relay.archive.api import Archive
from relay.courier import trouble
from relay.courier.pool import Pool
from relay.courier.rendering import checked
from tests.support.dispatch import CONTENT, at_rest, courier_of, message_of, queue, states, upstream_of
from tests.support.upstream import DROP, EVERYTHING, HANG, RESET, Raw, ScriptedUpstream, Step

B, C = "b@example.com", "c@example.com"
ONE_BY_ONE = tuple(word for word in EVERYTHING if word != "PIPELINING")


@dataclass(frozen=True)
class Row:
    step: str
    does: Step
    b: str
    c: str
    reply: str
    """Part of the reply of `b`."""
    arrives: bool = False
    """Whether the upstream got the content to the final dot."""


GARBAGE = Raw(b"HTTP/1.1 400 Bad Request\r\n\r\n")
ENDLESS = Raw(b"2" * 10_000)
MANY_LINES = Raw(b"250-and\r\n" * 300)
FLOOD = Raw(b"220 hello\r\n" * 2000)
TWO_CODES = Raw(b"250-a\r\n550 b\r\n")
B_ONLY = {"<b@example.com>": "550 5.1.1 no such user"}

ROWS = [
    Row("banner", "421 4.3.2 busy", "deferred", "deferred", "421 4.3.2 busy"),
    Row("banner", "554 5.7.1 blocked", "deferred", "deferred", "refused the connection: 554 5.7.1 blocked"),
    Row("banner", "354 what", "deferred", "deferred", "broke the protocol: answered 354 to the connection"),
    Row("banner", GARBAGE, "deferred", "deferred", "not an SMTP reply line"),
    Row("banner", ENDLESS, "deferred", "deferred", "more than 8192 octets"),
    Row("banner", MANY_LINES, "deferred", "deferred", "more than 256 lines"),
    Row("banner", FLOOD, "deferred", "deferred", "replies to nothing"),
    Row("banner", DROP, "deferred", "deferred", "closed the connection"),
    Row("banner", RESET, "deferred", "deferred", "Connection reset"),
    Row("banner", HANG, "deferred", "deferred", "no reply within 1 s"),
    Row("EHLO", "421 4.3.2 busy", "deferred", "deferred", "421 4.3.2 busy"),
    Row("EHLO", "451 4.3.0 later", "deferred", "deferred", "451 4.3.0 later"),
    Row("EHLO", DROP, "deferred", "deferred", "closed the connection"),
    Row("EHLO", TWO_CODES, "deferred", "deferred", "2 different codes"),
    Row("EHLO", "550 5.7.1 not you", "sent", "sent", "250", arrives=True),  # HELO is tried, and works
    Row("MAIL", "421 4.3.2 busy", "deferred", "deferred", "421 4.3.2 busy"),
    Row("MAIL", "451 4.3.0 later", "deferred", "deferred", "451 4.3.0 later"),
    Row("MAIL", "550 5.1.8 bad sender", "failed", "failed", "550 5.1.8 bad sender"),
    Row("MAIL", "530 5.7.0 authentication required", "deferred", "deferred", "refused MAIL: 530"),
    Row("MAIL", "354 what", "deferred", "deferred", "answered 354 to MAIL"),
    Row("MAIL", GARBAGE, "deferred", "deferred", "not an SMTP reply line"),
    Row("MAIL", DROP, "deferred", "deferred", "closed the connection"),
    Row("MAIL", HANG, "deferred", "deferred", "no reply within 1 s"),
    Row("RCPT", "550 5.1.1 no", "failed", "failed", "550 5.1.1 no"),
    Row("RCPT", "450 4.2.1 later", "deferred", "deferred", "450 4.2.1 later"),
    Row("RCPT", B_ONLY, "failed", "sent", "550 5.1.1 no such user", arrives=True),
    Row("RCPT", {"<b@example.com>": "450 4.2.1 grey"}, "deferred", "sent", "450 4.2.1 grey", arrives=True),
    Row("RCPT", ["450 4.2.1 grey", "550 5.1.1 no"], "deferred", "failed", "450 4.2.1 grey"),
    Row("RCPT", ["251 2.1.5 will forward", "252 2.1.5 will try"], "sent", "sent", "250 2.0.0", arrives=True),
    Row("RCPT", ["550 5.1.1 no", "421 4.3.2 busy"], "failed", "deferred", "550 5.1.1 no"),
    Row("RCPT", ["250 2.1.5 ok", "421 4.3.2 busy"], "deferred", "deferred", "421 4.3.2 busy"),
    Row("RCPT", ["550 5.1.1 no", DROP], "failed", "deferred", "550 5.1.1 no"),
    Row("RCPT", ["250 2.1.5 ok", GARBAGE], "deferred", "deferred", "not an SMTP reply line"),
    Row("DATA", "451 4.3.0 later", "deferred", "deferred", "451 4.3.0 later"),
    Row("DATA", "554 5.7.1 no", "failed", "failed", "554 5.7.1 no"),
    Row("DATA", "421 4.3.2 busy", "deferred", "deferred", "421 4.3.2 busy"),
    Row("DATA", "250 2.0.0 what", "deferred", "deferred", "answered 250 to DATA"),
    Row("DATA", DROP, "deferred", "deferred", "closed the connection"),
    Row("DATA", HANG, "deferred", "deferred", "no reply within 1 s"),
    Row("DOT", "451 4.3.0 later", "deferred", "deferred", "451 4.3.0 later", arrives=True),
    Row("DOT", "554 5.6.0 spam", "failed", "failed", "554 5.6.0 spam", arrives=True),
    Row("DOT", "421 4.3.2 busy", "deferred", "deferred", "421 4.3.2 busy", arrives=True),
    Row("DOT", "354 what", "unconfirmed", "unconfirmed", "answered 354 to the final dot", arrives=True),
    Row("DOT", GARBAGE, "unconfirmed", "unconfirmed", "not an SMTP reply line", arrives=True),
    Row("DOT", DROP, "unconfirmed", "unconfirmed", "closed the connection", arrives=True),
    Row("DOT", RESET, "unconfirmed", "unconfirmed", "Connection reset", arrives=True),
    Row("DOT", HANG, "unconfirmed", "unconfirmed", "no reply within 2 s", arrives=True),
    Row("QUIT", DROP, "sent", "sent", "250 2.0.0", arrives=True),
    Row("QUIT", GARBAGE, "sent", "sent", "250 2.0.0", arrives=True),
]


@pytest.mark.parametrize("extensions", [EVERYTHING, ONE_BY_ONE], ids=["pipelined", "one-by-one"])
@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row.step} {row.does!r}"[:60])
async def test_each_failure_at_each_step_has_its_meaning(
    archive: Archive, row: Row, extensions: tuple[str, ...]
) -> None:
    message = await queue(archive, message_of(CONTENT, B, C), CONTENT)
    async with ScriptedUpstream(extensions=extensions, script={row.step: row.does}) as upstream:
        courier = courier_of(archive, [upstream_of(upstream.port, timeout=1)])
        await courier.start()
        found = await at_rest(archive, message)
        await courier.stop(5)
    assert states(found) == {B: row.b, C: row.c}
    by_recipient = {delivery.recipient.address: delivery for delivery in found.deliveries}
    assert row.reply in str(by_recipient[B].reply)
    assert bool(upstream.messages) == row.arrives
    assert all(received.content == CONTENT for received in upstream.messages)
    assert len(found.attempts) == 2
    assert all(attempt.finished_at is not None for attempt in found.attempts)
    for attempt in found.attempts:
        state = next(delivery.state for delivery in found.deliveries if delivery.id == attempt.delivery_id)
        assert attempt.is_uncertain == (state.value == "unconfirmed")
    if upstream.messages and row.step == "RCPT" and row.does == B_ONLY:
        assert upstream.messages[0].recipients == ("<c@example.com>",)


async def test_an_upstream_that_is_not_there_defers(archive: Archive) -> None:
    message = await queue(archive, message_of(CONTENT), CONTENT)
    async with ScriptedUpstream() as upstream:
        port = upstream.port
    courier = courier_of(archive, [upstream_of(port)])
    await courier.start()
    found = await at_rest(archive, message)
    await courier.stop(5)
    assert states(found) == {B: "deferred"}
    assert "connection failed: Connect" in str(found.deliveries[0].reply)
    assert found.deliveries[0].reply is not None
    assert found.deliveries[0].reply.is_local


async def test_a_name_that_cannot_be_looked_up_defers(archive: Archive) -> None:
    message = await queue(archive, message_of(CONTENT), CONTENT)
    courier = courier_of(archive, [upstream_of(25, host="nowhere.invalid")])
    await courier.start()
    found = await at_rest(archive, message)
    await courier.stop(5)
    assert states(found) == {B: "deferred"}
    assert "cannot be looked up" in str(found.deliveries[0].reply)


async def test_a_connection_lost_in_the_middle_of_the_content_is_transient(archive: Archive) -> None:
    """Thirty megabytes do not fit into the buffers of both ends: the final dot cannot have left."""
    content = b"Subject: x\r\n\r\n" + b"0123456789abcdef" * 64 * 30_000 + b"\r\n"
    message = await queue(archive, message_of(content), content)
    async with ScriptedUpstream(hang_up_after_content=500_000) as upstream:
        courier = courier_of(archive, [upstream_of(upstream.port)])
        await courier.start()
        found = await at_rest(archive, message)
        await courier.stop(5)
    assert states(found) == {B: "deferred"}
    assert not found.attempts[0].is_uncertain


async def test_a_refusal_in_the_middle_of_the_content_is_the_reply(archive: Archive) -> None:
    content = b"Subject: x\r\n\r\n" + b"0123456789abcdef" * 64 * 10_000 + b"\r\n"
    message = await queue(archive, message_of(content), content)
    early = Raw(b"354 go\r\n552 5.3.4 too much\r\n")
    async with ScriptedUpstream(script={"DATA": early}, extensions=("8BITMIME",)) as upstream:
        courier = courier_of(archive, [upstream_of(upstream.port)])
        await courier.start()
        found = await at_rest(archive, message)
        await courier.stop(5)
    assert states(found) == {B: "failed"}
    assert str(found.deliveries[0].reply) == "552 5.3.4 too much"


async def test_an_upstream_that_stops_reading_is_given_up(archive: Archive) -> None:
    content = b"Subject: x\r\n\r\n" + b"0123456789abcdef" * 64 * 20_000 + b"\r\n"
    message = await queue(archive, message_of(content), content)
    async with ScriptedUpstream(hang_up_after_content=100_000, hang_up_how=HANG) as upstream:
        courier = courier_of(archive, [upstream_of(upstream.port, timeout=1)])
        await courier.start()
        found = await at_rest(archive, message)
        await courier.stop(5)
    assert states(found) == {B: "deferred"}
    assert "no progress in sending within 1 s" in str(found.deliveries[0].reply)
    assert not found.attempts[0].is_uncertain


async def test_an_upstream_gone_when_a_kept_session_must_be_replaced_defers(archive: Archive) -> None:
    script: dict[str, Step] = {"MAIL": ["250 ok", DROP], "banner": ["220 hello", "421 4.3.2 down"]}
    async with ScriptedUpstream(script=script) as upstream:
        courier = courier_of(archive, [upstream_of(upstream.port)])
        await courier.start()
        first = await queue(archive, message_of(CONTENT), CONTENT)
        assert states(await at_rest(archive, first)) == {B: "sent"}
        second = await queue(archive, message_of(CONTENT), CONTENT)
        found = await at_rest(archive, second)
        await courier.stop(5)
    assert states(found) == {B: "deferred"}
    assert str(found.deliveries[0].reply) == "421 4.3.2 down"
    assert len(found.attempts) == 1


async def test_an_upstream_gone_between_two_transactions_of_a_message_defers_the_rest(archive: Archive) -> None:
    script: dict[str, Step] = {"RCPT": ["250 ok", "452 4.5.3 too many"], "banner": ["220 hello", "421 4.3.2 down"]}
    message = await queue(archive, message_of(CONTENT, B, C), CONTENT)
    async with ScriptedUpstream(script=script) as upstream:
        courier = courier_of(archive, [upstream_of(upstream.port, messages_per_connection=1)])
        await courier.start()
        found = await at_rest(archive, message)
        await courier.stop(5)
    assert states(found) == {B: "sent", C: "deferred"}


def test_every_error_of_the_network_has_words() -> None:
    assert str(trouble.broken(OSError())) == "421 4.4.2 connection lost: OSError()"
    assert str(trouble.broken(ConnectionResetError(104, "Connection reset by peer"))) == (
        "421 4.4.1 connection failed: Connection reset by peer"
    )
    assert str(trouble.broken(UnicodeError("label too long"))).startswith("421 4.4.2 connection lost: UnicodeError")
    assert str(trouble.broken(ssl.SSLError(1, "odd"))) == "454 4.7.5 TLS failed: odd"


def test_a_sent_copy_that_could_smuggle_a_message_is_not_made() -> None:
    """Rendition makes every line end CRLF; should it ever not, nothing may be sent."""
    message = message_of(b"")
    with pytest.raises(ValueError, match="bare line ends"):
        checked(message, b"a\n.\nMAIL FROM:<b>\r\n")


async def test_a_session_refuses_octets_that_could_smuggle_a_message() -> None:
    async with ScriptedUpstream() as upstream:
        pool = Pool(upstream_of(upstream.port), "relay.example", lambda: 0.0)
        session = await pool.acquire()
        with pytest.raises(ValueError, match="bare line ends"):
            await session.send(b"MAIL FROM:<a@b>\r\n", [b"RCPT TO:<c@d>\r\n"], b"a\r\n.\nb\r\n")
        pool.release(session)
        await pool.close()
    assert upstream.commands == ["EHLO relay.example"]
