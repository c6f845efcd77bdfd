"""The fold of reports: which word counts, and that order and repetition do not."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.model.bounce import BounceClass
from relay.model.delivery import Delivery, State
from relay.model.event import Grade
from relay.model.message import Recipient
from relay.model.report import ReportKind
from relay.model.standing import DECISIVE, Statement, standing

SENT = Delivery("d", "m", Recipient("jane@example.com"), State.SENT, 0, attempts=1)


def said(at: int, kind: ReportKind, bounce: BounceClass | None = None, key: str = "") -> Statement:
    return Statement(at, kind, key or f"{at}-{kind}", Grade.SIGNED, "webhook:ses", bounce)


DELIVERED = said(5, ReportKind.DELIVERED)
HARD = said(3, ReportKind.BOUNCED, BounceClass.HARD)
SOFT = said(3, ReportKind.BOUNCED, BounceClass.SOFT)


def later(statement: Statement) -> Statement:
    return replace(statement, at=statement.at + 10)


statements = st.lists(
    st.builds(
        Statement,
        at=st.integers(0, 3),
        kind=st.sampled_from(ReportKind),
        key=st.sampled_from("abc"),
        grade=st.sampled_from([Grade.SIGNED, Grade.UNSIGNED]),
        source=st.sampled_from(["webhook:ses", "bounce"]),
        bounce=st.sampled_from([None, *BounceClass]),
    ),
    max_size=7,
    # As in the archive: one report of each key and source.
    unique_by=lambda statement: (statement.source, statement.key),
)
states = st.sampled_from(State)


@given(statements, states, st.integers(0, 2), st.randoms(use_true_random=False))
def test_any_order_and_any_repetition_of_reports_leave_the_same_delivery(statements, state, attempts, random):
    before = replace(SENT, state=state, attempts=attempts, due_at=9)
    expected = standing(before, statements)
    shuffled = [*statements, *statements]
    random.shuffle(shuffled)
    assert standing(before, shuffled) == expected


@given(statements, states, st.integers(0, 2), st.data())
def test_reports_that_come_one_by_one_leave_the_same_delivery_as_all_at_once(statements, state, attempts, data):
    before = replace(SENT, state=state, attempts=attempts)
    expected = standing(before, statements)
    known: list[Statement] = []
    delivery = before
    for statement in data.draw(st.permutations(statements)):
        known.append(statement)
        delivery = standing(delivery, known)
    assert delivery == expected


@given(statements, states, st.integers(0, 2))
def test_reports_that_are_not_decisive_need_not_be_known(statements, state, attempts):
    before = replace(SENT, state=state, attempts=attempts)
    decisive = [statement for statement in statements if statement.kind in DECISIVE]
    assert standing(before, decisive) == standing(before, statements)


@pytest.mark.parametrize(
    ("reports", "state", "bounce"),
    [
        ([], State.SENT, None),
        ([DELIVERED], State.DELIVERED, None),
        ([HARD], State.BOUNCED, BounceClass.HARD),
        ([SOFT], State.BOUNCED, BounceClass.SOFT),
        ([SOFT, DELIVERED], State.DELIVERED, None),
        ([said(1, ReportKind.DELAYED), DELIVERED], State.DELIVERED, None),
        ([HARD, DELIVERED], State.DELIVERED, None),
        ([DELIVERED, later(HARD)], State.BOUNCED, BounceClass.HARD),
        ([DELIVERED, later(SOFT)], State.BOUNCED, BounceClass.SOFT),
        ([HARD, later(SOFT)], State.BOUNCED, BounceClass.HARD),
        ([SOFT, later(HARD)], State.BOUNCED, BounceClass.HARD),
        ([said(1, ReportKind.DROPPED)], State.DROPPED, None),
        ([HARD, said(9, ReportKind.DROPPED)], State.BOUNCED, BounceClass.HARD),
        ([SOFT, said(9, ReportKind.DROPPED)], State.DROPPED, None),
        ([DELIVERED, said(9, ReportKind.DROPPED)], State.DELIVERED, None),
        ([replace(SOFT, at=5), DELIVERED], State.DELIVERED, None),
        ([replace(HARD, at=5), DELIVERED], State.BOUNCED, BounceClass.HARD),
    ],
)
def test_the_later_word_counts_and_a_hard_bounce_is_taken_back_by_a_delivery_alone(reports, state, bounce):
    after = standing(SENT, reports)
    assert (after.state, after.bounce) == (state, bounce)


@pytest.mark.parametrize(
    "kind",
    [
        ReportKind.ACCEPTED,
        ReportKind.DELAYED,
        ReportKind.RELAYED,
        ReportKind.EXPANDED,
        ReportKind.OPENED,
        ReportKind.CLICKED,
        ReportKind.AUTO_REPLIED,
        ReportKind.OTHER,
    ],
)
def test_reports_that_say_nothing_of_the_end_change_nothing(kind):
    assert standing(SENT, [said(1, kind)]) == SENT
    delivered = standing(SENT, [DELIVERED])
    assert standing(SENT, [DELIVERED, said(9, kind)]) == delivered


def test_the_winning_report_gives_grade_and_source():
    weak = Statement(9, ReportKind.BOUNCED, "k", Grade.UNSIGNED, "bounce", BounceClass.QUOTA)
    after = standing(SENT, [DELIVERED, weak])
    assert (after.grade, after.source) == (Grade.UNSIGNED, "bounce")
    assert (standing(SENT, [DELIVERED]).grade, standing(SENT, [DELIVERED]).source) == (Grade.SIGNED, "webhook:ses")


def test_complaints_and_unsubscribing_are_kept_with_the_earliest_time_and_leave_the_state():
    reports = [
        DELIVERED,
        said(8, ReportKind.COMPLAINED),
        said(7, ReportKind.COMPLAINED),
        said(6, ReportKind.UNSUBSCRIBED),
    ]
    after = standing(replace(SENT, unsubscribed_at=2), reports)
    assert (after.state, after.complained_at, after.unsubscribed_at) == (State.DELIVERED, 7, 2)


@pytest.mark.parametrize("kind", [ReportKind.ACCEPTED, ReportKind.DELAYED, ReportKind.RELAYED, ReportKind.EXPANDED])
def test_any_word_of_the_provider_confirms_an_unconfirmed_delivery_and_stops_the_retry(kind):
    unconfirmed = replace(SENT, state=State.UNCONFIRMED, due_at=100, why="no reply was seen")
    after = standing(unconfirmed, [said(1, kind)])
    assert (after.state, after.due_at, after.why) == (State.SENT, None, None)


@pytest.mark.parametrize("kind", [ReportKind.OPENED, ReportKind.COMPLAINED, ReportKind.AUTO_REPLIED, ReportKind.OTHER])
def test_an_open_or_a_complaint_does_not_confirm_an_unconfirmed_delivery(kind):
    unconfirmed = replace(SENT, state=State.UNCONFIRMED, due_at=100)
    after = standing(unconfirmed, [said(1, kind)])
    assert (after.state, after.due_at) == (State.UNCONFIRMED, 100)


def test_an_unconfirmed_delivery_that_bounced_is_not_tried_again():
    after = standing(replace(SENT, state=State.UNCONFIRMED, due_at=100), [HARD])
    assert (after.state, after.due_at) == (State.BOUNCED, None)


@pytest.mark.parametrize("state", [State.DEFERRED, State.QUEUED, State.FAILED, State.CANCELLED])
def test_a_delivery_that_was_tried_is_moved_only_by_word_that_it_arrived(state):
    tried = replace(SENT, state=state, due_at=100)
    assert standing(tried, [HARD, said(1, ReportKind.ACCEPTED)]) == tried
    after = standing(tried, [DELIVERED])
    assert (after.state, after.due_at) == (State.DELIVERED, None)


@pytest.mark.parametrize("state", [State.QUEUED, State.HELD, State.CAPTURED, State.SUPPRESSED, State.SENDING])
def test_a_delivery_that_was_never_tried_or_is_being_sent_is_not_moved(state):
    untried = replace(SENT, state=state, attempts=0, due_at=100)
    assert standing(untried, [DELIVERED]) == untried
    assert standing(untried, [said(4, ReportKind.COMPLAINED)]).complained_at == 4
