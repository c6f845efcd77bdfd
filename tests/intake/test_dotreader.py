"""The end of DATA, found in octets that come in any pieces."""

from __future__ import annotations

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from relay.intake.dotreader import HEAD_LIMIT, LINE_LIMIT, DotReader
from relay.model.message import Trait
from tests.support.exactclient import stuffed

PIECES = [
    b"\r",
    b"\n",
    b"\r\n",
    b".",
    b"\0",
    b"a",
    b"\xff",
    b"x" * 500,
    b"Received: x\r\n",
    b"X-Tags: x\r\n",
    b"\r\n.\r\n",
    b"\r\n.",
    b" ",
]
streams = st.lists(st.sampled_from(PIECES), max_size=30).map(b"".join)
cuts = st.lists(st.integers(0, 400), max_size=12)
contents = streams.map(lambda octets: octets and octets + b"\r\n")


def read(stream: bytes, limit: int = 1 << 30) -> tuple[bytes, DotReader]:
    reader = DotReader(limit)
    return reader.feed(stream), reader


def pieces(stream: bytes, lengths: list[int]) -> list[bytes]:
    parts, start = [], 0
    for length in lengths:
        parts.append(stream[start : start + length])
        start += length
    return [*parts, stream[start:]]


def facts(reader: DotReader) -> tuple[object, ...]:
    return reader.size, reader.is_complete, reader.is_over_limit, reader.traits, reader.hops, reader.instructions


@given(streams, cuts, st.sampled_from([1 << 30, 600]))
@example(b"x" * 998 + b"\r\n.\r\n", [998], 1 << 30)
@example(b"x" * 999 + b"\r\n.\r\n", [999], 1 << 30)
def test_any_chunking_gives_the_same_content_facts_and_rest(stream, lengths, limit):
    whole, expected = read(stream, limit)
    reader = DotReader(limit)
    content = rest = b""
    for piece in pieces(stream, lengths):
        if reader.is_complete:
            rest += piece
        else:
            content += reader.feed(piece)
    assert reader.rest + rest == expected.rest
    assert reader.size == expected.size
    assert reader.is_complete == expected.is_complete
    if not expected.is_over_limit:
        assert content == whole
        assert facts(reader) == facts(expected)


@given(contents, st.binary(max_size=20))
def test_what_an_exact_client_stuffs_is_read_back(content, rest):
    read_back, reader = read(stuffed(content) + rest)
    assert (read_back, reader.rest, reader.is_complete) == (content, rest, True)
    assert reader.size == len(content)


@given(contents)
def test_traits_are_those_that_a_plain_search_finds(content):
    _, reader = read(stuffed(content))
    expected = {
        Trait.BARE_CR: re.search(rb"\r(?!\n)", content),
        Trait.BARE_LF: re.search(rb"(?<!\r)\n", content),
        Trait.NUL: b"\0" in content,
        Trait.EIGHT_BIT: not content.isascii(),
        Trait.LONG_LINE: any(len(line) > LINE_LIMIT for line in content.split(b"\r\n")),
    }
    assert reader.traits == {trait for trait, is_shown in expected.items() if is_shown}


def test_a_dot_alone_at_once_is_an_empty_content():
    content, reader = read(b".\r\nQUIT\r\n")
    assert (content, reader.rest, reader.size, reader.is_complete) == (b"", b"QUIT\r\n", 0, True)


def test_a_bare_lf_does_not_end_data():
    assert not read(b"a\n.\nb\n.\r\n")[1].is_complete


def test_a_bare_cr_does_not_end_data():
    assert not read(b"a\r.\rb\r.\r\n")[1].is_complete


def test_cr_crlf_dot_crlf_ends_data_and_keeps_the_cr():
    content, reader = read(b"a\r\r\n.\r\n")
    assert (content, reader.is_complete, reader.traits) == (b"a\r\r\n", True, frozenset({Trait.BARE_CR}))


def test_only_the_first_dot_after_a_crlf_is_taken_off():
    assert read(b"..\r\n...\r\n.a\r\n\n.b\r\n.\r\n")[0] == b".\r\n..\r\na\r\n\n.b\r\n"


def test_beyond_the_limit_nothing_is_given_but_the_end_is_found():
    reader = DotReader(limit=10)
    assert reader.feed(b"0123456789") == b"0123456789"
    assert reader.feed(b"x") == b""
    assert reader.is_over_limit
    assert reader.feed(b"y\r\n.\r\nNOOP\r\n") == b""
    assert (reader.size, reader.is_complete, reader.rest) == (14, True, b"NOOP\r\n")


def test_a_content_as_long_as_the_limit_is_not_beyond_it():
    content, reader = read(b"01234567\r\n.\r\n", limit=10)
    assert (content, reader.is_over_limit) == (b"01234567\r\n", False)


def test_at_most_four_octets_are_held_back():
    reader = DotReader(1 << 30)
    given = reader.feed(b"a" * 1000 + b"\r\n.\r")
    assert len(given) == 1000


@pytest.mark.parametrize(("length", "is_long"), [(LINE_LIMIT, False), (LINE_LIMIT + 1, True)])
@pytest.mark.parametrize("before", [b"", b"short\r\n", b"y" * LINE_LIMIT + b"\r\n"])
def test_a_line_is_long_beyond_998_octets(length, is_long, before):
    _, reader = read(before + b"x" * length + b"\r\nshort\r\n.\r\n")
    assert (Trait.LONG_LINE in reader.traits) == is_long


def test_a_bare_lf_does_not_make_a_long_line_short():
    assert Trait.LONG_LINE in read(b"x" * 600 + b"\n" + b"x" * 600 + b"\r\n.\r\n")[1].traits


def test_hops_are_the_received_fields_of_the_header_section():
    head = b"Received: a\r\n b\r\nreceived : c\r\nX-Received: d\r\nRECEIVED:e\r\n"
    assert read(head + b"\r\nReceived: f\r\n.\r\n")[1].hops == 3
    assert read(head.replace(b"\r\n", b"\n") + b"\nReceived: f\r\n.\r\n")[1].hops == 3


def test_a_content_without_a_header_section_has_no_hops():
    assert read(b"\r\nReceived: a\r\n.\r\n")[1].hops == 0


def test_hops_are_counted_in_a_header_without_an_end():
    assert read(b"Received: a\r\nReceived: b\r\n.\r\n")[1].hops == 2


def test_an_endless_header_is_not_kept_for_counting():
    reader = DotReader(1 << 30)
    for _ in range(HEAD_LIMIT // 1000 + 10):
        reader.feed(b"Received: a\r\n" + b"x" * 985 + b"\r\n")
    assert 0 < reader.hops <= HEAD_LIMIT // 1000 + 1
    assert reader._head is None
