"""Notices: who is owed one, what it says, and that it travels like any other message. RFC 3461, RFC 3464."""

from __future__ import annotations

import email
import email.policy
from dataclasses import replace
from email.message import EmailMessage
from functools import partial
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.archive.api import Archive, StoredMessage
from relay.config import Delivery as DeliveryTable
from relay.courier.notice import FULL_LIMIT, Action, Report, build_notice, is_delay_owed, owed, xtext_decoded
from relay.model.delivery import Delivery, State
from relay.model.event import Event, Kind
from relay.model.message import Envelope, Message, Recipient
from relay.model.reply import Reply, local_reply
from tests.support.dispatch import CONTENT, START, Clock, at_rest, courier_of, message_of, queue, until, upstream_of
from tests.support.upstream import EVERYTHING, ScriptedUpstream

B = "b@example.com"
SENT, REFUSED = Reply(250, "queued", "2.0.0"), Reply(550, "no such user", "5.1.1")
WITHOUT_DSN = tuple(word for word in EVERYTHING if word != "DSN")


# -- when one is owed ------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("notify", "kind", "is_passed", "action"),
    [
        (None, Kind.SENT, False, None),
        ("SUCCESS", Kind.SENT, False, Action.RELAYED),
        ("success,failure", Kind.SENT, False, Action.RELAYED),
        ("SUCCESS", Kind.SENT, True, None),
        ("FAILURE", Kind.SENT, False, None),
        ("NEVER", Kind.SENT, False, None),
        (None, Kind.FAILED, False, Action.FAILED),
        (None, Kind.EXPIRED, False, Action.FAILED),
        ("FAILURE", Kind.FAILED, True, Action.FAILED),
        ("SUCCESS", Kind.FAILED, False, None),
        ("NEVER", Kind.FAILED, False, None),
        ("DELAY", Kind.DEFERRED, False, None),
        ("SUCCESS,FAILURE", Kind.UNCONFIRMED, False, None),
    ],
)
def test_a_report_is_owed_as_notify_says(
    notify: str | None, kind: Kind, is_passed: bool, action: Action | None
) -> None:
    delivery = Delivery("d", "m", Recipient(B, notify), State.SENT, START, reply=SENT)
    report = owed(delivery, kind, Envelope("a@example.com", ()), is_dsn_passed=is_passed)
    assert (report.action if report else None) is action


def test_nothing_is_owed_to_the_null_sender() -> None:
    delivery = Delivery("d", "m", Recipient(B, "SUCCESS,FAILURE"), State.SENT, START, reply=SENT)
    assert owed(delivery, Kind.SENT, Envelope("", ()), is_dsn_passed=False) is None
    assert owed(delivery, Kind.FAILED, Envelope("", ()), is_dsn_passed=False) is None


def test_nothing_is_owed_where_nothing_was_answered() -> None:
    delivery = Delivery("d", "m", Recipient(B), State.FAILED, START)
    assert owed(delivery, Kind.FAILED, Envelope("a@example.com", ()), is_dsn_passed=False) is None


# -- what it says ----------------------------------------------------------------------------------------------
def built(reports: list[Report], content: bytes = CONTENT, **envelope: Any) -> EmailMessage:
    octets = notice_of(reports, message_of(content, **envelope), content)
    message = email.message_from_bytes(octets, policy=email.policy.default)
    assert isinstance(message, EmailMessage)
    assert not message.defects
    return message


def notice_of(reports: list[Report], message: Message, content: bytes) -> bytes:
    return build_notice(
        message,
        content,
        reports,
        hostname="relay.example",
        upstream="mail.provider.example",
        notice_id="01NOTICE",
        now=START,
    )


def parts_of(message: EmailMessage) -> list[EmailMessage]:
    parts = message.get_payload()
    assert isinstance(parts, list)
    return [part for part in parts if isinstance(part, EmailMessage)]


