"""The fields that are added to one recipient's copy."""

from __future__ import annotations

import email
import email.policy

import pytest

from relay.rendition.addition import (
    has_unsubscribe,
    original_edits,
    reason_without_unsubscribe,
    unsubscribe_edits,
)
from relay.rendition.edit import splice

CONTENT = b"From: a@example.com\r\n\r\nHello.\r\n"


def test_one_click_is_two_fields_on_top() -> None:
    wire = splice(CONTENT, unsubscribe_edits("https://t.example/u/abc"))
    assert wire == (
        b"List-Unsubscribe: <https://t.example/u/abc>\r\nList-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n"
        + CONTENT
    )


def test_a_message_with_its_own_or_with_a_signature_gets_none() -> None:
    assert has_unsubscribe(b"list-UNSUBSCRIBE: <mailto:x@y>\r\n\r\n")
    assert has_unsubscribe(b"List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n\r\n")
    assert not has_unsubscribe(b"Subject: a\r\n\r\nList-Unsubscribe: <mailto:x@y>\r\n")
    assert reason_without_unsubscribe(CONTENT) == ""
    assert "already signed" in reason_without_unsubscribe(b"DKIM-Signature: v=1\r\n" + CONTENT)


@pytest.mark.parametrize(
    "address", ["b@example.net", '"a b"@example.net', "jörg@exämple.net", "x" * 200 + "@example.net"]
)
def test_a_redirected_copy_names_whom_it_was_for(address: str) -> None:
    wire = splice(CONTENT, original_edits(address))
    assert wire.isascii()
    message = email.message_from_bytes(wire, policy=email.policy.default)
    assert message["X-Mailwitness-Original-Recipient"].strip() == address
    assert max(map(len, wire.split(b"\r\n"))) <= 998


def test_an_address_never_begins_a_line() -> None:
    with pytest.raises(ValueError, match="control characters"):
        original_edits("a@b\r\nBcc: c@d")
