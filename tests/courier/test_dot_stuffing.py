"""Dot-stuffing in pieces is the same as dot-stuffing line by line."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.courier.dot import is_clean, stuffed

LINES = st.lists(
    st.sampled_from([b"", b".", b"..", b".a", b"a.", b"a", b"\0", b"long" * 9, b"\xff.", b". "]), max_size=30
)


def line_by_line(content: bytes) -> bytes:
    """As RFC 5321 section 4.5.2 says it."""
    lines = content.split(b"\r\n")[:-1]
    return b"".join((b"." if line.startswith(b".") else b"") + line + b"\r\n" for line in lines) + b".\r\n"


@given(LINES, st.integers(1, 40))
def test_pieces_of_any_size_give_the_same_octets(lines: list[bytes], piece: int) -> None:
    content = b"".join(line + b"\r\n" for line in lines)
    pieces = list(stuffed(content, piece))
    assert b"".join(pieces) == line_by_line(content)
    assert pieces[-1].endswith(b".\r\n")


@given(LINES, st.integers(1, 40))
def test_the_end_of_data_is_at_the_end_only(lines: list[bytes], piece: int) -> None:
    content = b"".join(line + b"\r\n" for line in lines)
    wire = b"\r\n" + b"".join(stuffed(content, piece))
    assert wire.index(b"\r\n.\r\n") == len(wire) - 5


def test_no_octets_are_a_dot_alone() -> None:
    assert list(stuffed(b"")) == [b".\r\n"]


def test_content_without_dots_is_not_copied_more_than_once() -> None:
    content = b"x" * 998 + b"\r\n"
    assert list(stuffed(content * 3, 1000)) == [content, content, content + b".\r\n"]


@pytest.mark.parametrize("content", [b"", b"\r\n", b"a\r\n", b".\r\n", b"a\0\r\n\r\n"])
def test_crlf_lines_are_clean(content: bytes) -> None:
    assert is_clean(content)


@pytest.mark.parametrize(
    "content", [b"a", b"a\n", b"a\r", b"\n\r\n", b"\r\r\n", b"a\r\n.\n", b"\r\n.\r\r\n", b"\n\r", b"\r\n\r\na"]
)
def test_bare_line_ends_and_a_missing_last_one_are_not_clean(content: bytes) -> None:
    assert not is_clean(content)
