"""Which delivery a report is about."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, cast

import pytest

from relay.archive.content import stored
from relay.model.delivery import State
from relay.model.event import Kind
from relay.model.summary import Summary
from relay.model.token import Token, TokenKind
from tests.support.archive_reports import (
    NO_RULES,
    a_payload,
    a_report,
    about,
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
