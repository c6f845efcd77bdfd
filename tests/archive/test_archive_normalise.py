from __future__ import annotations

import sqlite3

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.archive.normalise import normalised, tokens
from tests.support.thoroughness import one_in


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
        ("Łódź Søren Œuvre Đorđe İstanbul ılık", ["lodz", "soren", "oeuvre", "dorde", "istanbul", "ilik"]),
        ("hello🥳world", ["hello", "world"]),
        ("ขอบคุณ", list("ขอบคณ")),
        ("e\u0301te\u0301", ["ete"]),
        ("שָׁלוֹם", ["שלום"]),
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


def test_sqlite_sees_the_same_tokens_whatever_the_character():
    database = sqlite3.connect(":memory:")
    database.execute("CREATE VIRTUAL TABLE full_text USING fts5(text, tokenize='unicode61 remove_diacritics 0')")
    database.execute("CREATE VIRTUAL TABLE word USING fts5vocab(full_text, 'instance')")
    # Beyond the Basic Multilingual Plane they are of one kind by the thousand, as within it ideographs and syllables.
    many = [*one_in(7, range(0x3400, 0xD800)), *one_in(7, range(0x10000, 0x32000))]
    points = [*range(1, 0x3400), *many, *range(0xE000, 0x10000)]
    texts = [(point, normalised(f"q{chr(point)}q")) for point in points]
    database.executemany("INSERT INTO full_text (rowid, text) VALUES (?, ?)", texts)
    seen: dict[int, list[str]] = {}
    for term, point in database.execute("SELECT term, doc FROM word ORDER BY doc, offset"):
        seen.setdefault(point, []).append(term)
    database.close()
    assert [hex(point) for point, text in texts if seen[point] != tokens(text)] == []
