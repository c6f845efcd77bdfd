from __future__ import annotations

import pytest

from relay.model.alert import CALM, QUIET, Finding, Rates, Rule, Standing, judge


def found(value: float, limit: float = 5.0) -> Finding:
    return Finding(value, limit, f"{value} of {limit}")


def test_an_alert_is_raised_by_the_first_look_that_is_over_the_limit():
    assert judge(QUIET, found(5.0), 10) == QUIET
    assert judge(QUIET, found(5.1), 10) == Standing(10, "5.1 of 5.0")


def test_it_is_over_when_it_has_been_calm_for_five_minutes():
    raised = judge(QUIET, found(9.0), 0)
    calm = judge(raised, found(4.0), 100)
    assert calm == Standing(0, "9.0 of 5.0", 100)
    assert judge(calm, found(0.0), 100 + CALM - 1) == calm
    assert judge(calm, found(0.0), 100 + CALM) == QUIET


def test_what_wavers_about_the_limit_stays_raised_and_its_calm_begins_anew():
    raised = judge(judge(QUIET, found(9.0), 0), found(1.0), 100)
    between = judge(raised, found(4.5), 200)
    assert between == Standing(0, "9.0 of 5.0")
    assert judge(between, found(6.0), 300) == Standing(0, "6.0 of 5.0")
    assert judge(between, found(1.0), 100 + CALM).raised_at == 0


def test_a_limit_of_nothing_is_calm_at_nothing():
    raised = judge(QUIET, found(1, 0), 0)
    assert raised.raised_at == 0
    assert judge(judge(raised, found(0, 0), 1), found(0, 0), 1 + CALM) == QUIET


@pytest.mark.parametrize(
    ("rule", "percent"), [(Rule.BOUNCE_RATE, 10.0), (Rule.COMPLAINT_RATE, 5.0), (Rule.FAILURE_RATE, 20.0)]
)
def test_a_rate_is_a_part_of_what_was_handed_over_or_failed(rule: Rule, percent: float):
    assert Rates(20, 2, 1, 4).percent(rule) == percent
    assert Rates().percent(rule) == 0.0


def test_a_standing_can_be_kept():
    standing = Standing(1, "words", 2)
    assert Standing.of_json(standing.as_json()) == standing
