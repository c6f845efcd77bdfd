import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.model.summary import Reference
from relay.rendition.references import MAX_CODE, MAX_REFERENCES, ReferencePattern, find_references

INVOICE = ReferencePattern("invoice", r"INV-\d+")


def codes(pattern: str, text: str) -> list[str]:
    return [found.code for found in find_references([ReferencePattern("x", pattern)], {"subject": text})]


def test_codes_are_found_where_the_pattern_looks_each_once_in_order() -> None:
    texts = {"subject": "INV-2 and INV-1", "body": "INV-2\nINV-3", "headers": "X-Order: INV-4"}
    assert find_references([INVOICE], texts) == tuple(Reference("invoice", f"INV-{n}") for n in (2, 1, 3))
    everywhere = ReferencePattern("all", r"INV-(\d+)", ("headers", "body"))
    assert find_references([everywhere, INVOICE], texts)[:3] == (
        Reference("all", "4"),
        Reference("all", "2"),
        Reference("all", "3"),
    )


def test_a_group_that_took_no_part_gives_the_whole_match() -> None:
    assert codes(r"INV-\d+|(EST)-\d+", "INV-1 EST-2") == ["INV-1", "EST"]


def test_empty_matches_are_no_codes() -> None:
    assert codes(r"\d*", "a1b") == ["1"]
    assert codes(r" +", "a b") == []


def test_places_that_are_not_there_are_empty() -> None:
    assert find_references([INVOICE], {}) == ()


def test_a_code_does_not_cross_a_line_end() -> None:
    assert codes(r"a\s*b", "a\nb a b") == ["a b"]


@given(st.integers(0, 1500), st.integers(1, 60))
def test_a_code_is_found_whole_wherever_it_stands_in_a_long_line(before: int, digits: int) -> None:
    code = "INV-" + "7" * digits
    assert codes(r"\bINV-\d+\b", "x " * before + code + " y" * 600) == [code]


@given(st.text("INV-1 2\n", max_size=1200))
def test_windows_find_what_a_search_of_each_whole_line_finds(text: str) -> None:
    whole = [found for line in text.split("\n") for found in re.findall(r"INV-[12]{1,9}", line)]
    assert codes(r"INV-[12]{1,9}", text) == list(dict.fromkeys(whole))[:MAX_REFERENCES]


def test_codes_are_bounded_in_number_and_length() -> None:
    assert len(codes(r"\d+", " ".join(map(str, range(1000))))) == MAX_REFERENCES
    assert [len(code) for code in codes(r"x+", "x" * 450)] == [MAX_CODE]


def test_a_careless_pattern_is_searched_in_windows() -> None:
    assert codes(r"\w+-\d+", "A" * 200_000 + " INV-1") == ["INV-1"]


def test_what_is_no_pattern_is_refused() -> None:
    with pytest.raises(re.error):
        codes("(", "x")
