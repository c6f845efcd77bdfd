"""RFC 8785: equal to another implementation for every value; only the one spelling is read."""

from __future__ import annotations

import json
from typing import Any

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from relay.ledger.canonical import DEEPEST, GREATEST, CanonicalError, canonical, parse_canonical

VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers(-GREATEST, GREATEST) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


@given(VALUES)
def test_it_is_spelt_as_another_implementation_spells_it(value: Any) -> None:
    assert canonical(value) == rfc8785.dumps(value)


@given(VALUES)
def test_what_was_written_is_read_back(value: Any) -> None:
    assert parse_canonical(canonical(value)) == value


def test_names_are_in_the_order_of_the_rfcs_example() -> None:
    names = {"\u20ac": 1, "\r": 2, "\ufb33": 3, "1": 4, "\U0001f600": 5, "\u0080": 6, "\u00f6": 7}
    order = ["\r", "1", "\u0080", "\u00f6", "\u20ac", "\U0001f600", "\ufb33"]
    assert list(json.loads(canonical(names))) == order


def test_control_characters_are_escaped_as_the_rfc_says() -> None:
    assert canonical('\b\t\n\f\r"\\/\x00\x1f\x7f\u2028') == b'"\\b\\t\\n\\f\\r\\"\\\\/\\u0000\\u001f\x7f\xe2\x80\xa8"'


@pytest.mark.parametrize(
    "value",
    [0.5, 1.0, float("nan"), 2**53, -(2**53), b"octets", {1: "a"}, {"a": object()}, "\ud800", {"\ud800": 1}, {1, 2}],
    ids=[*("half", "float", "nan", "large", "low", "octets", "number", "object", "surrogate", "name", "set")],
)
def test_a_value_without_a_spelling_is_refused(value: object) -> None:
    with pytest.raises(CanonicalError):
        canonical(value)


def nested(depth: int) -> Any:
    value: Any = 0
    for _ in range(depth):
        value = [value]
    return value


def test_depth_is_bounded_both_ways() -> None:
    assert parse_canonical(canonical(nested(DEEPEST))) == nested(DEEPEST)
    with pytest.raises(CanonicalError, match="within each other"):
        canonical(nested(DEEPEST + 1))
    with pytest.raises(CanonicalError, match="within each other"):
        parse_canonical(b"[" * 100 + b"0" + b"]" * 100)
    with pytest.raises(CanonicalError, match="too deep"):
        parse_canonical(b"[" * 100_000 + b"0" + b"]" * 100_000)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b" {}",
        b"{}\n",
        b'{"a": 1}',
        b'{"b":1,"a":2}',
        b'{"a":1,"a":1}',
        b'{"a":1,"a":2}',
        b'{"a":1.0}',
        b'{"a":1e3}',
        b'{"a":-0}',
        b'{"a":01}',
        b'{"a":NaN}',
        b'{"a":Infinity}',
        b'{"a":9007199254740992}',
        b'{"a":' + b"9" * 5000 + b"}",
        b'"\\u00e9"',
        b'"\\u0041"',
        b'"\\/"',
        b'"\\u000A"',
        b'"\\ud800"',
        b'"\xff"',
        b"\xef\xbb\xbf{}",
        b"'a'",
        b"{} {}",
    ],
    ids=lambda data: repr(data[:24]),
)
def test_any_other_spelling_is_refused(data: bytes) -> None:
    with pytest.raises(CanonicalError):
        parse_canonical(data)


def test_whole_numbers_that_only_look_like_booleans_stay_numbers() -> None:
    assert canonical([True, 1, False, 0]) == b"[true,1,false,0]"