def test_a_notice_of_failure_is_a_report_of_three_parts() -> None:
    recipient = Recipient(B, "FAILURE", "rfc822;B+40x@example.com")
    message = built([Report(recipient, Action.FAILED, REFUSED)], envid="Order+3D7")
    assert message.get_content_type() == "multipart/report"
    assert message.get_param("report-type") == "delivery-status"
    assert message["To"] == "a@example.com"
    assert message["From"] == "Mail Delivery System <MAILER-DAEMON@relay.example>"
    assert message["Auto-Submitted"] == "auto-replied"
    assert message["Message-ID"] == "<01NOTICE@relay.example>"
    text, status, header = parts_of(message)
    assert f"<{B}>: 550 5.1.1 no such user" in text.get_content()
    assert header.get_content_type() == "text/rfc822-headers"
    returned = header.get_payload(decode=True)
    assert isinstance(returned, bytes)
    assert returned.split() == CONTENT.partition(b"\r\n\r\n")[0].split()
    fields, of_recipient = parts_of(status)
    assert fields["Original-Envelope-Id"] == "Order=7"
    assert fields["Reporting-MTA"] == "dns; relay.example"
    assert dict(of_recipient.items()) == {
        "Original-Recipient": "rfc822; B@x@example.com",
        "Final-Recipient": f"rfc822; {B}",
        "Action": "failed",
        "Status": "5.1.1",
        "Remote-MTA": "dns; mail.provider.example",
        "Diagnostic-Code": "smtp; 550 5.1.1 no such user",
    }


def test_a_notice_of_relaying_promises_no_delivery() -> None:
    message = built([Report(Recipient(B), Action.RELAYED, SENT)], ret="FULL")
    text, status, header = parts_of(message)
    assert "does not report delivery" in text.get_content()
    assert parts_of(status)[1]["Action"] == "relayed"
    assert parts_of(status)[1]["Status"] == "2.0.0"
    assert header.get_content_type() == "text/rfc822-headers"


@pytest.mark.parametrize(
    ("report", "status"),
    [
        (Report(Recipient(B), Action.RELAYED, Reply(250, "ok")), "2.0.0"),
        (Report(Recipient(B), Action.FAILED, Reply(550, "no")), "5.0.0"),
        (Report(Recipient(B), Action.DELAYED, Reply(450, "later", "4.2.1")), "4.2.1"),
        (Report(Recipient(B), Action.DELAYED, Reply(450, "later")), "4.0.0"),
        (Report(Recipient(B), Action.FAILED, Reply(451, "later", "4.3.0"), is_expired=True), "4.4.7"),
    ],
)
def test_the_status_agrees_with_the_action(report: Report, status: str) -> None:
    assert report.status == status


def test_a_local_reply_is_not_put_into_the_mouth_of_the_upstream() -> None:
    report = Report(Recipient(B), Action.FAILED, local_reply(421, "4.4.1", "not reached"), is_expired=True)
    text, status, _ = parts_of(built([report]))
    assert "given up after too many tries; last: 421 4.4.1 not reached" in text.get_content()
    assert "Diagnostic-Code" not in parts_of(status)[1]
    assert "Remote-MTA" not in parts_of(status)[1]


def test_ret_full_gives_the_message_back_and_hdrs_does_not() -> None:
    reports = [Report(Recipient(B), Action.FAILED, REFUSED)]
    content = "Subject: x\r\n\r\nGrüße\r\n".encode()
    octets = notice_of(reports, message_of(content, ret="full"), content)
    assert b"Content-Type: message/rfc822\r\nContent-Transfer-Encoding: 8bit\r\n\r\n" + content in octets
    assert "Grüße".encode() not in notice_of(reports, message_of(content, ret="HDRS"), content)


def test_a_large_message_is_not_given_back() -> None:
    content = b"Subject: x\r\n\r\n" + b"x" * FULL_LIMIT + b"\r\n"
    octets = notice_of([Report(Recipient(B), Action.FAILED, REFUSED)], message_of(content, ret="FULL"), content)
    assert len(octets) < 10_000


