"""Replies come out whole, whatever pieces the socket gives, and never without bound."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.courier.replies import LINE_LIMIT, LINES_LIMIT, ReplyReader
from relay.model.reply import MalformedReply, Reply

WIRE = b"250-mail.example\r\n250-SIZE 9\r\n250 DSN\r\n354 go\r\n550 5.1.1 no\n"
REPLIES = [Reply(250, "mail.example\nSIZE 9\nDSN"), Reply(354, "go"), Reply(550, "no", "5.1.1")]


@given(st.lists(st.integers(0, len(WIRE)), max_size=10))
def test_any_chunking_gives_the_same_replies(cuts: list[int]) -> None:
    reader = ReplyReader()
    edges = [0, *sorted(cuts), len(WIRE)]
    replies = [reply for start, stop in itertools.pairwise(edges) for reply in reader.feed(WIRE[start:stop])]
    assert replies == REPLIES
    assert reader.is_empty


def test_the_beginning_of_a_reply_is_noticed() -> None:
    reader = ReplyReader()
    assert list(reader.feed(b"25")) == []
    assert not reader.is_empty
    assert list(reader.feed(b"0-a\r\n")) == []
    assert not reader.is_empty


@pytest.mark.parametrize(
    "wire",
    [
        b"hello\r\n",
        b"\r\n",
        b"1\r\n",
        b"100 no\r\n",
        b"-ab-\r\n",
        b"250-a\r\n251 b\r\n",
        b"250-a\r\nb\r\n",
        b"2" * (LINE_LIMIT + 1),
        b"250 " + b"x" * LINE_LIMIT + b"\r\n",
        b"250-x\r\n" * LINES_LIMIT,
        (b"250-" + b"x" * 1000 + b"\r\n") * 70,
    ],
    ids=lambda wire: repr(wire[:20]),
)
def test_what_is_no_reply_is_refused(wire: bytes) -> None:
    with pytest.raises(MalformedReply):
        list(ReplyReader().feed(wire))


def test_a_code_alone_is_a_reply() -> None:
    assert list(ReplyReader().feed(b"250\r\n")) == [Reply(250, "")]


def test_the_limit_is_of_one_reply_not_of_a_session() -> None:
    reader = ReplyReader()
    long = b"250-" + b"x" * 8000 + b"\r\n250 y\r\n"
    assert sum(len(list(reader.feed(long))) for _ in range(20)) == 20


def test_replies_before_what_is_none_are_not_lost_with_it() -> None:
    """A pipelined upstream may have refused one recipient before it went mad."""
    replies = ReplyReader().feed(b"450 later\r\nHTTP/1.1 400\r\n250 ok\r\n")
    assert next(replies) == Reply(450, "later")
    with pytest.raises(MalformedReply):
        next(replies)
