"""Payloads and reports in the archive: kept once, matched to the right delivery, applied in any order."""

from __future__ import annotations

import asyncio
import sqlite3
from dataclasses import replace
from pathlib import Path
from typing import Any, cast
from urllib.parse import urlsplit

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from relay.archive import open_archive
from relay.archive.api import Archive, Closing, NotFound
from relay.archive.content import stored
from relay.archive.report_api import Keeping
from relay.archive.suppression_api import Selection
from relay.model.bounce import BounceClass
from relay.model.delivery import Delivery, State
from relay.model.event import Event, Grade, Kind
from relay.model.message import Message
from relay.model.reply import Reply, local_reply
from relay.model.report import Applied, Payload, Report, ReportKind
from relay.model.summary import Summary
from relay.model.suppressing import SuppressionRules
from relay.model.suppression import Cause
from relay.model.token import Token, TokenKind
from tests.support.archive_values import (
    CONTENT,
    NOON,
    SECOND,
    a_message,
    an_attempt,
    captured_event,
    closed,
    deliveries_of,
    make_id,
    new_id,
)

NO_RULES = SuppressionRules(on_bounce=False, on_complaint=False, on_unsubscribe=False)
SOURCE = "webhook:ses"


def a_payload(number: int = 1, source: str = SOURCE, **more: object) -> Payload:
    values: dict[str, object] = {
        "id": make_id(number, 7000),
        "received_at": NOON + 60 * SECOND,
        "source": source,
        "grade": Grade.SIGNED,
        "verdict": "signature verified",
        "headers": {"Content-Type": "application/json"},
        "body": b'{"number": %d}' % number,
        "peer": "192.0.2.50",
    }
    return Payload(**{**values, **more})  # type: ignore[arg-type]


def a_report(payload: Payload, kind: ReportKind = ReportKind.DELIVERED, key: str = "", **more: Any) -> Report:
    values: dict[str, object] = {
        "id": new_id(),
        "payload_id": payload.id,
        "at": NOON + 30 * SECOND,
        "kind": kind,
        "event_key": key or f"{kind}-{payload.id}",
    }
    return Report(**{**values, **more})  # type: ignore[arg-type]


async def sent(
    archive: Archive,
    number: int,
    *recipients: str,
    provider_id: str | None = None,
    tokens: tuple[str, ...] = (),
    reply: Reply | None = None,
    state: State = State.SENT,
) -> tuple[Message, list[Delivery]]:
    """A message kept, claimed and sent to each recipient in one transaction."""
    message = a_message(number, recipients=recipients or ("jane@example.com",))
    await archive.add_message(message, stored(CONTENT), deliveries_of(message), [captured_event(message)])
    deliveries = await sending(archive, tokens=tokens)
    await finished(archive, deliveries, provider_id=provider_id, reply=reply, state=state)
    return message, deliveries


async def sending(archive: Archive, tokens: tuple[str, ...] = ()) -> list[Delivery]:
    claims = await archive.claim("me", NOON + 3600 * SECOND, NOON + 7200 * SECOND, 100)
    deliveries = [delivery for claim in claims for delivery in claim.deliveries]
    returns = [
        Token(token, delivery.id, delivery.message_id, TokenKind.RETURN, NOON)
        for token, delivery in zip(tokens, deliveries, strict=False)
    ]
    await archive.begin_attempts([an_attempt(delivery) for delivery in deliveries], returns)
    return deliveries


async def finished(
    archive: Archive,
    deliveries: list[Delivery],
    *,
    provider_id: str | None = None,
    reply: Reply | None = None,
    state: State = State.SENT,
) -> None:
    reply = reply or Reply(250, "ok")
    closings = []
    for delivery in deliveries:
        attempt = replace(closed(an_attempt(delivery), reply), provider_id=provider_id)
        after = replace(delivery, state=state, attempts=1, due_at=None, reply=reply)
        if state is State.UNCONFIRMED:
            after = replace(after, due_at=NOON + 9000 * SECOND)
        event = Event(new_id(), NOON, Kind.SENT, "upstream:u", delivery.message_id, delivery.id)
        closings.append(Closing(attempt, after, event))
    await archive.finish_attempts(closings)


def about(applied: Applied) -> str | None:
    """The id of the delivery that the report was found to be about."""
    return applied.delivery.id if applied.delivery else None


async def delivery_now(archive: Archive, delivery: Delivery) -> Delivery:
    found = await archive.message(delivery.message_id)
    return next(one for one in found.deliveries if one.id == delivery.id)


async def reported(archive: Archive, payload: Payload, *reports: Report, rules: SuppressionRules = NO_RULES):
    assert await archive.add_payload(payload) is Keeping.NEW
    return await archive.add_reports(payload.id, reports, rules)


# -- payloads ------------------------------------------------------------------------------------------------
async def test_a_payload_comes_back_as_it_came(archive):
    payload = a_payload(return_token="abc", nonce="n")
    assert await archive.add_payload(payload) is Keeping.NEW
    assert await archive.payload(payload.id) == payload
    with pytest.raises(NotFound):
        await archive.payload("nothing")


