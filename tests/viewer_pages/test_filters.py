"""The filter bar says what the search says, and the other way round."""

from __future__ import annotations

from dataclasses import replace

import pytest

from relay.archive.query import And, Node, parse_query
from tests.support.viewer_house import NOON
from viewer.grid.filters import PERIODS, Filter, filter_from, filter_of


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", Filter()),
        ("invoice", Filter(rest="invoice")),
        ("recipient:ann@example.org", Filter(recipient="ann@example.org")),
        ('subject:"your invoice" from:shop', Filter(subject="your invoice", sender="shop")),
        (
            "ref:INV-1 status:failed application:web tag:vip",
            Filter(ref="INV-1", status="failed", application="web", tag="vip"),
        ),
        ("after:7d", Filter(period="7d")),
        ("after:12h", Filter(rest="after:12h")),
        ("after:2026-05-01 before:2026-06-01", Filter(since="2026-05-01", until="2026-05-31")),
        ("on:2026-05-01", Filter(since="2026-05-01", until="2026-05-01")),
        ("after:2026-05", Filter(rest="after:2026-05")),
        ("after:7d after:2026-05-01", Filter(period="7d", rest="after:2026-05-01")),
        ("before:2026-05-01 after:7d", Filter(until="2026-04-30", rest="after:7d")),
        ("tag:a tag:b", Filter(tag="a", rest="tag:b")),
        ('subject:"invoice"', Filter(rest='subject:"invoice"')),
        ('after:"7d" subject:" x"', Filter(rest='after:"7d" subject:" x"')),
        ("-status:failed (a OR b) tag:x", Filter(tag="x", rest="-status:failed (a OR b)")),
        ("a OR b", Filter(rest="a OR b")),
        ("(a OR b) tag:x", Filter(tag="x", rest="a OR b")),
        ("larger:1M before:0001-01-01", Filter(rest="larger:1M before:0001-01-01")),
        ("body:tea", Filter(rest="body:tea")),
    ],
)
def test_what_a_field_can_say_is_in_it_and_the_rest_stays(text: str, expected: Filter) -> None:
    found = filter_of(text, NOON)
    assert found == expected
    assert conditions(found.text) == conditions(text)


def conditions(text: str) -> set[Node]:
    root = parse_query(text, now=NOON).root
    return set(root.nodes) if isinstance(root, And) else {root}


def test_a_form_becomes_a_search() -> None:
    given = {
        "recipient": " ann ",
        "subject": 'say "yes"',
        "period": "30d",
        "since": "2026-01-01",
        "rest": "a OR b",
        "x": "y",
    }
    made = filter_from(given)
    assert made.text == '(a OR b) recipient:ann subject:"say \\"yes\\"" after:30d'
    assert filter_of(made.text, NOON) == replace(made, since="")


@pytest.mark.parametrize("since", ["", "2026-13-01", "20260101", "tomorrow"])
def test_days_that_are_none_are_left_out(since: str) -> None:
    assert Filter(since=since, until="9999-12-31", period="2d").text == ""
    assert not Filter(rest="x").is_filled
    assert Filter(status="failed").is_filled
    assert not Filter(status="failed").is_telling
    assert Filter(status="failed", tag="x").is_telling


@pytest.mark.parametrize("period", PERIODS)
def test_each_period_can_be_asked_for(period: str) -> None:
    assert filter_of(Filter(period=period).text, NOON) == Filter(period=period)


@pytest.mark.parametrize("rest", ["-a", "-(a OR b)", '"unfinished'])
def test_a_rest_that_stands_by_itself_is_left_as_it_is(rest: str) -> None:
    assert Filter(rest=rest, tag="x").text == f"{rest} tag:x"
