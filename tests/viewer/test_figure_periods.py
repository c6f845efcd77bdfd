"""Periods: presets, dates of one's own, the days before, and the bars they are shown in."""

from __future__ import annotations

from datetime import date

import pytest

from viewer.errors import FieldError
from viewer.figures.period import Period, number, period_of, terms

TODAY = number(date(2026, 11, 24))


def dates(period: Period) -> tuple[str, str]:
    return period.first_date, period.last_date


@pytest.mark.parametrize(
    ("query", "first", "last"),
    [
        ({}, "2026-10-26", "2026-11-24"),
        ({"period": "7d"}, "2026-11-18", "2026-11-24"),
        ({"period": "month"}, "2026-11-01", "2026-11-24"),
        ({"period": "last-month"}, "2026-10-01", "2026-10-31"),
        ({"from": "2026-02-01", "to": "2026-02-28"}, "2026-02-01", "2026-02-28"),
        ({"from": "2026-11-20"}, "2026-11-20", "2026-11-24"),
        ({"to": "2026-11-20"}, "2026-10-22", "2026-11-20"),
    ],
)
def test_a_period_is_what_the_parameters_say(query: dict[str, str], first: str, last: str) -> None:
    period = period_of(query, TODAY)
    assert dates(period) == (first, last)
    assert dates(period_of(period.parameters, TODAY)) == (first, last)


def test_the_days_before_are_as_many_or_the_months_before() -> None:
    assert dates(period_of({"period": "7d"}, TODAY).before) == ("2026-11-11", "2026-11-17")
    assert dates(period_of({"period": "last-month"}, TODAY).before) == ("2026-09-01", "2026-09-30")
    quarter = period_of({"from": "2026-01-01", "to": "2026-03-31"}, TODAY)
    assert dates(quarter.before) == ("2025-10-01", "2025-12-31")


def test_bars_are_days_weeks_or_months() -> None:
    days = period_of({}, TODAY).buckets()
    assert (len(days), days[0].label, days[-1].label) == (30, "26 Oct", "24 Nov")
    weeks = period_of({"period": "90d"}, TODAY).buckets()
    assert all(date.fromordinal(one.first + 719163).weekday() == 0 for one in weeks[1:])
    months = period_of({"period": "365d"}, TODAY).buckets()
    assert [one.label for one in months][:2] == ["Nov 25", "Dec 25"]
    for buckets in (days, weeks, months):
        assert [one.stop for one in buckets[:-1]] == [one.first for one in buckets[1:]]
    monday = period_of({"from": "2026-08-03", "to": "2026-11-24"}, TODAY).buckets()
    assert monday[0].stop - monday[0].first == 7


def test_terms_are_those_of_the_search_language() -> None:
    assert terms(TODAY, TODAY + 1) == "on:2026-11-24"
    assert period_of({"period": "7d"}, TODAY).terms == "after:2026-11-18 before:2026-11-25"


@pytest.mark.parametrize(
    "query",
    [
        {"period": "x"},
        {"from": "x"},
        {"from": "1969-01-01"},
        {"from": "2026-02-02", "to": "2026-02-01"},
        {"from": "1990-01-01", "to": "2026-01-01"},
    ],
)
def test_wrong_days_are_refused(query: dict[str, str]) -> None:
    with pytest.raises(FieldError):
        period_of(query, TODAY)
