from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.archive.normalise import normalised, tokens


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("INV-12345", ["inv", "12345"]),
        ("jane.roe@example.com", ["jane", "roe", "example", "com"]),
        ("Zürich STRASSE Straße", ["zurich", "strasse", "strasse"]),
        ("ﬁne ＡＢＣ", ["fine", "abc"]),
        ("日本語テキスト", list("日本語テキスト")),
        ("서울 한국", list("서울한국")),
        ("snake_case", ["snake", "case"]),
        ("a\x00b", ["a", "b"]),
        ("*** - !", []),
    ],
)
def test_a_text_has_its_tokens(text: str, expected: list[str]):
    assert tokens(text) == expected


@given(st.text())
def test_normalising_twice_changes_no_token(text: str):
    once = normalised(text)
    assert "\x00" not in once
    once.encode("utf-8")
    assert tokens(once) == tokens(text)


@given(st.text())
def test_upper_and_lower_case_have_the_same_tokens(text: str):
    assert tokens(text.casefold()) == tokens(text)