def test_international_addresses_make_a_global_report() -> None:
    message = message_of(CONTENT, sender="ä@example.com")
    octets = notice_of([Report(Recipient("ü@example.com"), Action.FAILED, REFUSED)], message, CONTENT)
    assert b"Content-Type: message/global-delivery-status" in octets
    assert "Final-Recipient: utf-8; ü@example.com\r\n".encode() in octets
    assert "To: <ä@example.com>\r\n".encode() in octets


@given(st.text(max_size=50), st.binary(max_size=200), st.text(max_size=50))
def test_whatever_strangers_chose_stays_in_its_place(address: str, content: bytes, text: str) -> None:
    """Addresses, replies and contents end no field and no part."""
    report = Report(Recipient(address, orcpt=f"{address};{address}"), Action.FAILED, Reply(550, text, "5.0.0"))
    octets = notice_of([report], message_of(b"", envid=text.encode("ascii", "replace").decode()), content + b"\r\n\r\n")
    head = octets.partition(b"\r\n\r\n")[0].decode()
    assert [line.partition(":")[0] for line in head.split("\r\n")] == [
        "From",
        "To",
        "Subject",
        "Date",
        "Message-ID",
        "MIME-Version",
        "Auto-Submitted",
        "Content-Type",
        ' boundary="=01NOTICE"',
    ]
    assert octets.count(b"\r\n--=01NOTICE\r\n") == 3


def test_a_sender_that_guessed_the_boundary_gains_nothing() -> None:
    content = b"X: --=01NOTICE--\r\n\r\n"
    octets = notice_of([Report(Recipient(B), Action.FAILED, REFUSED)], message_of(content), content)
    assert b'boundary="=01NOTICE="' in octets


def test_xtext_is_decoded_without_control_characters() -> None:
    assert xtext_decoded("a+2Bb+3Dc") == "a+b=c"
    assert xtext_decoded("a+0D+0Ab") == "ab"
    assert xtext_decoded("a+2bb") == "a+2bb"


# -- on its way ------------------------------------------------------------------------------------------------
async def notices(archive: Archive, message: Message) -> list[Event]:
    return [event for _, event in await archive.events(message_id=message.id) if event.kind is Kind.NOTICE]


async def carried(
    archive: Archive, message: Message, upstream: ScriptedUpstream, *, count: int, **settings: Any
) -> StoredMessage:
    """The message at rest, when the upstream has got `count` messages."""
    await queue(archive, message, CONTENT)
    courier = courier_of(archive, [upstream_of(upstream.port)], **settings)
    await courier.start()
    found = await at_rest(archive, message)
    await upstream.received(count)
    await courier.stop(5)
    return found


async def test_success_is_reported_where_the_upstream_cannot(archive: Archive) -> None:
    message = message_of(CONTENT, Recipient(B, "SUCCESS"), Recipient("c@example.com"))
    async with ScriptedUpstream(extensions=WITHOUT_DSN) as upstream:
        await carried(archive, message, upstream, count=2)
    sent = upstream.messages[1]
    assert (sent.sender, sent.recipients) == ("<>", ("<a@example.com>",))
    assert b"Action: relayed\r\n" in sent.content
    assert b"c@example.com" not in sent.content
    event = (await notices(archive, message))[0]
    assert event.data["sent"] is True
    assert event.data["actions"] == {B: "relayed"}
    kept = await archive.message(event.data["notice"])
    assert kept.message.application == "mailwitness"
    assert kept.message.envelope.sender == ""
    assert await archive.content(kept.message.id) == sent.content


async def test_success_is_left_to_an_upstream_that_reports(archive: Archive) -> None:
    message = message_of(CONTENT, Recipient(B, "SUCCESS"))
    async with ScriptedUpstream() as upstream:
        await carried(archive, message, upstream, count=1)
    assert await notices(archive, message) == []
    assert len(upstream.messages) == 1


async def test_failure_is_reported_where_the_configuration_wants_it(archive: Archive) -> None:
    message = message_of(CONTENT, B)
    async with ScriptedUpstream(script={"RCPT": {f"<{B}>": "550 5.1.1 no such user"}}) as upstream:
        await carried(archive, message, upstream, count=1, notices=True)
    assert upstream.messages[0].sender == "<>"
    assert b"Action: failed\r\nStatus: 5.1.1\r\n" in upstream.messages[0].content


