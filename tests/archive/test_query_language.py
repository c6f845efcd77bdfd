from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.archive.query import (
    FIELDS,
    And,
    Not,
    Or,
    Query,
    QuerySyntaxError,
    Term,
    Within,
    format_query,
    parse_query,
    quoted,
)
from relay.model.access import NOTHING

SECOND = 1_000_000
NOW = 1_767_268_800 * SECOND


def root(text: str):
    return parse_query(text, now=NOW).root


def at(year: int, month: int, day: int, hour: int = 0, minute: int = 0, second: int = 0) -> int:
    return int(datetime(year, month, day, hour, minute, second, tzinfo=UTC).timestamp()) * SECOND


def word(value: str) -> Term:
    return Term("", value)


@pytest.mark.parametrize("text", ["", "  ", "\n\t"])
def test_an_empty_text_matches_everything(text: str):
    assert parse_query(text, now=NOW) == Query()


@pytest.mark.parametrize(
    ("text", "tree"),
    [
        ("a", word("a")),
        ("a b", And((word("a"), word("b")))),
        ("a OR b", Or((word("a"), word("b")))),
        ("a b OR c d", Or((And((word("a"), word("b"))), And((word("c"), word("d")))))),
        ("a (b OR c)", And((word("a"), Or((word("b"), word("c")))))),
        ("a(b)c", And((word("a"), word("b"), word("c")))),
        ("-a", Not(word("a"))),
        ("-(a b)", Not(And((word("a"), word("b"))))),
        ("-from:jane", Not(Term("from", "jane"))),
        ("--a", Not(Not(word("a")))),
        ("a-b", word("a-b")),
        ("a - b", And((word("a"), word("-"), word("b")))),
        ("(-)", word("-")),
        ("or", word("or")),
        ('"OR"', Term("", "OR", True)),
        ('"new order"', Term("", "new order", True)),
        ('""', Term("", "", True)),
        ('subject:"new order"', Term("subject", "new order", True)),
        ('a"b"', And((word("a"), Term("", "b", True)))),
        (r'"a \"b\" \\ c"', Term("", 'a "b" \\ c', True)),
        ("FROM:Jane", Term("from", "Jane")),
        ("message-id:<a@b>", Term("message-id", "<a@b>")),
        ("12:30", word("12:30")),
        ("header:X-Mailer=Acme", Term("header", "X-Mailer=Acme")),
        ('header:"X-Mailer=Acme 3"', Term("header", "X-Mailer=Acme 3", True)),
        ("status:SENT", Term("status", "SENT")),
        ("status:pending", Term("status", "pending")),
        ("has:attachment", Term("has", "attachment")),
        ("is:resent", Term("is", "resent")),
    ],
)
def test_a_text_means_its_tree(text: str, tree: object):
    assert root(text) == tree
    assert root(format_query(Query(root(text)))) == tree


@pytest.mark.parametrize(
    ("text", "span"),
    [
        ("on:2026", (at(2026, 1, 1), at(2027, 1, 1))),
        ("on:2026-05", (at(2026, 5, 1), at(2026, 6, 1))),
        ("on:2026-12", (at(2026, 12, 1), at(2027, 1, 1))),
        ("on:2026-05-31", (at(2026, 5, 31), at(2026, 6, 1))),
        ("on:2026-05-31T14:30", (at(2026, 5, 31, 14, 30), at(2026, 5, 31, 14, 31))),
        ("on:2026-05-31T14:30:05", (at(2026, 5, 31, 14, 30, 5), at(2026, 5, 31, 14, 30, 6))),
        ("on:2026-05-31T14:30:05+02:00", (at(2026, 5, 31, 12, 30, 5), at(2026, 5, 31, 12, 30, 6))),
        ("before:2026-05-31", (None, at(2026, 5, 31))),
        ("after:2026-05-31", (at(2026, 5, 31), None)),
        ("after:7d", (NOW - 7 * 86400 * SECOND, None)),
        ("after:2w", (NOW - 14 * 86400 * SECOND, None)),
        ("before:12h", (None, NOW - 12 * 3600 * SECOND)),
        ("after:30m", (NOW - 1800 * SECOND, None)),
        ("larger:2000", (2001, None)),
        ("larger:10K", (10 * 1024 + 1, None)),
        ("smaller:5mb", (None, 5 * 1024**2)),
        ("smaller:1G", (None, 1024**3)),
    ],
)
def test_dates_and_sizes_are_half_open_ranges(text: str, span: object):
    term = root(text)
    assert isinstance(term, Term)
    assert term.span == span


