"""What belongs together as one mailing, and what a program sent of itself."""

from __future__ import annotations

from dataclasses import replace

import pytest

from relay.model.mailing import GAP, LONGEST, MailingName, is_automatic, mailing_name, template
from relay.model.summary import Addressee, Reference, Summary

LETTER = Summary(
    subject="Ann, your invoice INV-10482 is here",
    senders=(Addressee("Shop", "Billing@shop.example"),),
    to=(Addressee("Ann Keller", "ann@example.com"),),
    references=(Reference("invoice", "INV-10482"),),
)


@pytest.mark.parametrize(
    ("subject", "expected"),
    [
        ("Your invoice INV-1", f"Your invoice {GAP}"),
        ("Order 88123, 4 items", f"Order {GAP} items"),
        ("Hello ann@example.org and  all", f"Hello {GAP} and all"),
        ("News", "News"),
        ("12345", ""),
        ("", ""),
        ("x" * 500, "x" * LONGEST),
    ],
)
def test_what_differs_from_one_recipient_to_the_next_is_left_out(subject: str, expected: str) -> None:
    assert template(subject) == expected


def test_names_and_codes_leave_a_gap() -> None:
    assert (
        template("Dear ZOË Li, case ab/c is closed", ["Zoë Li", "X"], ["AB/C", "none"])
        == f"Dear {GAP}, case {GAP} is closed"
    )
    assert template("Annual report", ["Ann"]) == "Annual report"


def test_the_name_is_of_the_header_then_a_tag_then_the_subject() -> None:
    by_subject = mailing_name(LETTER, ["billing"])
    assert by_subject == MailingName(f"{GAP}, your invoice {GAP} is here", "subject", "billing@shop.example")
    other = replace(LETTER, subject="Bob, your invoice INV-9 is here", to=(Addressee("Bob", "bob@example.com"),))
    assert mailing_name(replace(other, references=()), []) == by_subject
    assert mailing_name(LETTER, ["vip", "Campaign: Spring"]) == MailingName("Spring", "tag")
    assert mailing_name(LETTER, ["mailing:", "campaign:x"]) == MailingName("x", "tag")
    named = replace(
        LETTER, header_text="Subject: x\nX-Mailwitness-Mailing: June \nX-Mailwitness-Mailing: second\nnonsense"
    )
    assert mailing_name(named, ["campaign:spring"]) == MailingName("June", "header")
    assert mailing_name(Summary(), []) is None
    assert mailing_name(Summary(subject="News"), []) == MailingName("News", "subject")
    assert MailingName("A", "tag").key == MailingName("a", "tag").key != MailingName("a", "header").key


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("", False),
        ("Auto-Submitted: no", False),
        ("Auto-Submitted: NO; owner=x", False),
        ("Auto-Submitted: auto-generated", True),
        ("Precedence: Bulk", True),
        ("Precedence: first-class", False),
        ("Feedback-ID: a:b:c", True),
        ("Feedback-ID:", False),
    ],
)
def test_a_message_says_itself_that_a_program_sent_it(header: str, expected: bool) -> None:
    assert is_automatic(Summary(header_text=f"From: a@b\n{header}\n")) is expected