async def test_a_failure_that_was_to_be_reported_and_is_not_leaves_an_event(archive: Archive) -> None:
    message = message_of(CONTENT, Recipient(B, "FAILURE"), "c@example.com")
    async with ScriptedUpstream(script={"RCPT": "550 5.1.1 no such user"}) as upstream:
        await carried(archive, message, upstream, count=0)

        async def is_said() -> bool:
            return bool(await notices(archive, message))

        await until(is_said)
    event = (await notices(archive, message))[0]
    assert event.data == {"sent": False, "reason": "delivery.notices is off", "recipients": [B]}


async def test_who_asked_is_told_of_a_delay_once(archive: Archive) -> None:
    message = message_of(CONTENT, Recipient(B, "DELAY", "rfc822;b@example.com"), "c@example.com", envid="Order+3D7")
    clock = Clock()
    script = {"RCPT": {f"<{B}>": "451 4.2.1 later", "<c@example.com>": "451 4.2.1 later"}}
    async with ScriptedUpstream(script=script) as upstream:
        await queue(archive, message, CONTENT)
        courier = courier_of(archive, [upstream_of(upstream.port)], clock, retry=(60,), retry_then=3600)
        await courier.start()
        for attempts in range(1, 8):
            await until(partial(has_tried, archive, message, attempts))
            clock.now = max(delivery.due_at or 0 for delivery in (await archive.message(message.id)).deliveries)
            await archive.release([])
            archive._due.set()  # type: ignore[attr-defined]
        await courier.stop(5)
    (notice,) = upstream.messages
    assert (notice.sender, notice.recipients) == ("<>", ("<a@example.com>",))
    assert b"Subject: Message is delayed\r\n" in notice.content
    assert b"Original-Envelope-Id: Order=7\r\n" in notice.content
    assert b"Action: delayed\r\nStatus: 4.2.1\r\nWill-Retry-Until: " in notice.content
    assert b"c@example.com" not in notice.content
    (event,) = await notices(archive, message)
    assert event.data["actions"] == {B: "delayed"}


async def has_tried(archive: Archive, message: Message, attempts: int) -> bool:
    found = await archive.message(message.id)
    return all(delivery.attempts == attempts and delivery.state is State.DEFERRED for delivery in found.deliveries)


@pytest.mark.parametrize(
    ("notify", "sender", "after", "is_owed"),
    [
        ("DELAY", "a@example.com", 0, True),
        ("failure,delay", "a@example.com", 0, True),
        (None, "a@example.com", 0, False),
        (None, "a@example.com", 60, True),
        ("FAILURE", "a@example.com", 60, False),
        ("NEVER", "a@example.com", 60, False),
        ("DELAY", "", 60, False),
    ],
)
def test_a_report_of_delay_is_owed_as_notify_says(notify: str | None, sender: str, after: int, is_owed: bool) -> None:
    waiting = Delivery("d", "m", Recipient(B, notify), State.DEFERRED, START, due_at=START, reply=REFUSED)
    settings = DeliveryTable(delay_notice_after=after)
    assert is_delay_owed(waiting, Envelope(sender, ()), settings) is is_owed
    assert not is_delay_owed(replace(waiting, due_at=None), Envelope(sender, ()), settings)


async def test_a_notice_that_fails_is_not_reported(archive: Archive) -> None:
    message = message_of(CONTENT, B)
    script = {"RCPT": "550 5.1.1 no such user"}
    async with ScriptedUpstream(script=script) as upstream:
        await queue(archive, message, CONTENT)
        courier = courier_of(archive, [upstream_of(upstream.port)], notices=True)
        await courier.start()
        await at_rest(archive, message)

        async def is_refused() -> bool:
            said = await notices(archive, message)
            if not said:
                return False
            notice = await archive.message(said[0].data["notice"])
            return notice.deliveries[0].state is State.FAILED

        await until(is_refused)
        await courier.stop(5)
    assert (await archive.health()).messages == 2
