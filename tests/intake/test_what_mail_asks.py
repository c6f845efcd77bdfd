"""What becomes of accepted mail: the times and priorities it asks for, redirected recipients, too much in an hour."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from relay.config import Listener
from relay.intake.credentials import Directory, KnownApplication
from relay.intake.rate import HOUR, Rates
from relay.model.delivery import Priority, State
from relay.model.event import Kind
from relay.model.message import Mode
from relay.model.switch import Switches
from tests.support.exactclient import ExactClient
from tests.support.reception import NOW, running_intake

HOST = "127.0.0.1"
SECOND = 1_000_000
APP = KnownApplication("default", Mode.RELAY)


async def hand_in(port: int, content: bytes, *recipients: str) -> int:
    client = ExactClient(*await asyncio.open_connection(HOST, port))
    await client.expect(220)
    await client.command("EHLO c", 250)
    code, _ = await client.transaction("a@example.com", list(recipients) or ["b@example.net"], content)
    return code


async def test_mail_waits_for_the_time_it_asks_for(tmp_path):
    async with running_intake(tmp_path, Listener(port=0), applications=[APP]) as reception:
        content = b"X-Mailwitness-Send-At: +2h\r\nx-mailwitness-priority: urgent\r\n\r\nhello\r\n"
        assert await hand_in(reception.port, content) == 250
        (kept,) = await reception.kept()
        (delivery,) = kept.deliveries
        assert delivery.state is State.QUEUED
        assert delivery.due_at == NOW + 7200 * SECOND
        assert delivery.expires_at == NOW + (7200 + 3600) * SECOND
        assert delivery.priority == Priority.URGENT
        events = [event for _, event in await reception.archive.events(message_id=kept.message.id)]
        assert [event.data for event in events] == [{}, {"send_at": delivery.due_at}]
        assert await reception.archive.content(kept.message.id) == content


@pytest.mark.parametrize(
    ("mode", "state", "due_in"),
    [(Mode.HOLD, State.HELD, 7200), (Mode.CAPTURE, State.CAPTURED, None)],
)
async def test_what_is_not_sent_yet_remembers_the_time(tmp_path, mode, state, due_in):
    async with running_intake(tmp_path, Listener(port=0), applications=[replace(APP, mode=mode)]) as reception:
        await hand_in(reception.port, b"X-Mailwitness-Send-At: +2h\r\n\r\nhello\r\n")
        (kept,) = await reception.kept()
        assert kept.deliveries[0].state is state
        assert kept.deliveries[0].due_at == (NOW + due_in * SECOND if due_in else None)
        assert await reception.archive.next_due() is None


async def test_a_time_that_cannot_be_promised_refuses_the_message(tmp_path):
    async with running_intake(tmp_path, Listener(port=0), applications=[APP]) as reception:
        for text in (b"soon", b"+100d"):
            content = b"X-Mailwitness-Send-At: " + text + b"\r\n\r\nhello\r\n"
            assert await hand_in(reception.port, content) == 554
        assert await reception.kept() == []
        # Only the header section speaks.
        assert await hand_in(reception.port, b"Subject: x\r\n\r\nX-Mailwitness-Send-At: soon\r\n") == 250
        assert await hand_in(reception.port, b"X-Mailwitness-Priority: bulk\r\n") == 250
        assert (await reception.kept())[1].deliveries[0].priority == Priority.BULK


async def test_a_priority_is_the_applications_unless_the_message_says(tmp_path):
    application = replace(APP, priority=Priority.BULK)
    async with running_intake(tmp_path, Listener(port=0), applications=[application]) as reception:
        await hand_in(reception.port, b"\r\nhello\r\n")
        await hand_in(reception.port, b"X-Mailwitness-Priority: normal\r\n\r\nhello\r\n")
        await hand_in(reception.port, b"X-Mailwitness-Priority: asap\r\n\r\nhello\r\n")
        kept = await reception.kept()
        assert [one.deliveries[0].priority for one in kept] == [Priority.BULK, Priority.NORMAL, Priority.BULK]
        (_, captured), *_ = await reception.archive.events(message_id=kept[2].message.id)
        assert captured.kind is Kind.CAPTURED
        assert "asap" in captured.data["not_understood"][0]


async def test_redirected_mail_goes_to_the_test_addresses_alone(tmp_path):
    application = replace(APP, mode=Mode.REDIRECT, redirect_to=("qa@example.com", "dev@example.com"))
    async with running_intake(tmp_path, Listener(port=0), applications=[application]) as reception:
        recipients = ("b@example.net", "c@example.net", "b@example.net", "QA@example.com")
        assert await hand_in(reception.port, b"\r\nhello\r\n", *recipients) == 250
        (kept,) = await reception.kept()
        assert kept.message.mode is Mode.REDIRECT
        assert len(kept.message.envelope.recipients) == 4
        duties = [(one.recipient.address, one.original) for one in kept.deliveries]
        assert duties == [
            ("qa@example.com", "b@example.net"),
            ("dev@example.com", "b@example.net"),
            ("qa@example.com", "c@example.net"),
            ("dev@example.com", "c@example.net"),
            ("QA@example.com", None),
        ]
        events = [event for _, event in await reception.archive.events(message_id=kept.message.id)]
        assert events[1].data == {"original": "b@example.net", "recipient": "qa@example.com"}
        assert events[5].data == {}
        assert {one.state for one in kept.deliveries} == {State.QUEUED}


def test_without_an_address_to_redirect_to_mail_is_held():
    assert Directory([], Mode.REDIRECT).default.mode is Mode.HOLD
    assert Directory([replace(APP, mode=Mode.REDIRECT)], Mode.RELAY).default.mode is Mode.HOLD


async def test_more_than_the_hour_allows_is_refused_for_now(tmp_path):
    clock = [NOW]
    application = replace(APP, max_messages_per_hour=2)
    async with running_intake(
        tmp_path, Listener(port=0), applications=[application], clock=lambda: clock[0], max_message_size=1000
    ) as reception:
        assert await hand_in(reception.port, b"x" * 2000 + b"\r\n") == 552
        assert await hand_in(reception.port, b"\r\n1\r\n") == 250
        clock[0] += 600 * SECOND
        assert await hand_in(reception.port, b"\r\n2\r\n") == 250
        client = ExactClient(*await asyncio.open_connection(HOST, reception.port))
        await client.expect(220)
        await client.command("EHLO c", 250)
        await client.command("MAIL FROM:<a@example.com>", 250)
        await client.command("RCPT TO:<b@example.net>", 250)
        said = await client.command("DATA", 451)
        assert "4.7.1 default may send 2 messages an hour, the next in 3000 seconds" in str(said)
        clock[0] += 3000 * SECOND
        await client.command("DATA", 354)
        assert len(await reception.kept()) == 2


def test_the_hour_is_any_hour():
    rates = Rates()
    assert [rates.take("a", 2, at) for at in (0, 1, 2)] == [0, 0, HOUR // SECOND]
    assert rates.take("b", 0, 2) == 0
    assert rates.take("a", 2, HOUR) == 0
    assert rates.take("a", 2, HOUR) == 1
    rates.give_back("a")
    assert rates.take("a", 2, HOUR) == 0
    assert rates.take("a", 1, HOUR) > 0
    rates.give_back("c")


async def test_a_switched_mode_holds_for_those_who_have_signed_in(tmp_path):
    application = KnownApplication("shop", Mode.RELAY, "shop", b"1" * 32)
    later = Directory([replace(application, mode=Switches(modes={"shop": Mode.CAPTURE}).modes["shop"])], Mode.RELAY)
    found = later.current(application)
    assert found is not None
    assert found.mode is Mode.CAPTURE
