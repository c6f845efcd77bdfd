"""JSON, times and small things as providers write them, whatever is sent in their place."""

from __future__ import annotations

from typing import Any

import pytest

from relay.feedback.webhooks.document import Malformed, at, clean, flag, inner, parsed, rows, text, texts
from relay.feedback.webhooks.provider import Request
from relay.feedback.webhooks.providers import PROVIDERS
from relay.feedback.webhooks.told import bare_address, identifier_in, moment, since_1970, status_in
from tests.support.hooks import (
    IDENTIFIER,
    SECOND,
    tables,
)

EVENT = {"eventType": "Delivery", "mail": {"messageId": "m"}, "delivery": {"recipients": ["jane@example.com"]}}
HOUR = 3600


def verdict_on(provider: str, request: Request, **changed: Any):
    table = tables()[provider].model_copy(update=changed)
    return PROVIDERS[provider].verify(request, table)


# -- JSON ----------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"\xff",
        b"NaN",
        b'{"a": Infinity}',
        b"[" * 40 + b"]" * 40,
        b"[" * 100_000,
        b"[" * 100_000 + b"]" * 100_000,
        b'{"a":' * 50_000 + b"1" + b"}" * 50_000,
        b"1" * 5000,
        b"\xef\xbb\xbf{}",
        b"{} {}",
    ],
    ids=lambda body: repr(body[:12]),
)
def test_what_is_no_json_or_nested_too_deeply_is_malformed(body):
    with pytest.raises(Malformed):
        parsed(body)


def test_thirty_levels_are_read():
    assert parsed(b"[" * 31 + b"]" * 31)


def test_accessors_answer_for_any_json():
    value: dict[str, Any] = {
        "a": {"b": [{"c": 1}, {"c": "x\ud800"}]},
        "t": "true",
        "n": 1.5,
        "yes": True,
        "list": ["x", 7, "y"],
    }
    assert at(value, "a", "b", 0, "c") == 1
    assert at(value, "a", "b", 9) is None
    assert at(value, "a", 0) is None
    assert text(value, "a", "b", 1, "c") == "x?"
    assert (text(value, "n"), text(value, "yes"), text(value, "a")) == ("1.5", "", "")
    assert (flag(value, "t"), flag(value, "yes"), flag(value, "n"), flag(value, "none")) == (True, True, None, None)
    assert rows(value, "a", "b") == value["a"]["b"]
    assert (rows(value, "a"), rows(value, "n")) == ([value["a"]], [])
    assert (texts(value, "list"), texts(value, "t"), texts(value, "none")) == (["x", "y"], ["true"], [])
    assert (inner({"j": '{"k": 1}'}, "j"), inner({"j": "{"}, "j"), inner({"j": 7}, "j")) == ({"k": 1}, None, 7)
    assert clean("a\0b\udfff") == "ab?"


def test_times_are_read_in_every_form_that_providers_write():
    noon = 1_767_268_800 * SECOND
    assert moment("2026-01-01T12:00:00Z") == noon
    assert moment("2026-01-01T12:00:00.5+00:00") == noon + SECOND // 2
    assert moment("2026-01-01T07:00:00.1234567-05:00") == noon + 123_456
    assert moment("2026-01-01 12:00:00") == noon
    assert moment("0001-01-01T00:00:00+23:59") < 0
    assert (moment(""), moment("noon")) == (0, 0)
    assert since_1970(1_767_268_800) == noon
    assert since_1970("1767268800.25") == noon + SECOND // 4
    assert since_1970(1_767_268_800_000, per_second=1000) == noon
    for wrong in (0, -1, 1e300, "x", None, "1e400", "nan"):
        assert since_1970(wrong) == 0


def test_small_things_are_found_in_what_providers_write():
    assert bare_address("Jane <jane@example.com> ") == "jane@example.com"
    assert bare_address(" jane@example.com") == "jane@example.com"
    assert status_in("smtp; 550 5.1.1 <x> unknown 4.2.2") == "5.1.1"
    assert status_in("from 192.5.1.1 at 12.5.1.1.") == ""
    assert identifier_in({"mailwitness": IDENTIFIER}) == IDENTIFIER
    assert identifier_in(f'{{"mailwitness": "{IDENTIFIER}"}}') == IDENTIFIER
    assert identifier_in(f" {IDENTIFIER}") == IDENTIFIER
    assert (identifier_in("other"), identifier_in(None), identifier_in("[1]"), identifier_in(7)) == ("", "", "", "")
