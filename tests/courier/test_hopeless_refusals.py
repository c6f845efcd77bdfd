"""Refusals by the upstream that put a recipient on the suppression list, and those that do not."""

from __future__ import annotations

import pytest

from relay.archive.api import Closing
from relay.courier.hopeless import with_suppressions
from relay.model.delivery import State
from relay.model.event import Event, Kind
from relay.model.reply import Reply, local_reply
from relay.model.suppressing import NO_RULES, SuppressionRules
from relay.model.suppression import Cause
from tests.support.archive_values import NOON, a_message, an_attempt, closed, deliveries_of, make_id

RULES = SuppressionRules()
UNKNOWN = Reply(550, "no such user here", "5.1.1")


def closings(*replies: Reply) -> list[Closing]:
    """One for each reply, of one transaction; failed unless the reply says otherwise."""
    addresses = tuple(f"r{n}@example.com" for n in range(len(replies)))
    duties = deliveries_of(a_message(1, recipients=addresses), State.FAILED)
    made = []
    for n, (duty, reply) in enumerate(zip(duties, replies, strict=True)):
        event = Event(make_id(n, 50), NOON, Kind.FAILED, "upstream:upstream", duty.message_id, duty.id)
        made.append(Closing(closed(an_attempt(duty), reply), duty, event))
    return made


def listed(*replies: Reply, rules: SuppressionRules = RULES) -> list[str]:
    found = with_suppressions(closings(*replies), rules, "shop")
    return [one.suppression.address for one in found if one.suppression is not None]


def test_who_is_unknown_is_not_sent_to_again() -> None:
    [closing] = with_suppressions(closings(UNKNOWN), RULES, "shop")
    entry = closing.suppression
    assert entry is not None
    assert (entry.address, entry.application, entry.cause) == ("r0@example.com", "shop", Cause.BOUNCE)
    assert (entry.reason, entry.created_by) == ("550 5.1.1 no such user here", "upstream:upstream")
    assert (entry.message_id, entry.delivery_id) == (closing.delivery.message_id, closing.delivery.id)


@pytest.mark.parametrize(
    "reply",
    [
        Reply(250, "ok"),
        Reply(450, "no such user here", "4.1.1"),
        Reply(552, "mailbox full", "5.2.2"),
        Reply(554, "rejected as spam", "5.7.1"),
        Reply(550, "blocked using zen.spamhaus.org", "5.7.1"),
        Reply(552, "message too large", "5.3.4"),
        local_reply(553, "5.6.7", "the upstream does not take such addresses"),
    ],
)
def test_no_other_refusal_says_that_there_is_nobody(reply: Reply) -> None:
    assert listed(reply) == []


def test_of_several_recipients_only_the_unknown_is_listed() -> None:
    assert listed(Reply(250, "ok"), UNKNOWN, Reply(250, "ok")) == ["r1@example.com"]


def test_a_refusal_of_all_alike_lists_nobody() -> None:
    assert listed(UNKNOWN, UNKNOWN) == []


def test_without_the_rule_nobody_is_listed() -> None:
    assert listed(UNKNOWN, rules=NO_RULES) == []


def test_a_delivery_that_did_not_fail_is_left_alone() -> None:
    [closing] = closings(UNKNOWN)
    waiting = deliveries_of(a_message(1), State.DEFERRED)
    found = with_suppressions([Closing(closing.attempt, waiting[0], closing.event)], RULES, "shop")
    assert found[0].suppression is None
