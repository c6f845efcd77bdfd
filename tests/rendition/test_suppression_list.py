"""The suppression list as CSV: what is written is read back, and every wrong line is named."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count

import pytest

from relay.model.suppression import Cause, Suppressed
from relay.rendition.suppression_list import (
    Circumstances,
    Reading,
    checked_address,
    header,
    line,
    parse_time,
    read,
)

NOW = 1_795_521_600_000_000
"""2026-11-24T12:00:00Z"""


def ids() -> Callable[[], str]:
    numbers = count(1)
    return lambda: f"id-{next(numbers)}"


def reading(text: str | bytes) -> Reading:
    data = text.encode() if isinstance(text, str) else text
    return read(data, Circumstances(NOW, "command:root", ids(), {"shop", "default"}))


def problems(text: str | bytes) -> list[str]:
    return [str(problem) for problem in reading(text).problems]


ENTRIES = [
    Suppressed("id-1", "jane@example.com", "shop", Cause.BOUNCE, '550 "no, such", user', NOW - 5, "command:root"),
    Suppressed("id-2", "+tag@example.com", "", Cause.MANUAL, "=HYPERLINK(1)", NOW, "command:root", NOW + 1_000_001),
    Suppressed("id-3", "ü@bücher.example", "", Cause.COMPLAINT, "", NOW, "command:root"),
]


def test_what_is_written_is_read_back() -> None:
    data = header() + b"".join(map(line, ENTRIES))
    assert reading(data) == Reading(tuple(ENTRIES), ())


def test_a_spreadsheet_finds_its_mark_and_runs_nothing() -> None:
    assert header() == b"\xef\xbb\xbfaddress,application,cause,reason,created_at,expires_at\r\n"
    assert line(ENTRIES[1]) == (
        b"'+tag@example.com,,manual,'=HYPERLINK(1),2026-11-24T12:00:00.000000Z,2026-11-24T12:00:01.000001Z\r\n"
    )


@pytest.mark.parametrize(
    "text",
    [
        "jane@example.com\nbob@example.com",
        "address\r\njane@example.com\r\n\r\n bob@example.com \r\n",
        "Reason,ADDRESS\n,jane@example.com\n,bob@example.com,,\n",
    ],
)
def test_a_list_of_addresses_is_enough(text: str) -> None:
    found = reading(text)
    assert found.problems == ()
    assert [(one.address, one.cause, one.application, one.created_at) for one in found.entries] == [
        ("jane@example.com", Cause.MANUAL, "", NOW),
        ("bob@example.com", Cause.MANUAL, "", NOW),
    ]


def test_an_empty_file_is_an_empty_list() -> None:
    assert reading("") == reading("\ufeff") == reading(header()) == Reading((), ())


@pytest.mark.parametrize(
    ("row", "problem"),
    [
        ("no address,,,,,", "'no address' is not an address"),
        (",shop,,,,", "no address"),
        ("jane,,,,,", "'jane' is not an address"),
        ("<jane@example.com>,,,,,", "'<jane@example.com>' is not an address"),
        ("@a:jane@example.com,,,,,", "'@a:jane@example.com' is not an address"),
        ("a@b> SIZE=1,,,,,", "'a@b> SIZE=1' is not an address"),
        ("a@b.example,Shop,,,,", "there is no application 'Shop'; known are default, shop"),
        ("a@b.example,,angry,,,", "'angry' is no cause; known are bounce, complaint, unsubscribe, manual"),
        ('a@b.example,,,"two\nlines",,', "the reason has line breaks or other control characters"),
        (f"a@b.example,,,{'x' * 501},,", "the reason has more than 500 characters"),
        ("a@b.example,,,,2026-11-25,", "created_at lies in the future"),
        ("a@b.example,,,,yesterday,", "'yesterday' is not a time such as 2026-11-24 or 2026-11-24T12:00:00Z"),
        ("a@b.example,,,,,1969-01-01", "'1969-01-01' is too long ago"),
        ("a@b.example,,,,2026-11-02,2026-11-01", "expires_at is not after created_at"),
        ("a@b.example,,,,,,,x", "more cells than columns"),
    ],
)
def test_a_wrong_line_is_named_and_the_others_are_read(row: str, problem: str) -> None:
    columns = ",".join(("address", "application", "cause", "reason", "created_at", "expires_at"))
    found = reading(f"{columns}\nfirst@example.com,,,,,\n{row}\nlast@example.com\n")
    number = 3 + row.count("\n")
    assert [str(one) for one in found.problems] == [f"line {number}: {problem}"]
    assert [one.address for one in found.entries] == ["first@example.com", "last@example.com"]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (
            "address,mood\n",
            "line 1: there is no column 'mood'; known are address, application, cause, reason, created_at, "
            "expires_at; nothing after it was read",
        ),
        ("address,address\n", "line 1: the column address is there twice; nothing after it was read"),
        (b"a@b.example\n\xff@example.com\n", "line 2: not UTF-8"),
        ('address\n"a@b.example"x\n', "line 2: ',' expected after '\"'; nothing after it was read"),
        ('address\n"a@b.example', "line 2: unexpected end of data; nothing after it was read"),
        (
            "address\na@b.example," + "x" * 200_000,
            "line 2: field larger than field limit (131072); nothing after it was read",
        ),
    ],
)
def test_a_file_that_is_none_is_said_to_be_so(text: str | bytes, problem: str) -> None:
    assert problems(text) == [problem]


def test_a_half_character_is_no_address() -> None:
    with pytest.raises(ValueError, match="not an address"):
        checked_address("\ud800@example.com")


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("2026-11-24", NOW - 12 * 3600 * 1_000_000),
        ("2026-11-24T12:00:00Z", NOW),
        ("2026-11-24 13:00:00.000001+01:00", NOW + 1),
    ],
)
def test_a_time_is_utc_unless_it_says_otherwise(text: str, at: int) -> None:
    assert parse_time(text) == at


def test_a_time_before_all_times_is_refused() -> None:
    with pytest.raises(ValueError, match="too long ago"):
        parse_time("0001-01-01T00:00:00+14:00")
