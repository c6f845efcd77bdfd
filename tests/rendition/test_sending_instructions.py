"""What a message's own fields ask of its sending."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.model.delivery import Priority
from relay.rendition.instructions import HORIZON, NONE, Unreadable, find, understood

NOW = 1_795_525_200_000_000
"""2026-11-24T13:00:00Z"""
HOUR = 3600 * 1_000_000


def test_fields_are_found_by_name_whatever_the_case_and_the_folding():
    head = b"Subject: a\r\nx-MAILWITNESS-Priority : bulk\r\nX-Mailwitness-Send-At:\r\n Tue,\r\n\t24 Nov\nTo: b"
    assert find(head) == (("priority", "bulk"), ("send-at", "Tue, 24 Nov"))
    assert find(b"Subject: x\r\n X-Mailwitness-Priority: urgent\r\nX-Mailwitness-Tag: a\r\n") == ()


@given(st.binary(max_size=300))
def test_no_octets_break_it(octets):
    found = find(b"X-Mailwitness-Send-At:" + octets)
    assert found[0][0] == "send-at"
    with suppress(Unreadable):
        understood(found, NOW)


@pytest.mark.parametrize(
    ("text", "later"),
    [
        ("+2h", 2 * HOUR),
        ("+ 90 M", 1.5 * HOUR),
        ("+30s", HOUR / 120),
        ("+1d", 24 * HOUR),
        ("2026-11-24T15:00:00Z", 2 * HOUR),
        ("2026-11-24t16:00:00.250+01:00", 2 * HOUR),
        ("2026-11-24 10:00-0500", 2 * HOUR),
        ("Tue, 24 Nov 2026 16:00:00 +0100", 2 * HOUR),
        ("24 Nov 2026 15:00 GMT", 2 * HOUR),
    ],
)
def test_a_time_is_read_in_every_form(text, later):
    asked = understood((("send-at", text),), NOW)
    assert asked.send_at == NOW + later
    assert asked.priority is None


@pytest.mark.parametrize("text", ["2020-01-01T00:00:00Z", "+0s", "Mon, 23 Nov 2026 12:00:00 +0000"])
def test_a_time_that_has_passed_means_now(text):
    assert understood((("send-at", text),), NOW).send_at is None


@pytest.mark.parametrize(
    "text",
    [
        "",
        "tomorrow",
        "2026-11-24T15:00:00",
        "2026-13-24T15:00:00Z",
        "9999-12-31T23:59:59-23:59",
        "24 Nov 2026 15:00",
        "2027-03-24T15:00:00Z",
        "+91d",
        "+999999999d",
        "+2h\u200b",
        "\u0662026-11-24T15:00:00Z",
    ],
)
def test_what_cannot_be_promised_is_refused(text):
    with pytest.raises(Unreadable, match="X-Mailwitness-Send-At"):
        understood((("send-at", text),), NOW)


def test_two_times_are_refused():
    with pytest.raises(Unreadable, match="twice"):
        understood((("send-at", "+1h"), ("send-at", "+2h")), NOW)


def test_the_horizon_is_ninety_days():
    assert understood((("send-at", "+90d"),), NOW).send_at == NOW + HORIZON


def test_a_priority_is_read_and_another_word_is_noted():
    assert understood((), NOW) is NONE
    assert understood((("priority", "Urgent"),), NOW).priority is Priority.URGENT
    assert understood((("priority", "bulk"),), NOW).problems == ()
    for words in (["höchste"], ["urgent", "bulk"]):
        asked = understood(tuple(("priority", word) for word in words), NOW)
        assert asked.priority is None
        (problem,) = asked.problems
        assert problem.isascii()
