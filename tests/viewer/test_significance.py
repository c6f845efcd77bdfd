"""Intervals agree with the values that Newcombe published; sentences say what can be said."""

from __future__ import annotations

import pytest

from viewer.figures.significance import Answer, Share, compare, needed, newcombe, percent, points, sentence, wilson
from viewer.translation import say


@pytest.mark.parametrize(
    ("hits", "among", "low", "high"),
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)],
)
def test_wilsons_interval_is_as_published(hits: int, among: int, low: float, high: float) -> None:
    """Newcombe, "Two-sided confidence intervals for the single proportion", Statistics in Medicine 17 (1998)."""
    assert wilson(Share(hits, among)) == pytest.approx((low, high), abs=5e-5)


@pytest.mark.parametrize(
    ("first", "second", "low", "high"),
    [
        ((56, 70), (48, 80), 0.0524, 0.3339),
        ((9, 10), (3, 10), 0.1705, 0.8090),
        ((6, 7), (2, 7), 0.0582, 0.8062),
        ((5, 56), (0, 29), -0.0381, 0.1926),
        ((0, 10), (0, 20), -0.1611, 0.2775),
        ((0, 10), (0, 10), -0.2775, 0.2775),
        ((10, 10), (0, 20), 0.6791, 1.0),
        ((10, 10), (0, 10), 0.6075, 1.0),
    ],
)
def test_the_interval_of_a_difference_is_as_published(
    first: tuple[int, int], second: tuple[int, int], low: float, high: float
) -> None:
    """Newcombe, "Interval estimation for the difference …", Statistics in Medicine 17 (1998), table II, method 10."""
    assert newcombe(Share(*first), Share(*second)) == pytest.approx((low, high), abs=5e-5)


@pytest.mark.parametrize(
    ("first", "second", "answer"),
    [
        ((0, 0), (5, 100), Answer.NOTHING),
        ((5, 100), (0, 0), Answer.NOTHING),
        ((6, 7), (2, 7), Answer.TOO_FEW),
        ((30, 100), (35, 100), Answer.TOO_FEW),
        ((300, 1000), (400, 1000), Answer.DIFFERENT),
        ((400, 1000), (300, 1000), Answer.DIFFERENT),
        ((3000, 30000), (3010, 30000), Answer.SAME),
    ],
)
def test_what_can_be_said(first: tuple[int, int], second: tuple[int, int], answer: Answer) -> None:
    assert compare(Share(*first), Share(*second)).answer is answer
    text = sentence(say("Opened"), "A", "B", (Share(*first), Share(*second)))
    words = {
        Answer.NOTHING: "nothing to compare",
        Answer.TOO_FEW: "too few to say",
        Answer.DIFFERENT: "is ahead of" if first[0] > second[0] else "is behind",
        Answer.SAME: "no difference that matters",
    }
    assert words[answer] in text


def test_more_pairs_have_to_show_more() -> None:
    shares = Share(130, 1000), Share(100, 1000)
    assert compare(*shares).answer is Answer.DIFFERENT
    assert compare(*shares, pairs=15).answer is Answer.TOO_FEW


def test_how_many_would_tell_is_said_where_there_is_a_difference() -> None:
    """10 % against 15 %, 5 % error, 80 % power, unpooled variance: 683 of each."""
    assert needed(Share(10, 100), Share(15, 100)) == 683
    assert needed(Share(10, 100), Share(10, 100)) is None
    assert needed(Share(1000, 10000), Share(1001, 10000)) is None
    assert needed(Share(90, 100), Share(1, 100)) == 30
    assert "About 683 copies of each" in sentence(say("Opened"), "A", "B", (Share(10, 100), Share(15, 100)))
    assert "copies of each" not in sentence(say("Opened"), "A", "B", (Share(10, 100), Share(10, 100)))


def test_rates_and_differences_are_written_plainly() -> None:
    assert [percent(0.342), percent(0.0012), percent(0.0)] == ["34.2 %", "0.12 %", "0.0 %"]
    assert [points(0.031), points(-0.004), points(0.0001)] == ["+3.1", "−0.4", "0.0"]
    assert wilson(Share(0, 0)) == (0.0, 1.0)
    assert wilson(Share(3, 3))[1] == 1.0
