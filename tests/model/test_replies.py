import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.model.reply import LINE_LIMIT, MalformedReply, Reply, local_reply, parse_reply

codes = st.integers(200, 559)
texts = st.text(max_size=700)


@given(codes, texts, st.sampled_from([None, "2.0.0", "4.7.1", "5.123.456"]))
def test_the_octets_of_a_reply_are_well_formed_lines_whatever_its_text(
    code: int, text: str, enhanced: str | None
) -> None:
    wire = Reply(code, text, enhanced).to_wire()
    lines = wire.split(b"\r\n")
    assert lines.pop() == b""
    assert len(lines) == text.count("\n") + 1
    assert wire.isascii()
    for line in lines:
        assert len(line) + 2 <= LINE_LIMIT
        assert all(0x20 <= octet <= 0x7E for octet in line)
    assert {line[:4] for line in lines[:-1]} <= {f"{code}-".encode()}
    assert lines[-1].startswith(f"{code} ".encode())


@given(
    st.integers(200, 599),
    st.lists(st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=80), min_size=1),
)
def test_what_is_written_is_read_back(code: int, lines: list[str]) -> None:
    enhanced = f"{str(code)[0]}.1.2" if code >= 400 or code < 300 else None
    reply = Reply(code, "\n".join(lines), enhanced)
    if enhanced is None and any(line[:1].isdigit() for line in lines):
        return  # a text that begins like an enhanced code is taken for one
    assert parse_reply(reply.to_wire().split(b"\r\n")[:-1]).text.split() == reply.text.split()


@given(st.lists(st.binary(max_size=30), max_size=4))
def test_octets_are_a_reply_or_refused_as_none(lines: list[bytes]) -> None:
    try:
        reply = parse_reply(lines)
    except MalformedReply:
        return
    assert 200 <= reply.code <= 599


@pytest.mark.parametrize(
    ("lines", "reply"),
    [
        ([b"250 2.0.0 ok"], Reply(250, "ok", "2.0.0")),
        ([b"250"], Reply(250, "")),
        ([b"250 2.1.5"], Reply(250, "", "2.1.5")),
        ([b"550-5.7.1 first", b"550-5.7.9 second", b"550 third"], Reply(550, "first\nsecond\nthird", "5.7.1")),
        ([b"250 5.7.1 of another class"], Reply(250, "5.7.1 of another class")),
        ([b"250 2.1.5x"], Reply(250, "2.1.5x")),
        ([b"354 go\xff"], Reply(354, "go\\xff")),
        ([b"250Ok"], Reply(250, "Ok")),
    ],
)
def test_replies_are_read_with_their_enhanced_code(lines: list[bytes], reply: Reply) -> None:
    assert parse_reply(lines) == reply


@pytest.mark.parametrize("lines", [[], [b""], [b"25"], [b"199 x"], [b"600 x"], [b"hello"], [b"250-a", b"550 b"]])
def test_what_is_no_reply_is_refused(lines: list[bytes]) -> None:
    with pytest.raises(MalformedReply):
        parse_reply(lines)


def test_a_reply_is_of_one_kind() -> None:
    kinds = [(r.is_positive, r.is_transient, r.is_permanent) for r in (Reply(250, ""), Reply(451, ""), Reply(550, ""))]
    assert kinds == [(True, False, False), (False, True, False), (False, False, True)]
    assert Reply(354, "").is_positive


def test_a_reply_reads_as_one_line() -> None:
    assert str(Reply(250, "queued\nas 1", "2.0.0")) == "250 2.0.0 queued / as 1"
    assert str(Reply(250, "")) == "250"


def test_our_own_reply_says_that_no_peer_gave_it() -> None:
    assert local_reply(451, "4.4.1", "no connection") == Reply(451, "no connection", "4.4.1", is_local=True)
