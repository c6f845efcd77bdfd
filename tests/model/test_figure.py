"""Sums add up, and a subject's pattern is the same for all letters of one kind."""

from __future__ import annotations

import pytest

from relay.model.figure import NAMES, Figure, FigureSheet, Sums, subject_pattern


def test_sums_add_up_but_the_slowest_is_the_longest() -> None:
    first, second = Sums(*range(len(NAMES))), Sums(*[2] * len(NAMES))
    added = first + second
    assert (added.messages, added.copies) == (2, 3)
    assert added.slowest == max(len(NAMES) - 1, 2)


def test_the_total_is_that_of_all_rows() -> None:
    assert FigureSheet((Figure(("shop",), Sums(sent=1)), Figure(("crm",), Sums(sent=2)))).total == Sums(sent=3)
    assert FigureSheet().total == Sums()


def test_what_is_made_of_states() -> None:
    sums = Sums(sent=1, delivered=2, bounced=4, dropped=8, failed=16, queued=32, deferred=64, unconfirmed=128)
    assert (sums.taken, sums.lost, sums.ended, sums.waiting) == (15, 28, 31, 224)


@pytest.mark.parametrize(
    ("subject", "pattern"),
    [
        ("Your invoice INV-10482 of 3 May", "Your invoice # of # May"),
        ("  Welcome \t back ", "Welcome back"),
        ("٣ new", "# new"),
        ("", ""),
    ],
)
def test_words_with_a_digit_are_all_the_same(subject: str, pattern: str) -> None:
    assert subject_pattern(subject) == pattern
