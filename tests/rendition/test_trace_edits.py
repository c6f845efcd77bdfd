from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from relay.model.edit import Edit
from relay.rendition.edit import splice
from relay.rendition.mime import header_fields
from relay.rendition.trace import (
    MAX_LINE_END_EDITS,
    date_time,
    line_end_edits,
    own_header_edits,
    received_edit,
    transit_edits,
)
from tests.support.awkward import ALTERNATIVE, octets

AT = 1_795_527_998_000_000
FACTS: dict[str, Any] = {"hostname": "relay.example", "protocol": "ESMTPSA", "message_id": "01JABC", "received_at": AT}


def is_clean(octets: bytes) -> bool:
    rest = octets.replace(b"\r\n", b"")
    return b"\r" not in rest and b"\n" not in rest and (not octets or octets.endswith(b"\r\n"))


@settings(max_examples=300)
@given(octets)
def test_a_sent_copy_has_clean_lines_and_none_of_our_fields(content: bytes) -> None:
    received = received_edit("full", **FACTS, helo="h", peer="192.0.2.7:25")
    wire = splice(content, transit_edits(content, received))
    assert is_clean(wire)
    assert wire.startswith(received[0].replacement)
    rest = wire[len(received[0].replacement) :]
    assert splice(rest, line_end_edits(rest)) == rest


@given(octets)
def test_many_line_end_edits_give_what_few_would(content: bytes) -> None:
    few = splice(content, line_end_edits(content))
    heap = b"\n" * (MAX_LINE_END_EDITS + 1)
    many = splice(heap + content, line_end_edits(heap + content))
    assert many[2 * (MAX_LINE_END_EDITS + 1) :] == few
    assert len(line_end_edits(heap + content)) <= 2


@given(st.binary(max_size=50).map(lambda octets: octets.replace(b"\r", b"").replace(b"\n", b"\r\n") + b"\r\n"))
def test_a_clean_content_needs_no_edits(content: bytes) -> None:
    assert transit_edits(content) == ()


@pytest.mark.parametrize(
    ("content", "wire"),
    [
        (b"", b""),
        (b"a", b"a\r\n"),
        (b"a\r", b"a\r\n"),
        (b"a\n", b"a\r\n"),
        (b"a\nb\rc\r\n", b"a\r\nb\r\nc\r\n"),
        (b"a\r\r\nb\r\n", b"a\r\nb\r\n"),
        (b"a\n\r\nb\r\n", b"a\r\n\r\nb\r\n"),
        (b"a\r\rb\r\n", b"a\r\n\r\nb\r\n"),
        (b"\r.\r\n", b"\r\n.\r\n"),
        (b"\n.\n", b"\r\n.\r\n"),
        (b"a" + b"\r" * 10 + b"\n", b"a" + b"\r\n" * 3),
    ],
)
def test_each_kind_of_line_end_becomes_crlf(content: bytes, wire: bytes) -> None:
    assert splice(content, line_end_edits(content)) == wire


def test_line_ends_within_the_edits_of_other_steps_are_left_alone() -> None:
    content = b"a\nb\nc\n"
    assert line_end_edits(content, [Edit(2, 4, b"", "own"), Edit(4, 6, b"x\r\n", "own")]) == (
        Edit(1, 2, b"\r\n", "line-ends"),
    )


def test_our_own_fields_are_taken_out_of_the_message_header_and_no_others() -> None:
    content = (
        b"X-Mailwitness-Tag: a\r\nSubject: x\r\nx-mailwitness-metadata-order: 7,\r\n 8\r\nX-Tags: b\r\n"
        b"X-PM-Tag: c\r\n\r\nX-Mailwitness-Tag: in the body\r\n"
    )
    assert splice(content, own_header_edits(content)) == (
        b"Subject: x\r\nX-Tags: b\r\nX-PM-Tag: c\r\n\r\nX-Mailwitness-Tag: in the body\r\n"
    )


def test_a_message_of_only_our_fields_and_no_line_end_is_sent_as_nothing() -> None:
    assert splice(b"X-Mailwitness-Tag: a", transit_edits(b"X-Mailwitness-Tag: a")) in (b"", b"\r\n")


def test_a_received_field_says_what_was_asked_for() -> None:
    assert received_edit("none", **FACTS) == ()
    assert received_edit("minimal", **FACTS, helo="secret.example", peer="192.0.2.7:1", application="billing") == (
        Edit(
            0,
            0,
            b"Received: by relay.example with ESMTPSA id 01JABC;\r\n Tue, 24 Nov 2026 13:46:38 +0000\r\n",
            "trace",
        ),
    )
    (full,) = received_edit(
        "full", **FACTS, helo="app.example", peer="192.0.2.7:41234", application="Billing 1", tls="TLSv1.3"
    )
    assert full.replacement == (
        b"Received: from app.example ([192.0.2.7]) (Billing 1, TLSv1.3)\r\n"
        b" by relay.example with ESMTPSA id 01JABC;\r\n Tue, 24 Nov 2026 13:46:38 +0000\r\n"
    )


@pytest.mark.parametrize(
    ("peer", "shown"),
    [
        ("[2001:db8::1]:41234", b"([IPv6:2001:db8::1])"),
        ("unix", b"(unix)"),
        ("", b"(unknown)"),
        ("192.0.2.7", b"([192.0.2.7])"),
    ],
)
def test_the_peer_is_shown_as_an_address_literal_or_by_its_kind(peer: str, shown: bytes) -> None:
    (edit,) = received_edit("full", **FACTS, helo="", peer=peer)
    assert edit.replacement.startswith(b"Received: from unknown " + shown + b"\r\n")


@given(*[st.text(max_size=300)] * 5)
def test_whatever_a_client_said_stays_in_one_harmless_field(a: str, b: str, c: str, d: str, e: str) -> None:
    facts = {**FACTS, "hostname": a, "protocol": b}
    (edit,) = received_edit("full", **facts, helo=c, peer=d, application=e, tls=a)
    content = edit.replacement + b"\r\n"
    assert [field.name for field in header_fields(content)] == ["Received"]
    assert is_clean(content)
    assert edit.replacement.isascii()
    assert max(map(len, edit.replacement.split(b"\r\n"))) < 998


def test_the_time_is_written_as_mail_writes_it() -> None:
    assert date_time(AT) == "Tue, 24 Nov 2026 13:46:38 +0000"
    assert date_time(0) == "Thu, 1 Jan 1970 00:00:00 +0000"


def test_a_message_in_common_use_is_sent_as_it_came() -> None:
    assert transit_edits(ALTERNATIVE) == ()