async def test_the_same_write_again_changes_nothing(archive):
    payload = a_payload()
    assert await archive.add_payload(payload) is Keeping.NEW
    assert await archive.add_payload(payload) is Keeping.NEW
    assert len(await archive.unmapped(10)) == 1


async def test_the_same_octets_from_the_same_source_are_kept_once(archive):
    await archive.add_payload(a_payload(1, body=b"x"))
    assert await archive.add_payload(a_payload(2, body=b"x")) is Keeping.KNOWN
    assert await archive.add_payload(a_payload(3, body=b"x", source="webhook:other")) is Keeping.NEW
    assert await archive.add_payload(a_payload(4, body=b"x", return_token="t")) is Keeping.NEW


async def test_other_octets_with_a_nonce_that_was_used_are_not_kept(archive):
    await archive.add_payload(a_payload(1, nonce="once"))
    assert await archive.add_payload(a_payload(2, nonce="once")) is Keeping.SPENT
    assert await archive.add_payload(a_payload(3, nonce="once", source="webhook:other")) is Keeping.NEW
    assert await archive.add_payload(a_payload(1, nonce="once", id=new_id())) is Keeping.KNOWN
    assert len(await archive.unmapped(10)) == 2


async def test_payloads_stay_unmapped_until_their_reports_are_kept(archive):
    payloads = [a_payload(number) for number in (1, 2, 3)]
    for payload in payloads:
        await archive.add_payload(payload)
    assert await archive.unmapped(2) == payloads[:2]
    assert await archive.unmapped(10, after=payloads[0].id) == payloads[1:]
    await archive.add_reports(payloads[0].id, [], NO_RULES)
    await archive.mapping_failed(payloads[1].id, "not understood")
    assert await archive.unmapped(10) == payloads[2:]
    assert await archive.unmapped(10, has_problem=True) == [payloads[1]]
    await archive.add_reports(payloads[1].id, [], NO_RULES)
    assert await archive.unmapped(10, has_problem=True) == []


async def test_reports_of_an_unknown_payload_are_refused(archive):
    with pytest.raises(NotFound):
        await archive.add_reports("nothing", [], NO_RULES)


async def test_payloads_and_reports_cannot_be_changed_or_taken_away(url: str):
    archive = await open_archive(url)
    await sent(archive, 1, provider_id="p")
    payload = a_payload()
    await reported(archive, payload, a_report(payload, provider_id="p"))
    await archive.close()
    database = sqlite3.connect(Path(urlsplit(url).path[1:]))
    for statement in (
        "DELETE FROM payload",
        "UPDATE payload SET body = x'00'",
        "UPDATE payload SET is_mapped = 0",
        "DELETE FROM report",
        "UPDATE report SET kind = 'bounced'",
        "UPDATE report SET delivery_id = NULL",
    ):
        with pytest.raises(sqlite3.IntegrityError, match="facts are only added"):
            database.execute(statement)
    database.close()


# -- which delivery ------------------------------------------------------------------------------------------
async def test_a_report_is_matched_by_our_identifier_of_the_delivery(archive):
    _, (jane, joe) = await sent(archive, 1, "jane@example.com", "joe@example.com")
    payload = a_payload()
    (applied,) = await reported(archive, payload, a_report(payload, delivery_id=joe.id, recipient="other@x.example"))
    assert about(applied) == joe.id
    assert (await delivery_now(archive, joe)).state is State.DELIVERED
    assert (await delivery_now(archive, jane)).state is State.SENT


@pytest.mark.parametrize("name", ["delivery_id", "message_id"])
async def test_our_identifier_of_the_message_needs_the_recipient(archive, name):
    message, (_, joe) = await sent(archive, 1, "jane@example.com", "Joe@Example.com")
    payload = a_payload()
    named, unnamed, foreign = await reported(
        archive,
        payload,
        a_report(payload, key="1", recipient="JOE@example.COM", **cast(Any, {name: message.id})),
        a_report(payload, key="2", **cast(Any, {name: message.id})),
        a_report(payload, key="3", recipient="nobody@example.com", **cast(Any, {name: message.id})),
    )
    assert about(named) == joe.id
    assert (unnamed.message_id, unnamed.delivery) == (message.id, None)
    assert (foreign.message_id, foreign.delivery) == (message.id, None)


async def test_of_a_message_to_one_recipient_every_report_is_theirs(archive):
    message, (jane,) = await sent(archive, 1)
    payload = a_payload()
    for applied in await reported(
        archive,
        payload,
        a_report(payload, key="1", message_id=message.id),
        a_report(payload, key="2", message_id=message.id, recipient="forwarded@elsewhere.example"),
    ):
        assert about(applied) == jane.id


@pytest.mark.parametrize(("kept", "named"), [("0102-abc", "0102-abc"), ("<a@b>", "a@b"), ("a@b", "<a@b>")])
async def test_a_report_is_matched_by_the_providers_id_in_the_reply(archive, kept, named):
    _, (_, joe) = await sent(archive, 1, "jane@example.com", "joe@example.com", provider_id=kept)
    payload = a_payload()
    (applied,) = await reported(archive, payload, a_report(payload, provider_id=named, recipient="joe@example.com"))
    assert about(applied) == joe.id


