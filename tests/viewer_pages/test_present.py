"""One word, one meaning: how states, times and sizes are shown."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from relay.model.delivery import REPORTED_STATES, State
from relay.model.event import Event, Grade, Kind
from relay.model.message import Mode, Trait
from viewer import present
from viewer.message import standing
from viewer.message.happenings import KINDS
from viewer.present import DAY, HOUR, MINUTE, SECOND

NOON = 1_795_521_600_000_000
"""2026-11-24T12:00:00Z."""
ICONS = Path(present.__file__).parent / "static" / "icons.svg"


def test_every_state_kind_grade_mode_and_trait_has_its_words() -> None:
    assert set(present.STATES) == set(State)
    assert set(KINDS) == set(Kind)
    assert set(present.GRADES) == set(Grade)
    assert set(present.MODES) == set(Mode)
    assert set(present.TRAITS) == set(Trait)


def test_every_icon_is_drawn() -> None:
    drawn = set(re.findall(r'symbol id="([^"]+)"', ICONS.read_text()))
    used = {word.icon for word in present.STATES.values()} | {icon for _, icon, _ in KINDS.values()}
    used |= {word.icon for word in standing.MARKS}
    for template in (ICONS.parent.parent / "templates").glob("*.html"):
        used |= set(re.findall(r'ui\.icon\("([^"]+)"', template.read_text()))
    assert used <= drawn


def test_no_state_says_delivered_but_by_report() -> None:
    for state, word in present.STATES.items():
        if state not in REPORTED_STATES:
            assert "delivered" not in f"{word.text} {word.meaning}".lower()


def test_sent_says_what_it_does_not_say() -> None:
    assert "says nothing of the recipient's mailbox" in present.evidence(present.STATES[State.SENT])
    assert "Evidence B" in present.evidence(present.STATES[State.SENT])


@pytest.mark.parametrize(
    ("states", "text", "tone"),
    [
        ({}, "Captured", "quiet"),
        ({State.SENT: 1}, "Sent", "good"),
        ({State.SENT: 3}, "Sent", "good"),
        ({State.SENT: 3, State.FAILED: 1}, "1 failed, 3 sent", "bad"),
        ({State.QUEUED: 1, State.DEFERRED: 2}, "2 deferred, 1 queued", "warn"),
        ({State.SENT: 0, State.HELD: 1}, "Held", "held"),
    ],
)
def test_a_message_shows_what_needs_attention_first(states: dict[State, int], text: str, tone: str) -> None:
    word = present.status(states)
    assert (word.text, word.tone) == (text, tone)


def test_all_recipients_are_counted_in_the_meaning() -> None:
    assert present.status({State.SENT: 3}).meaning.startswith("All 3 recipients.")


@pytest.mark.parametrize(
    ("octets", "text"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1000, "1.0 kB"),
        (9940, "9.9 kB"),
        (9960, "10 kB"),
        (23_400_000, "23 MB"),
        (5 * 10**12, "5000 GB"),
    ],
)
def test_sizes_have_two_figures(octets: int, text: str) -> None:
    assert present.size(octets) == text


@pytest.mark.parametrize(
    ("age", "text"),
    [
        (0, "just now"),
        (59 * SECOND, "just now"),
        (MINUTE, "1 min ago"),
        (3 * HOUR + MINUTE, "3 h ago"),
        (6 * DAY, "6 d ago"),
        (8 * DAY, "16 Nov"),
        (400 * DAY, "20 Oct 2025"),
        (-HOUR, "24 Nov"),
    ],
)
def test_times_are_relative_while_that_helps(age: int, text: str) -> None:
    assert present.relative(NOON - age, NOON) == text


@pytest.mark.parametrize(
    ("left", "text"),
    [
        (-1, "now"),
        (30 * SECOND, "in less than a minute"),
        (5 * MINUTE, "in 5 min"),
        (4 * HOUR, "in 4 h"),
        (3 * DAY, "in 3 d"),
    ],
)
def test_what_is_due_says_when(left: int, text: str) -> None:
    assert present.wait(NOON + left, NOON) == text


def test_times_are_exact_in_utc() -> None:
    assert present.exact(NOON) == "24 Nov 2026, 12:00:00 UTC"
    assert present.iso(NOON) == "2026-11-24T12:00:00Z"


@pytest.mark.parametrize("at", [2**62, -(2**62)])
def test_times_that_no_calendar_has_are_shown_all_the_same(at: int) -> None:
    assert present.exact(at)
    assert present.iso(at)


@pytest.mark.parametrize(
    ("found", "text"),
    [(0, "0 messages"), (1, "1 message"), (1234, "1,234 messages"), (10_000, "more than 10,000 messages")],
)
def test_counts_are_exact_up_to_the_limit(found: int, text: str) -> None:
    assert present.amount(found, 10_000) == text


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("user:ann", "ann"),
        ("upstream:ses", "provider ses"),
        ("application:shop", "application shop"),
        ("relay", "Mailwitness"),
        ("other", "other"),
    ],
)
def test_actors_are_named_in_words(name: str, text: str) -> None:
    assert present.actor(name) == text


def test_an_event_shows_its_reply_else_its_small_facts() -> None:
    assert present.event_note(Event("1", 0, Kind.SENT, "relay", data={"reply": "250 ok", "x": 1})) == "250 ok"
    data = {"recipients": ["a@b", "c@d"], "how": "exact", "child": "01J", "nothing": [], "address": "::1"}
    assert present.event_note(Event("1", 0, Kind.RESENT, "user:a", data=data)) == (
        "recipients: a@b, c@d, how: exact, from ::1"
    )


def test_long_lists_of_an_event_are_cut() -> None:
    event = Event("1", 0, Kind.RESENT, "user:a", data={"recipients": list("abcdefg")})
    assert present.event_note(event) == "recipients: a, b, c, d, e and 2 more"
