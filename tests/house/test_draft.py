"""What a program pipes into sendmail becomes a message that can be submitted, and nothing else is changed."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.commands.draft import NotAddresses, completed, read_draft, recipients, without_bcc

WHOLE = b"From: a@b\nDate: today\nMessage-ID: <1@b>\nTo: c@d\n\nHello\n"


def _octets(piped: bytes, *, dot_ends: bool = False) -> bytes:
    return read_draft(piped, dot_ends=dot_ends).octets


def test_line_ends_become_crlf_and_a_message_that_has_them_is_left_alone() -> None:
    assert _octets(WHOLE) == WHOLE.replace(b"\n", b"\r\n")
    assert _octets(WHOLE.replace(b"\n", b"\r\n")) == WHOLE.replace(b"\n", b"\r\n")


def test_the_last_line_gets_an_end() -> None:
    assert _octets(b"To: c@d\n\nHello") == b"To: c@d\r\n\r\nHello\r\n"


def test_text_without_a_header_is_all_body() -> None:
    assert _octets(b"hello world\nTo: nobody@x\n") == b"\r\nhello world\r\nTo: nobody@x\r\n"


def test_nothing_at_all_is_an_empty_body() -> None:
    assert _octets(b"") == b"\r\n"


def test_a_header_that_breaks_off_is_closed_by_an_empty_line() -> None:
    assert _octets(b"Subject: x\nhello\n") == b"Subject: x\r\n\r\nhello\r\n"


def test_a_lone_dot_ends_the_message_unless_it_is_told_not_to() -> None:
    piped = b"Subject: x\n\none\n.\ntwo\n"
    assert _octets(piped, dot_ends=True) == b"Subject: x\r\n\r\none\r\n"
    assert _octets(piped, dot_ends=False) == b"Subject: x\r\n\r\none\r\n.\r\ntwo\r\n"
    assert _octets(b".\nafter\n", dot_ends=True) == b"\r\n"
    assert _octets(b"Subject: x\n\n..\n.x\n", dot_ends=True) == b"Subject: x\r\n\r\n..\r\n.x\r\n"


def test_the_from_line_of_a_mailbox_is_dropped() -> None:
    assert _octets(b"From ann Mon Jan  1 00:00:00 2024\nSubject: x\n\nFrom y\n") == b"Subject: x\r\n\r\nFrom y\r\n"


def test_recipients_come_from_to_cc_and_bcc_each_once() -> None:
    draft = read_draft(
        b'To: "Doe, Ann" <ann@x>, bob@x\nCc: Team: cy@x,\n ann@x;\nBcc: eve@x\nSubject: Bcc: no@x\n\n', dot_ends=False
    )
    assert recipients(draft) == ("ann@x", "bob@x", "cy@x", "eve@x")


def test_resent_fields_stand_before_the_others() -> None:
    draft = read_draft(b"To: old@x\nResent-To: new@x\nResent-Bcc: hidden@x\n\n", dot_ends=False)
    assert recipients(draft) == ("new@x", "hidden@x")
    assert without_bcc(draft).octets == b"To: old@x\r\nResent-To: new@x\r\n\r\n"


def test_bcc_is_taken_out_with_its_folded_lines() -> None:
    draft = read_draft(b"To: a@x\nBCC : eve@x,\n\tmallory@x\nSubject: x\n\nBcc: in the body\n", dot_ends=False)
    assert without_bcc(draft).octets == b"To: a@x\r\nSubject: x\r\n\r\nBcc: in the body\r\n"


def test_addresses_beyond_ascii_are_kept() -> None:
    draft = read_draft("To: Zoë <zoë@exämple.com>\n\n".encode(), dot_ends=False)
    assert recipients(draft) == ("zoë@exämple.com",)


@pytest.mark.parametrize("value", ['"', "Ann <", "(", "=?"])
def test_a_recipient_field_that_cannot_be_read_is_refused_or_gives_no_made_up_address(value: str) -> None:
    try:
        found = recipients(read_draft(f"To: {value}\n\n".encode(), dot_ends=False))
    except NotAddresses:
        return
    assert all(address in value for address in found)


def test_what_is_missing_is_added_after_the_other_fields() -> None:
    draft = read_draft(b"Subject: x\n\nHello\n", dot_ends=False)
    octets = completed(draft, sender="ann@x", name="Ann (Shop)", now=0.0, message_id="1@x").octets
    lines = octets.split(b"\r\n")
    assert lines[:2] == [b"Subject: x", b'From: "Ann (Shop)" <ann@x>']
    assert lines[2].startswith(b"Date: ")
    assert lines[3:] == [b"Message-ID: <1@x>", b"", b"Hello", b""]


def test_what_is_there_is_not_added_again() -> None:
    draft = read_draft(WHOLE, dot_ends=False)
    assert completed(draft, sender="z@z", name="", now=0.0, message_id="2@z") == draft


def test_a_name_cannot_add_a_field() -> None:
    draft = read_draft(b"\nHello\n", dot_ends=False)
    octets = completed(draft, sender="ann@x", name="Ann\r\nBcc: eve@x", now=0.0, message_id="1@x").octets
    assert b"\r\nBcc" not in octets
    assert octets.index(b"\r\n\r\n") < octets.index(b"Hello")


@given(
    st.lists(st.sampled_from([b"To: a@x", b"\n", b"\r", b"\r\n", b" x", b".", b":", b"\xff", b"From "]), max_size=12)
)
def test_any_octets_make_a_message_with_one_header_section_and_no_bare_lf(pieces: list[bytes]) -> None:
    octets = _octets(b"".join(pieces))
    assert octets.endswith(b"\r\n")
    assert b"\n" not in octets.replace(b"\r\n", b"")
    assert b"\r\n\r\n" in b"\r\n" + octets
