"""Spellings of an address: found in whatever form, and only as a whole."""

from __future__ import annotations

import pytest

from relay.model.erasure import (
    ERASED_ADDRESS,
    Mention,
    address_fault,
    is_placeholder,
    needle,
    octet_pattern,
    pattern,
    placeholder,
    without,
)

ANN = "ann.lee+x@example.com"


@pytest.mark.parametrize(
    "text",
    [
        *(ANN, ANN.upper(), f"<{ANN}>", f"mailto:{ANN}?x", f"{ANN}.", f"{ANN},", "to=" + ANN, r"\n" + ANN),
        *("?m=ann.lee%2Bx%40example.com", "%3Cann.lee%2Bx@example.com", "ann.lee+x=40example.com"),
        *("bounce-ann.lee+x=example.com@mail.example", "rfc822;" + ANN),
    ],
)
def test_an_address_is_found_in_every_spelling(text: str):
    assert pattern(ANN).search(text)
    assert octet_pattern(ANN).search(text.encode())
    assert needle(ANN) in text.lower()


@pytest.mark.parametrize(
    "text", ["x" + ANN, "x." + ANN, ANN + ".au", ANN + "m", "ann.lee@example.com", "annxlee+x@example.com"]
)
def test_a_part_of_another_address_is_not_it(text: str):
    assert not pattern(ANN).search(text)


def test_an_international_domain_is_found_in_both_forms():
    for address in ("ann@bücher.example", "ann@xn--bcher-kva.example"):
        assert pattern(address).search("ann@bücher.example")
        assert pattern(address).search("ann@xn--bcher-kva.example")
    assert pattern("ann@" + "x" * 70 + ".example").search("ann@" + "x" * 70 + ".example")


def test_json_stays_json():
    found = pattern(ANN)
    assert without(f'{{"a":["{ANN}",1,null],"{ANN}":"é"}}', found, "-") == '{"a":["-",1,null],"-":"é"}'
    assert without('{"a": 1}', found, "-") == '{"a": 1}'
    assert without("{" + ANN, found, "-") == "{-"
    assert without(f"to {ANN}", found, "-") == "to -"
    assert not found.search(placeholder("01J00000000000000000000001"))


def test_what_stands_in_the_place_of_an_address_is_known():
    assert is_placeholder(placeholder("01J00000000000000000000001"))
    assert is_placeholder(ERASED_ADDRESS)
    assert not is_placeholder(ANN)


def test_what_is_no_address_is_refused():
    assert address_fault(ANN) == ""
    assert [bool(address_fault(text)) for text in ("", "ann", "@x", "ann@", "a b@x")] == [True] * 5
    assert needle("é@x") == ""


def test_a_content_that_names_the_person_goes_as_a_whole():
    assert Mention("1", 1, ("content", "recipient")).is_whole
    assert not Mention("1", 1, ("recipient",)).is_whole
