"""Where a delivery stands: state, source and grade in one line, with the class of a bounce and what to do."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from relay.archive.api import Listing, Reported
from relay.model.bounce import BounceClass
from relay.model.delivery import Delivery, State
from relay.model.event import Event, Grade, Kind
from relay.model.message import Recipient
from relay.model.reply import Reply, local_reply
from viewer.message import reports, standing

NOON = 1_795_521_600_000_000
PLAIN = Delivery("01J0000000000000000000000D", "01J0000000000000000000000M", Recipient("a@b.example"), State.SENT, NOON)
NO_USER = Reply(550, "No such user here", "5.1.1")


@pytest.mark.parametrize(
    ("fields", "line"),
    [
        (
            {"state": State.DELIVERED, "grade": Grade.SIGNED, "source": "webhook:ses"},
            "Delivered, reported by webhook ses (C)",
        ),
        (
            {"state": State.DROPPED, "grade": Grade.UNSIGNED, "source": "webhook:x"},
            "Dropped, reported by webhook x (D)",
        ),
        (
            {"state": State.BOUNCED, "bounce": BounceClass.HARD, "grade": Grade.UNSIGNED, "source": "bounce"},
            "Bounced, hard: no such mailbox or domain, a returned mail (D)",
        ),
        ({"state": State.BOUNCED, "grade": Grade.UNSIGNED, "source": None}, "Bounced, reported by a report (D)"),
        ({"reply": Reply(250, "Ok", "2.0.0")}, "Sent: the provider's 250 2.0.0 (B)"),
        ({"state": State.FAILED, "reply": NO_USER, "upstream": "ses"}, "Failed: 550 5.1.1, the answer of ses (B)"),
        ({"state": State.FAILED, "reply": Reply(451, "later")}, "Failed: 451, the last answer of the provider (B)"),
        (
            {"state": State.DEFERRED, "reply": local_reply(451, "4.4.1", "refused")},
            "Deferred: 451 4.4.1, our own finding (A)",
        ),
        ({"state": State.UNCONFIRMED}, "Unconfirmed: the content went out, the answer was lost (A)"),
        ({"state": State.SUPPRESSED, "why": "unsubscribed"}, "Suppressed: unsubscribed (A)"),
        ({"state": State.CAPTURED}, "Captured (A)"),
    ],
)
def test_a_line_names_state_source_and_grade(fields: dict[str, Any], line: str) -> None:
    assert standing.standing(replace(PLAIN, **fields)).line == line


def test_a_refusal_comes_with_plain_words_and_what_to_do() -> None:
    found = standing.standing(replace(PLAIN, state=State.FAILED, reply=NO_USER))
    assert found.explanation
    assert found.action


def test_what_the_latest_report_said_explains_the_state_it_brought_about() -> None:
    bounced = replace(PLAIN, state=State.BOUNCED, bounce=BounceClass.QUOTA, grade=Grade.SIGNED, source="webhook:ses")
    events = [
        Event("1", NOON, Kind.BOUNCED, "webhook:ses", delivery_id=PLAIN.id, data={"explanation": "old", "source": "x"}),
        Event(
            "2", NOON, Kind.BOUNCED, "webhook:ses", delivery_id=PLAIN.id, data={"explanation": "The mailbox is full."}
        ),
        Event("3", NOON, Kind.BOUNCED, "webhook:ses", delivery_id="another", data={"explanation": "not of it"}),
    ]
    found = standing.standing(bounced, events)
    assert found.explanation == "The mailbox is full."
    assert found.action == "Sending it again in a few days may succeed."
    assert (found.word.text, found.word.tone, found.word.grade) == ("Bounced, quota", "warn", Grade.SIGNED)


def test_the_recipients_will_stays_beside_any_state() -> None:
    marked = replace(PLAIN, complained_at=NOON, unsubscribed_at=NOON)
    assert [mark.text for mark in standing.standing(marked).marks] == ["Complained", "Unsubscribed"]
    assert standing.marks_of(PLAIN) == ()


def row(states: dict[State, int], *told: Reported) -> Listing:
    return Listing("x", 1, NOON, "", (), 1, "", "", "shop", states, reports=told, complained=1)


def test_a_row_of_one_mind_shows_class_grade_and_source() -> None:
    told = Reported(State.BOUNCED, BounceClass.HARD, Grade.UNSIGNED, "bounce", 2)
    word = standing.row_word(row({State.BOUNCED: 2}, told))
    assert word.text == "Bounced, hard"
    assert word.meaning.startswith("All 2 recipients.")
    assert "Reported by a returned mail" in word.meaning
    assert word.grade is Grade.UNSIGNED
    assert [mark.text for mark in standing.row_marks(row({}))] == ["Complained"]


def test_a_row_of_many_minds_counts_and_names_all_sources() -> None:
    told = (
        Reported(State.DELIVERED, None, Grade.SIGNED, "webhook:ses", 3),
        Reported(State.BOUNCED, BounceClass.HARD, Grade.UNSIGNED, "bounce", 1),
    )
    word = standing.row_word(row({State.DELIVERED: 3, State.BOUNCED: 1}, *told))
    assert word.text == "1 bounced, 3 delivered"
    assert "Reported by a returned mail (D), webhook ses (C)." in word.meaning


def test_a_message_is_told_as_its_row_is() -> None:
    delivered = replace(PLAIN, state=State.DELIVERED, grade=Grade.SIGNED, source="webhook:ses")
    assert standing.message_word([delivered]).meaning.endswith("Reported by webhook ses.")
    assert standing.message_word([PLAIN, delivered]).text == "1 sent, 1 delivered"


def test_an_event_that_is_no_report_tells_of_none() -> None:
    assert reports.told(Event("1", NOON, Kind.QUEUED, "relay")) is None
    told = reports.told(Event("1", NOON, Kind.DELAYED, "bounce", data={"source": "bounce", "received_at": NOON + 5}))
    assert told is not None
    assert (told.source, told.heard_at) == ("a returned mail", NOON + 5)


@pytest.mark.parametrize(("bounce", "text"), [("hard", "Bounced, hard: no such mailbox or domain"), ("odd", "text")])
def test_a_bounce_is_headed_by_its_class(bounce: str, text: str) -> None:
    assert reports.heading(Event("1", NOON, Kind.BOUNCED, "bounce", data={"bounce": bounce}), "text") == text
