"""Header fields in plain words, and the way that Received fields tell of."""

from __future__ import annotations

import pytest

from viewer.message.fields import MAX_ITEM, MAX_ITEMS, Item, items, meaning
from viewer.message.hops import MAX_HOPS, hops, shown_delay


@pytest.mark.parametrize("name", ["Subject", "DKIM-SIGNATURE", "received", "List-Unsubscribe-Post", "ARC-Seal"])
def test_a_known_field_is_explained_however_it_is_written(name: str) -> None:
    assert meaning(name).endswith(".")


def test_a_field_of_a_known_family_has_the_words_of_the_family() -> None:
    assert "Mailgun" in meaning("X-Mailgun-Variables")
    assert "maker alone" in meaning("X-Something")


def test_an_unknown_field_has_no_words() -> None:
    assert meaning("Frobnicate") == ""


def test_a_signature_is_told_tag_by_tag() -> None:
    found = items("DKIM-Signature", "v=1; d=example.com;\r\n s=k1; h=from:to; zz=odd; broken; bh=a b")
    assert found[1] == Item("d", "example.com", "the domain that signs")
    assert Item("zz", "odd", "") in found
    assert found[-1] == Item("bh", "a b", "hash of the body")
    assert len(found) == 6


def test_results_name_the_checker_and_what_each_result_says() -> None:
    found = items("Authentication-Results", "mx.example; spf=pass smtp.mailfrom=a; dkim=weird; ; nonsense")
    assert found[0] == Item("", "mx.example", "who checked")
    assert found[1] == Item("spf", "pass smtp.mailfrom=a", "passed")
    assert found[2] == Item("dkim", "weird", "")
    assert found[3] == Item("", "nonsense", "")


def test_results_of_a_chain_tell_their_place_in_it() -> None:
    found = items("ARC-Authentication-Results", "i=2; mx.example; dmarc=fail")
    assert found[0] == Item("i", "2", "place in the chain")
    assert found[1].meaning == "who checked"


def test_list_fields_name_each_way() -> None:
    found = items("List-Unsubscribe", "<https://a.example/u>, <mailto:u@a.example>, <ftp://x>")
    assert [item.meaning for item in found] == ["by a page", "by mail", ""]
    assert items("List-Id", "no brackets") == ()


def test_other_fields_have_no_pieces() -> None:
    assert items("Subject", "a=b; c=d") == ()


def test_pieces_are_bounded_in_number_and_length() -> None:
    found = items("DKIM-Signature", ";".join(f"t{n}={'x' * 999}" for n in range(500)))
    assert len(found) == MAX_ITEMS
    assert max(len(item.value) for item in found) == MAX_ITEM


RECEIVED = [
    "from b.example (b.example [192.0.2.2])\r\n by c.example with ESMTPS id 1 for <x@c.example>;"
    " Tue, 24 Nov 2026 13:47:38 +0100",
    "(from root@localhost) by b.example; nonsense",
    "from laptop by a.example with ESMTPSA; Tue, 24 Nov 2026 12:46:03 +0000",
]


def test_hops_stand_in_the_order_of_travel_with_their_delays() -> None:
    first, second, third = hops(RECEIVED)
    assert (first.source, first.by, first.protocol, first.delay) == ("laptop", "a.example", "ESMTPSA", None)
    assert (second.by, second.at, second.delay) == ("b.example", None, None)
    assert (third.source, third.by, third.recipient) == (
        "b.example (b.example [192.0.2.2])",
        "c.example",
        "x@c.example",
    )
    assert third.delay == 95_000_000


def test_hops_are_bounded_and_nothing_is_too_odd_to_be_read() -> None:
    assert len(hops(["x"] * 500)) == MAX_HOPS
    assert hops([""])[0].by == ""
    assert hops(["from " * 50_000])[0].at is None


@pytest.mark.parametrize(
    ("delay", "words"),
    [
        (0, "at once"),
        (95_000_000, "1 min 35 s later"),
        (3_600_000_000, "1 h later"),
        (-2_000_000, "2 s earlier: the clocks disagree"),
    ],
)
def test_a_delay_is_told_in_words(delay: int, words: str) -> None:
    assert shown_delay(delay) == words