async def test_a_report_is_matched_by_the_return_path_before_all_else(archive):
    _, (jane, joe) = await sent(archive, 1, "jane@example.com", "joe@example.com", tokens=("token-a", "token-b"))
    other, _ = await sent(archive, 2, "eve@example.com", provider_id="p")
    payload = a_payload(source="bounce", return_token="token-a")
    own, elsewhere, claimed = await reported(
        archive,
        payload,
        a_report(payload, key="1"),
        a_report(payload, key="2", recipient="joe@example.com"),
        a_report(payload, key="3", recipient="eve@example.com", message_id=other.id, provider_id="p"),
    )
    assert about(own) == jane.id
    assert about(elsewhere) == joe.id
    assert about(claimed) == jane.id, "the token's, whatever the mail says"


async def test_a_token_of_a_pixel_is_no_return_path(archive):
    _, (jane,) = await sent(archive, 1)
    await archive.begin_attempts([], [Token("pixel", jane.id, jane.message_id, TokenKind.OPEN, NOON)])
    payload = a_payload(source="bounce", return_token="pixel")
    (applied,) = await reported(archive, payload, a_report(payload))
    assert applied.message_id is None


async def test_the_headers_message_id_counts_only_with_a_recipient_of_that_message(archive):
    message, (jane,) = await sent(archive, 1)
    await archive.add_summaries([(message.id, Summary(header_message_id="x@shop.example"))])
    payload = a_payload()
    with_recipient, without, foreign = await reported(
        archive,
        payload,
        a_report(payload, key="1", header_message_id="<x@shop.example>", recipient="Jane@example.com"),
        a_report(payload, key="2", header_message_id="x@shop.example"),
        a_report(payload, key="3", header_message_id="x@shop.example", recipient="eve@example.com"),
    )
    assert about(with_recipient) == jane.id
    assert (without.message_id, foreign.message_id) == (None, None)


async def test_a_redirected_copy_is_known_by_whom_it_went_to(archive):
    message = a_message(1)
    (delivery,) = deliveries_of(message, State.SENT)
    redirected = replace(delivery, recipient=replace(delivery.recipient, address="test@ours.example"))
    redirected = replace(redirected, original="jane@example.com", attempts=1)
    await archive.add_message(message, stored(CONTENT), [redirected], [captured_event(message)])
    await archive.add_summaries([(message.id, Summary(header_message_id="x@y"))])
    payload = a_payload()
    meant, went = await reported(
        archive,
        payload,
        a_report(payload, key="1", header_message_id="x@y", recipient="jane@example.com"),
        a_report(payload, key="2", header_message_id="x@y", recipient="test@ours.example"),
    )
    assert meant.message_id is None
    assert went.delivery is not None
    assert went.delivery.recipient.address == "test@ours.example"


async def test_of_two_copies_to_one_recipient_the_latest_that_had_been_tried_is_meant(archive):
    message, (first,) = await sent(archive, 1)
    again = replace(first, id=new_id(), created_at=NOON + 10 * SECOND, state=State.SENT, attempts=1)
    later = replace(first, id=new_id(), created_at=NOON + 9000 * SECOND, state=State.SENT, attempts=1)
    waiting = replace(first, id=new_id(), created_at=NOON + 20 * SECOND, state=State.HELD, attempts=0)
    await archive.add_deliveries([again, later, waiting], [])
    payload = a_payload()
    (applied,) = await reported(archive, payload, a_report(payload, message_id=message.id))
    assert about(applied) == again.id


async def test_a_report_of_nothing_of_ours_is_kept_and_tells_nobody(archive):
    payload = a_payload()
    (applied,) = await reported(archive, payload, a_report(payload, provider_id="else", recipient="x@y.example"))
    assert (applied.is_new, applied.message_id, applied.delivery) == (True, None, None)
    assert await archive.events() == []
    assert await archive.unmatched_payloads(NOON, 10) == [payload.id]
    assert await archive.unmatched_payloads(NOON + 3600 * SECOND, 10) == []


async def test_a_report_that_came_before_the_reply_was_kept_is_matched_later(archive):
    message = a_message(1)
    await archive.add_message(message, stored(CONTENT), deliveries_of(message), [captured_event(message)])
    deliveries = await sending(archive)
    payload = a_payload()
    report = a_report(payload, provider_id="p")
    await reported(archive, payload, report)
    assert await archive.match_reports([payload.id, "nothing"], NO_RULES) == []
    await finished(archive, deliveries, provider_id="p")
    (applied,) = await archive.match_reports([payload.id], NO_RULES)
    assert applied.delivery is not None
    assert applied.delivery.state is State.DELIVERED
    assert await archive.match_reports([payload.id], NO_RULES) == []
    assert [event.kind for _, event in await archive.events(message_id=message.id)][-1] is Kind.DELIVERED


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
