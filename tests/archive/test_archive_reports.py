"""What reports do in the archive: counted once, applied in any order, told by events."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from relay.archive.api.suppression import Selection
from relay.archive.content import stored
from relay.model.bounce import BounceClass
from relay.model.delivery import Delivery, State
from relay.model.event import Event, Grade, Kind
from relay.model.reply import local_reply
from relay.model.report import ReportKind
from relay.model.suppressing import SuppressionRules
from relay.model.suppression import Cause
from tests.support.archive_reports import (
    SOURCE,
    a_payload,
    a_report,
    delivery_now,
    finished,
    reported,
    sending,
    sent,
)
from tests.support.archive_values import (
    CONTENT,
    NOON,
    SECOND,
    a_message,
    captured_event,
    deliveries_of,
    new_id,
)
from tests.support.fresh import open_archive


# -- what they do --------------------------------------------------------------------------------------------
async def test_a_repeated_report_changes_nothing(archive):
    message, (jane,) = await sent(archive, 1, provider_id="p")
    first, second = a_payload(1), a_payload(2)
    await reported(archive, first, a_report(first, key="e", provider_id="p"))
    before = (await archive.events(), await delivery_now(archive, jane))
    (applied,) = await reported(
        archive, second, a_report(second, ReportKind.BOUNCED, key="e", provider_id="p", bounce=BounceClass.HARD)
    )
    assert not applied.is_new
    assert (await archive.events(), await delivery_now(archive, jane)) == before
    assert len(await archive.reports(message.id)) == 1


async def test_the_same_key_of_two_sources_is_two_reports(archive):
    message, _ = await sent(archive, 1, provider_id="p")
    for number, source in enumerate(("webhook:a", "webhook:b")):
        payload = a_payload(number + 1, source)
        await reported(archive, payload, a_report(payload, key="e", provider_id="p"))
    assert [stored.source for stored in await archive.reports(message.id)] == ["webhook:a", "webhook:b"]


async def test_an_event_tells_of_a_report_with_its_grade_and_source(archive):
    message, (jane,) = await sent(archive, 1, provider_id="p")
    payload = a_payload(grade=Grade.UNSIGNED, source="bounce")
    report = a_report(
        payload,
        ReportKind.BOUNCED,
        provider_id="p",
        bounce=BounceClass.QUOTA,
        status="5.2.2",
        diagnostic="552 mailbox full",
        explanation="The mailbox is full.",
        action="Try again later.",
        recipient="jane@example.com",
        detail={"event": "bounce", "more": [1]},
    )
    await reported(archive, payload, report)
    event = (await archive.events(message_id=message.id))[-1][1]
    assert event == Event(
        report.id,
        report.at,
        Kind.BOUNCED,
        "bounce",
        message.id,
        jane.id,
        Grade.UNSIGNED,
        {
            "source": "bounce",
            "verdict": "signature verified",
            "status": "5.2.2",
            "diagnostic": "552 mailbox full",
            "bounce": "quota",
            "explanation": "The mailbox is full.",
            "action": "Try again later.",
            "payload": payload.id,
            "provider_event": "bounce",
            "recipient": "jane@example.com",
            "received_at": payload.received_at,
        },
    )
    (stored,) = await archive.reports(message.id)
    assert (stored.report, stored.grade, stored.verdict, stored.delivery_id) == (
        report,
        Grade.UNSIGNED,
        "signature verified",
        jane.id,
    )
    delivery = await delivery_now(archive, jane)
    assert (delivery.state, delivery.bounce, delivery.grade, delivery.source) == (
        State.BOUNCED,
        BounceClass.QUOTA,
        Grade.UNSIGNED,
        "bounce",
    )


@pytest.mark.parametrize("kind", ReportKind)
async def test_every_kind_of_report_has_an_event(archive, kind):
    message, _ = await sent(archive, 1, provider_id="p")
    payload = a_payload()
    await reported(archive, payload, a_report(payload, kind, provider_id="p", is_machine=True))
    event = (await archive.events(message_id=message.id))[-1][1]
    assert event.kind.value == ("reported" if kind is ReportKind.OTHER else kind.value)
    assert event.data["is_machine"] is True


async def test_a_delivery_that_is_being_sent_stands_as_reported_once_the_attempt_ends(archive):
    message = a_message(1)
    await archive.add_message(message, stored(CONTENT), deliveries_of(message), [captured_event(message)])
    (jane,) = await sending(archive)
    payload = a_payload()
    await reported(archive, payload, a_report(payload, delivery_id=jane.id))
    assert (await delivery_now(archive, jane)).state is State.SENDING
    await finished(archive, [jane])
    assert (await delivery_now(archive, jane)).state is State.DELIVERED


async def test_an_unconfirmed_delivery_that_was_reported_delivered_is_not_tried_again(archive):
    _, (jane,) = await sent(archive, 1, reply=local_reply(451, "4.4.2", "lost"), state=State.UNCONFIRMED)
    assert await archive.next_due() is not None
    payload = a_payload()
    await reported(archive, payload, a_report(payload, delivery_id=jane.id))
    after = await delivery_now(archive, jane)
    assert (after.state, after.due_at) == (State.DELIVERED, None)
    assert await archive.next_due() is None


async def test_a_lease_that_was_lost_after_a_delivered_report_is_not_tried_again(archive):
    message = a_message(1)
    await archive.add_message(message, stored(CONTENT), deliveries_of(message), [captured_event(message)])
    (jane,) = await sending(archive)
    payload = a_payload()
    await reported(archive, payload, a_report(payload, delivery_id=jane.id))
    await archive.recover(NOON + 90_000 * SECOND, [new_id()])
    assert (await delivery_now(archive, jane)).state is State.DELIVERED
    assert await archive.next_due() is None


async def test_changes_are_told_to_those_who_watch(archive):
    message, _ = await sent(archive, 1, provider_id="p")
    changes = archive.changes()
    payload = a_payload()
    await reported(archive, payload, a_report(payload, provider_id="p"))
    change = await anext(changes)
    assert (change.message_id, change.kind) == (message.id, "delivery")


# -- suppressions --------------------------------------------------------------------------------------------
async def test_a_hard_bounce_and_a_complaint_suppress_by_rule(archive):
    _, (jane, joe) = await sent(archive, 1, "jane@example.com", "joe@example.com")
    payload = a_payload()
    await reported(
        archive,
        payload,
        a_report(payload, ReportKind.BOUNCED, delivery_id=jane.id, bounce=BounceClass.HARD, diagnostic="550 no"),
        a_report(payload, ReportKind.COMPLAINED, delivery_id=joe.id),
        rules=SuppressionRules(),
    )
    page = await archive.suppressions(Selection(NOON + 3600 * SECOND))
    assert {(entry.address, entry.cause, entry.created_by) for entry in page.entries} == {
        ("jane@example.com", Cause.BOUNCE, SOURCE),
        ("joe@example.com", Cause.COMPLAINT, SOURCE),
    }


async def test_soft_bounces_in_a_row_are_counted_over_messages(archive):
    rules = SuppressionRules(soft_bounces=2)
    for number in (1, 2):
        _, (jane,) = await sent(archive, number)
        payload = a_payload(number)
        assert (await archive.suppressions(Selection(NOON + 3600 * SECOND))).entries == ()
        report = a_report(payload, ReportKind.BOUNCED, delivery_id=jane.id, bounce=BounceClass.SOFT)
        await reported(archive, payload, report, rules=rules)
    assert len((await archive.suppressions(Selection(NOON + 3600 * SECOND))).entries) == 1


async def test_a_report_of_nobody_suppresses_nobody(archive):
    payload = a_payload()
    report = a_report(payload, ReportKind.BOUNCED, recipient="victim@example.com", bounce=BounceClass.HARD)
    await reported(archive, payload, report, rules=SuppressionRules())
    assert (await archive.suppressions(Selection(NOON + 3600 * SECOND))).entries == ()


# -- any order -----------------------------------------------------------------------------------------------
KINDS = [
    (ReportKind.ACCEPTED, None),
    (ReportKind.DELAYED, None),
    (ReportKind.DELIVERED, None),
    (ReportKind.BOUNCED, BounceClass.HARD),
    (ReportKind.BOUNCED, BounceClass.SOFT),
    (ReportKind.DROPPED, None),
    (ReportKind.COMPLAINED, None),
    (ReportKind.UNSUBSCRIBED, None),
]


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(st.tuples(st.sampled_from(KINDS), st.integers(0, 4)), min_size=1, max_size=5),
    st.randoms(use_true_random=False),
    st.sampled_from([State.SENT, State.UNCONFIRMED, State.DEFERRED]),
)
def test_any_order_and_repetition_gives_the_same_row(tmp_path_factory, reports, random, state):
    async def run(order: list[int], folder: Path) -> Delivery:
        archive = await open_archive(f"sqlite:///{folder}/archive.db")
        try:
            _, (jane,) = await sent(archive, 1, state=state)
            for number, index in enumerate(order):
                (kind, bounce), at = reports[index]
                payload = a_payload(number + 1, body=b"%d" % number)
                report = a_report(
                    payload, kind, key=str(index), at=NOON + at * SECOND, bounce=bounce, delivery_id=jane.id
                )
                await reported(archive, payload, report)
            return await delivery_now(archive, jane)
        finally:
            await archive.close()

    order = list(range(len(reports)))
    shuffled = [*order, *order]
    random.shuffle(shuffled)
    first = asyncio.run(run(order, tmp_path_factory.mktemp("a")))
    second = asyncio.run(run(shuffled, tmp_path_factory.mktemp("b")))
    assert first == second


async def test_a_payload_names_the_messages_it_tells_of(archive):
    (one, _), (two, _) = await sent(archive, 1, provider_id="p"), await sent(archive, 2, provider_id="q")
    payload = a_payload(1)
    names = ("p", "q", "q", "nobody's")
    await reported(archive, payload, *(a_report(payload, key=str(n), provider_id=p) for n, p in enumerate(names)))
    assert await archive.told_of(payload.id) == [None, one.id, two.id]
    assert await archive.told_of(new_id()) == []
