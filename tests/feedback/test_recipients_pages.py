"""The pages that a recipient sees say what the message says, and no more than a line of it."""

from __future__ import annotations

import pytest

from relay.feedback import pages


@pytest.mark.parametrize(
    ("address", "shown"),
    [("jane.doe@example.com", "j…@example.com"), ("@example.com", "…@example.com"), ("postmaster", "…postmaster")],
)
def test_an_address_is_shown_by_its_first_letter(address: str, shown: str) -> None:
    assert pages.masked(address) == shown


def test_a_sender_is_text_on_one_line_whatever_the_message_says() -> None:
    page = pages.ask("<script>\r\n" + "x" * 500, "a@b", stops=True).decode()
    assert "<script>" not in page
    assert "&lt;script&gt; xxx" in page
    assert "x" * 150 not in page


def test_without_a_sender_none_is_shown() -> None:
    assert "<strong>" not in pages.done("", "a@b", stops=False).decode()
