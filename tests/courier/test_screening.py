"""Who is not sent to: recorded, with the reason, an event and no attempt; the others of the message are."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, cast

import pytest

from relay.archive.api import Archive, StoredMessage
from relay.config import Application, Tracking, Upstream
from relay.config import Delivery as DeliveryTable
from relay.courier.desk import Desk
from relay.courier.ledger import Ledger
from relay.courier.marking import Marking
from relay.courier.screening import refusal
from relay.model.delivery import Delivery, RetrySchedule, State
from relay.model.event import Event, Kind
from relay.model.message import Message, Mode, Recipient
from relay.model.reply import local_reply
from relay.model.suppression import Cause, Suppressed
from tests.support.dispatch import (
    CONTENT,
    START,
    Clock,
    RunningClock,
    at_rest,
    courier_of,
    message_of,
    new_id,
    queue,
    states,
    until,
    upstream_of,
)
from tests.support.failing_archive import FailingArchive
from tests.support.upstream import ScriptedUpstream

SCHEDULE = RetrySchedule((60_000_000,), 60_000_000, 3600_000_000)
B, C = "b@example.com", "c@example.net"


def marking(**application: object) -> Marking:
    return Marking(Tracking(), (Application.model_validate({"name": "app", **application}),), str)


async def carried(
    archive: Archive, upstream: ScriptedUpstream, *messages: Message, marking: Marking | None = None, **settings: Any
) -> list[StoredMessage]:
    clock = Clock()
    clock.now = START + 1_000_000
    courier = courier_of(archive, [upstream_of(upstream.port)], clock, marking=marking, **settings)
    await courier.start()
    found = [await at_rest(archive, message) for message in messages]
    await courier.stop(5)
    return found


async def kinds(archive: Archive, message: Message) -> list[Kind]:
    return [event.kind for _, event in await archive.events(message_id=message.id)]


@pytest.mark.parametrize(
    ("settings", "application", "why"),
    [
        ({"deny_recipients": ("@example.net",)}, {}, "deny_recipients of delivery names c@example.net"),
        ({}, {"deny_recipients": ("C@Example.NET",)}, "deny_recipients of application app names c@example.net"),
        ({"allow_recipients": ("b@example.com",)}, {}, "allow_recipients of delivery does not name c@example.net"),
        ({}, {"allow_recipients": ("@.com", B)}, "allow_recipients of application app does not name c@example.net"),
    ],
)
async def test_a_listed_recipient_is_recorded_and_not_sent(
    archive: Archive, settings: dict[str, object], application: dict[str, object], why: str
) -> None:
    message = await queue(archive, message_of(CONTENT, B, C), CONTENT)
    async with ScriptedUpstream() as upstream:
        (found,) = await carried(archive, upstream, message, marking=marking(**application), **settings)
    assert states(found) == {B: "sent", C: "suppressed"}
    (kept,) = [one for one in found.deliveries if one.recipient.address == C]
    assert (kept.why, kept.due_at, kept.attempts) == (why, None, 0)
    assert [attempt.delivery_id for attempt in found.attempts] != [kept.id]
    assert upstream.messages[0].recipients == (f"<{B}>",)
    (event,) = [one for _, one in await archive.events(message_id=message.id) if one.kind is Kind.SUPPRESSED]
    assert (event.delivery_id, event.data) == (kept.id, {"why": why})


def test_to_deny_stands_before_to_allow() -> None:
    both = DeliveryTable(allow_recipients=("@example.com",), deny_recipients=(B,))
    assert refusal(B, both, None) == f"deny_recipients of delivery names {B}"
    assert refusal("x@example.com", both, None) == ""
    assert refusal(C, DeliveryTable(), None) == ""


async def test_who_is_on_the_suppression_list_is_not_sent_to(archive: Archive) -> None:
    message = await queue(archive, message_of(CONTENT, B, C), CONTENT)
    entry = Suppressed(new_id(), "C@example.net", "", Cause.MANUAL, "asked by phone", START, "user:anna")
    await archive.add_suppressions([entry])
    async with ScriptedUpstream() as upstream:
        (found,) = await carried(archive, upstream, message)
    assert states(found) == {B: "sent", C: "suppressed"}
    assert "asked by phone" in str([one.why for one in found.deliveries])


async def test_the_same_again_is_a_duplicate(archive: Archive) -> None:
    first = await queue(archive, message_of(CONTENT, B), CONTENT)
    content = b"Date: Tue, 24 Nov 2026 13:00:00 +0000\r\nMessage-ID: <2@x>\r\n" + CONTENT
    later = replace(message_of(content, B, C), received_at=START + 5_000_000)
    await queue(archive, later, content, created_at=later.received_at)
    async with ScriptedUpstream() as upstream:
        found, again = await carried(
            archive, upstream, first, later, marking=marking(duplicate_window=60), concurrency=1
        )
    assert states(found) == {B: "sent"}
    assert states(again) == {B: "cancelled", C: "sent"}
    (kept,) = [one for one in again.deliveries if one.recipient.address == B]
    assert kept.why == "a duplicate: the same content went to this recipient within 60 s"
    (event,) = [one for _, one in await archive.events(message_id=later.id) if one.kind is Kind.DUPLICATE]
    assert event.data["earlier"] == found.deliveries[0].id


async def test_what_is_later_another_or_failed_is_no_duplicate(archive: Archive) -> None:
    first = await queue(archive, message_of(CONTENT, B), CONTENT)
    late = replace(message_of(CONTENT, B), received_at=START + 60_000_000)
    await queue(archive, late, CONTENT, created_at=late.received_at)
    other = CONTENT + b"PS\r\n"
    another = await queue(archive, message_of(other, B), other)
    async with ScriptedUpstream() as upstream:
        found = await carried(archive, upstream, first, late, another, marking=marking(duplicate_window=60))
    assert [states(one) for one in found] == [{B: "sent"}] * 3


async def test_after_a_failure_the_same_may_go_again(archive: Archive) -> None:
    first = await queue(archive, message_of(CONTENT, B), CONTENT)
    async with ScriptedUpstream(script={"RCPT": "550 5.1.1 no"}) as upstream:
        await carried(archive, upstream, first, marking=marking(duplicate_window=60))
    again = await queue(archive, message_of(CONTENT, B), CONTENT)
    async with ScriptedUpstream() as upstream:
        (found,) = await carried(archive, upstream, again, marking=marking(duplicate_window=60))
    assert states(found) == {B: "sent"}


async def test_a_retry_and_a_person_repeat_on_purpose(archive: Archive) -> None:
    message = await queue(archive, message_of(CONTENT, B), CONTENT)
    resent = Delivery(new_id(), message.id, message.envelope.recipients[0], State.QUEUED, START + 1, due_at=START + 1)
    await archive.add_deliveries([resent], [Event(new_id(), START, Kind.RESENT, "user:anna", message.id, resent.id)])
    edited = replace(message_of(CONTENT, B), parent_id=message.id)
    await queue(archive, edited, CONTENT)
    async with ScriptedUpstream() as upstream:
        found, copy = await carried(archive, upstream, message, edited, marking=marking(duplicate_window=60))
        await upstream.received(2)
    assert [one.state for one in found.deliveries] == [State.SENT, State.SENT]
    assert states(copy) == {B: "sent"}


async def test_one_address_stands_for_several_recipients(archive: Archive) -> None:
    message = message_of(CONTENT, "qa@example.com")
    await queue(archive, message, CONTENT, original="x@example.net")
    more = Delivery(
        new_id(),
        message.id,
        message.envelope.recipients[0],
        State.QUEUED,
        START,
        due_at=START,
        original="y@example.net",
    )
    await archive.add_deliveries([more], [])
    async with ScriptedUpstream() as upstream:
        (found,) = await carried(archive, upstream, message, marking=marking(duplicate_window=60))
    assert [one.state for one in found.deliveries] == [State.SENT, State.SENT]
    assert len(upstream.messages) == 2


async def test_the_guard_forgets_and_may_be_asked_again(archive: Archive) -> None:
    message = await queue(archive, message_of(CONTENT, B), CONTENT)
    (delivery,) = (await archive.message(message.id)).deliveries
    for now in (START, START, START + 10**15):
        assert await archive.earlier_copies(b"f", "app", [delivery], window=60, now=now) == {}


@pytest.mark.parametrize("method", ["release", "earlier_copies"])
@pytest.mark.parametrize("how", [["lost"], ["done"], ["done", "lost"]], ids="-".join)
async def test_each_write_may_fail_and_the_rest_is_sent_once(archive: Archive, method: str, how: list[str]) -> None:
    first = await queue(archive, message_of(CONTENT, B), CONTENT)
    failing = FailingArchive(archive, {method: list(how)})
    again = await queue(archive, message_of(CONTENT, B, C, "d@example.com"), CONTENT)
    async with ScriptedUpstream() as upstream:
        courier = courier_of(
            cast(Archive, failing),
            [upstream_of(upstream.port)],
            RunningClock(),
            lease=2.0,
            marking=marking(duplicate_window=60, deny_recipients=[C]),
            concurrency=1,
        )
        await courier.start()

        async def are_ended() -> bool:
            found = [await archive.message(first.id), await archive.message(again.id)]
            ends = {one.state for message in found for one in message.deliveries}
            return ends <= {State.SENT, State.CANCELLED, State.SUPPRESSED}

        await until(are_ended)
        await courier.stop(5)
    assert states(await archive.message(again.id))[C] == "suppressed"
    assert states(await archive.message(again.id))["d@example.com"] == "sent"
    recipients = sorted(address for one in upstream.messages for address in one.recipients)
    assert recipients == ["<b@example.com>", "<d@example.com>"]
    for message in (first, again):
        said = await kinds(archive, message)
        assert said.count(Kind.SUPPRESSED) == (message is again)
    assert sum([(await kinds(archive, message)).count(Kind.DUPLICATE) for message in (first, again)]) == 1


async def test_what_expires_before_it_could_be_tried_is_told_to_the_sender(archive: Archive) -> None:
    message = await queue(archive, message_of(CONTENT, B), CONTENT)
    (claim,) = await archive.claim("owner", START, START + 10**9, 10)
    desk = Desk(archive, Clock(), new_id, lambda: 0.0, "relay.example", DeliveryTable(notices=True), SCHEDULE)
    ledger = Ledger(desk, Upstream(host="mail.example"), message, claim.deliveries, replace(SCHEDULE, expire_after=0))
    late = replace(claim.deliveries[0], expires_at=START - 1)
    ledger.open[late.id] = late
    assert ledger.is_expired()
    await ledger.end(local_reply(421, "4.4.1", "the upstream is not reached"))
    assert states(await archive.message(message.id)) == {B: "failed"}
    assert await kinds(archive, message) == [Kind.CAPTURED, Kind.EXPIRED, Kind.NOTICE]
    assert (await archive.health()).messages == 2
    assert ledger.open == {}


async def test_in_mode_redirect_nobody_but_the_test_addresses_is_sent_to(archive: Archive) -> None:
    message = replace(message_of(CONTENT, B, "QA@example.com"), mode=Mode.REDIRECT)
    await queue(archive, message, CONTENT)
    stands_in = Delivery(
        new_id(), message.id, Recipient("qa@example.com"), State.QUEUED, START, due_at=START, original=B
    )
    await archive.add_deliveries([stands_in], [])
    async with ScriptedUpstream() as upstream:
        (found,) = await carried(archive, upstream, message, marking=marking(redirect_to=["qa@example.com"]))
    ends = {(one.recipient.address, one.original): one.state for one in found.deliveries}
    assert ends == {
        (B, None): State.SUPPRESSED,
        ("QA@example.com", None): State.SENT,
        ("qa@example.com", B): State.SENT,
    }
    assert {one.recipients for one in upstream.messages} == {("<QA@example.com>",), ("<qa@example.com>",)}