@pytest.mark.parametrize(
    ("text", "message", "start", "stop"),
    [
        ("a colour:red", "there is no field colour: (known are after:, application:,", 2, 9),
        ("https://example.com", "there is no field https:", 0, 6),
        ("from:", "from: needs a value", 0, 5),
        ("a from: jane", "from: needs a value", 2, 7),
        ("subject:(a)", "subject: needs a value", 0, 8),
        ('a "b', "a quotation mark without its partner", 2, 4),
        ('from:"b', "a quotation mark without its partner", 5, 7),
        ("(a", "a parenthesis is not closed", 0, 1),
        ("a)", "a closing parenthesis without an opening one", 1, 2),
        ("()", "a search term is missing before )", 1, 2),
        ("OR a", "a search term is missing before OR", 0, 2),
        ("a OR", "a search term is missing at the end", 4, 4),
        ("a OR OR b", "a search term is missing before OR", 5, 7),
        ("-OR", "a search term is missing before OR", 1, 3),
        ("status:lost", "status: takes one of captured, held, suppressed, queued, sending, deferred, sent", 0, 11),
        ("has:pixels", "has: takes one of attachment", 0, 10),
        ("is:lost", "is: takes one of held, resent, edited, deleted", 0, 7),
        ("opened:7d", "opened: takes one of yes, no, human, proxy, scanner", 0, 9),
        ("larger:big", "larger: takes a size in octets", 0, 10),
        ("before:soon", "before: takes a date such as", 0, 11),
        ("on:7d", "on: takes a date such as", 0, 5),
        ("on:2026-02-30", "on: takes a date", 0, 13),
        ("on:9999-12-31", "on: takes a date", 0, 13),
        ("on:9999", "on: takes a date", 0, 7),
        ("header:X-Mailer", "header: takes NAME=value", 0, 15),
        ("a " * 101, "more than 100 terms", 200, 201),
        ("(" * 21 + "a" + ")" * 21, "nested more than 20 deep", 20, 21),
        ("-" * 30 + "a", "nested more than 20 deep", 20, 21),
        ("a" * 2001, "longer than 2000 characters", 2000, 2001),
    ],
)
def test_an_error_points_at_its_place(text: str, message: str, start: int, stop: int):
    with pytest.raises(QuerySyntaxError) as caught:
        parse_query(text, now=NOW)
    assert str(caught.value).startswith(message)
    assert (caught.value.start, caught.value.stop) == (start, stop)


def test_every_field_has_a_valid_example():
    examples = {
        "header": "X-A=b",
        "status": "sent",
        "bounce": "hard",
        "has": "attachment",
        "is": "held",
        "larger": "1K",
        "smaller": "1",
    } | dict.fromkeys(("opened", "clicked"), "yes")
    dates = dict.fromkeys(("before", "after", "on"), "2026-01-01")
    for field in FIELDS:
        value = (examples | dates).get(field, "x")
        assert isinstance(root(f"{field}:{value}"), Term)


fragments = st.sampled_from(
    [
        "a",
        "b-c",
        '"d e"',
        "(",
        ")",
        "-",
        " ",
        "  ",
        "OR",
        " OR ",
        "from:",
        "subject:x",
        'to:"y z"',
        "on:2026",
        "after:7d",
        *("larger:1K", "header:a=b", "\\", '"', "é", "本", ":", "status:sent", "is:held"),
    ]
)
texts = st.text(max_size=60) | st.lists(fragments, max_size=15).map("".join)


@given(texts)
def test_any_text_is_a_query_or_a_syntax_error(text: str):
    try:
        query = parse_query(text, now=NOW)
    except QuerySyntaxError as error:
        place = (error.start, error.stop)
    else:
        place = (0, 0)
        assert parse_query(format_query(query), now=NOW) == query
    assert 0 <= place[0] <= place[1] <= len(text)


@given(st.text(max_size=50))
def test_a_quoted_value_is_itself(value: str):
    assert root(f"subject:{quoted(value)}") == Term("subject", value, True)


def test_a_scope_cannot_be_said_in_the_language() -> None:
    with pytest.raises(ValueError, match="cannot be said"):
        format_query(Query(Within(NOTHING)))
