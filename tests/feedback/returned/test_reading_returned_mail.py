"""What came back, told apart: failures, delays, complaints, automatic replies, receipts, and what is none of these."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from relay.feedback.returned.dsn import read_status
from relay.feedback.returned.fields import MAX_GROUPS, address, groups, is_status, untyped
from relay.feedback.returned.forms import OPENINGS
from relay.feedback.returned.prose import opening_of, read_prose
from relay.feedback.returned.reader import read
from relay.feedback.returned.values import Action, ReturnedKind
from tests.support.returned_mail import ORIGINAL, complaint, crlf, report, status_of, words


# -- delivery status -------------------------------------------------------------------------------------------
def test_every_recipient_of_a_delivery_status_has_its_fate() -> None:
    returned = read(
        report(
            status_of(
                "a@example.net", remote_mta="dns; mx.example.net", last_attempt_date="Tue, 17 Nov 2026 09:00:00 +0000"
            ),
            status_of(
                "b@example.net", action="delayed", status="4.4.1", diagnostic_code="", will_retry_until="tomorrow"
            ),
            status_of("c@example.net", action="delivered", status="2.0.0", diagnostic_code=""),
            status_of("d@example.net", action="relayed", status="2.0.0", original_recipient="rfc822; dd@example.net"),
            status_of("e@example.net", action="expanded", status="2.0.0", diagnostic_code=""),
        )
    )
    assert returned.kind is ReturnedKind.BOUNCE
    assert [(fate.recipient, fate.action) for fate in returned.fates] == [
        ("a@example.net", Action.FAILED),
        ("b@example.net", Action.DELAYED),
        ("c@example.net", Action.DELIVERED),
        ("d@example.net", Action.RELAYED),
        ("e@example.net", Action.EXPANDED),
    ]
    first, second, _, fourth, _ = returned.fates
    assert (first.status, first.code, first.remote_mta) == ("5.1.1", 550, "mx.example.net")
    assert second.will_retry_until == "tomorrow"
    assert fourth.addressee == "dd@example.net"
    assert (returned.envelope_id, returned.reporting_mta) == ("env-1", "mx.example.net")
    assert returned.header_message_id == "order-1@shop.example"
    assert returned.return_path == "bounces+abcdefghijklmnopqrstuvwxyz@bounces.example.com"
    assert returned.own_message_id == "bounce-1@mx.example.net"


@pytest.mark.parametrize(
    ("fields", "action", "status"),
    [
        ({"action": "", "status": "4.2.2"}, Action.DELAYED, "4.2.2"),
        ({"action": "", "status": "2.0.0"}, Action.DELIVERED, "2.0.0"),
        ({"action": "failure"}, Action.FAILED, "5.1.1"),
        ({"action": "Delayed (for now)"}, Action.DELAYED, "5.1.1"),
        ({"action": "", "status": "5.1.1 (no mailbox)"}, Action.FAILED, "5.1.1"),
        ({"status": "511"}, Action.FAILED, "5.1.1"),
        ({"status": "5.0.0"}, Action.FAILED, "5.1.1"),
        ({"status": "4.0.0"}, Action.FAILED, "4.0.0"),
        ({"status": "nonsense"}, Action.FAILED, "5.1.1"),
    ],
)
def test_what_real_systems_write_for_action_and_status_is_understood(
    fields: dict[str, str], action: Action, status: str
) -> None:
    [fate] = read(report(status_of(**fields))).fates
    assert (fate.action, fate.status) == (action, status)


def test_a_status_without_diagnostic_is_completed_from_the_text() -> None:
    text = "Delivery to the following recipients failed.\n\n   jo@example.net\n   mailbox is full\n"
    [fate] = read(report(status_of(status="", diagnostic_code=""), text=text)).fates
    assert (fate.status, fate.diagnostic) == ("5.2.2", "mailbox is full")


def test_a_local_name_gets_its_domain_from_the_original() -> None:
    [fate] = read(report(status_of("jo"))).fates
    assert fate.addressee == "jo@example.net"


def test_addresses_beyond_ascii_are_read() -> None:
    [fate] = read(report(status_of(final_recipient=r"utf-8; j\x{F6}@example.net"))).fates
    assert fate.recipient == "jö@example.net"


def test_a_status_that_stands_as_text_is_read() -> None:
    [fate] = read(words(f"It failed.\n\nReporting-MTA: dns; x\n\n{status_of()}")).fates
    assert fate.recipient == "jo@example.net"


def test_a_bounce_within_a_bounce_is_read() -> None:
    inner = report(status_of()).decode()
    outer = crlf(
        f"From: postmaster@x.example\nSubject: Delivery Status Notification (Failure)\nMIME-Version: 1.0\n"
        f"Content-Type: multipart/mixed; boundary=o\n\n--o\nContent-Type: message/rfc822\n\n{inner}\n--o--\n"
    )
    returned = read(outer)
    assert [fate.recipient for fate in returned.fates] == ["jo@example.net"]
    inner = inner.replace("message/delivery-status", "application/x")
    assert (
        read(crlf(outer.decode().replace("message/delivery-status", "text/x-none"))).kind is not ReturnedKind.COMPLAINT
    )


def test_an_empty_status_is_a_bounce_of_nobody_known() -> None:
    returned = read(report("", original="", text="no"))
    assert returned.kind is ReturnedKind.BOUNCE
    assert [fate.recipient for fate in returned.fates] == [""]


def test_a_delay_that_waits_for_the_sender_to_confirm_is_a_challenge() -> None:
    text = "Please follow the link below to confirm that you sent this, and be added to the guest list."
    returned = read(report(status_of(action="delayed", status="4.7.0"), text=text))
    assert returned.kind is ReturnedKind.CHALLENGE


def test_other_reports_are_not_bounces() -> None:
    tls = report(status_of()).replace(b"report-type=delivery-status", b"report-type=tlsrpt")
    assert read(tls.replace(b"message/delivery-status", b"application/tlsrpt+json")).kind is ReturnedKind.OTHER


# -- groups of fields ------------------------------------------------------------------------------------------
def test_groups_are_found_where_systems_forget_the_blank_line() -> None:
    first, recipients = groups(
        "Reporting-MTA: x\nFinal-Recipient: rfc822; a@x\nAction: failed\nFinal-Recipient: rfc822; b@x\nAction: failed\n"
    )
    assert first == {"reporting-mta": "x"}
    assert [group["final-recipient"] for group in recipients] == ["rfc822; a@x", "rfc822; b@x"]


def test_a_blank_line_between_the_fields_of_one_recipient_is_no_end() -> None:
    _, [group] = groups("Reporting-MTA: x\n\nFinal-Recipient: rfc822; a@x\n\nAction: failed\n\nStatus: 5.1.1\n")
    assert (group["action"], group["status"]) == ("failed", "5.1.1")


def test_continued_and_repeated_fields_are_kept() -> None:
    _, [group] = groups(
        "\n\nAction: failed\nStatus: 5.0.0\nDiagnostic-Code: smtp; 550 one\n  two\nthree\nStatus: 5.1.1\n"
    )
    assert group["diagnostic-code"] == "smtp; 550 one two three"
    assert (group["status"], group["status again"]) == ("5.0.0", "5.1.1")


def test_the_number_of_groups_and_the_length_of_values_are_bounded() -> None:
    _, many = groups("".join(f"Final-Recipient: rfc822; {n}@x\nAction: failed\n\n" for n in range(MAX_GROUPS + 5)))
    assert len(many) == MAX_GROUPS
    first, _ = groups("Ab: " + "x" * 9000 + "\n y\n" + " z" * 5000 + "\n")
    assert len(first["ab"]) == 8192


@pytest.mark.parametrize(
    ("value", "plain"),
    [
        ("rfc822; <Jo@example.com>", "Jo@example.com"),
        ("RFC822;jo@example.com (Jo)", "jo@example.com"),
        ("jo@example.com", "jo@example.com"),
        ("rfc822; jo", "jo"),
        ("", ""),
        (r"utf-8; \x{110000}\x{D800}@x", "\ufffd\ufffd@x"),
        ('rfc822; "a b"@example.com', "a"),
    ],
)
def test_an_address_is_freed_of_its_type(value: str, plain: str) -> None:
    assert address(value) == plain


def test_the_type_of_a_value_is_left_out() -> None:
    assert (untyped("smtp; 550 no"), untyped("550 no")) == ("550 no", "550 no")
    assert is_status("Final-Recipient: x\nAction: failed\n")
    assert not is_status("Action: failed\n")


def test_a_group_that_says_nothing_is_left_out() -> None:
    assert read_status("Reporting-MTA: x\n\nFinal-Recipient: \nX: y\n")[1] == ()


# -- in words --------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("text", "recipients", "action"),
    [
        (
            "Hi. This is the qmail-send program at mx.example.\nI'm afraid I wasn't able to deliver "
            "your message to the "
            "following addresses.\n\n<a@example.net>:\nSorry, no mailbox here by that name. "
            "(#5.1.1)\n\n<b@example.net>:\n"
            "full\n\n--- Below this line is a copy of the message.\n\nTo: c@example.net\n",
            ["a@example.net", "b@example.net"],
            Action.FAILED,
        ),
        (
            "The following addresses had permanent fatal errors -----\n<a@example.net>\n"
            "    (expanded from: <list@example.net>)\n    (reason: 550 no such user)\n",
            ["list@example.net"],
            Action.FAILED,
        ),
        ("Unknown user: a@example.net\n\nOriginal message follows.\n\nx", ["a@example.net"], Action.FAILED),
        (
            "Your mail to the following recipients could not be delivered because they do not want it:\n\tjo\n\tjane\n",
            ["jo@mx.example.net", "jane@mx.example.net"],
            Action.FAILED,
        ),
        (
            "did not reach the following recipient(s):\n\nc=US;dda:SMTP=a@example.net; on Friday\n    unknown\n",
            ["a@example.net"],
            Action.FAILED,
        ),
        (
            "Your message has not yet been delivered to a@example.net, we keep trying.",
            ["a@example.net"],
            Action.DELAYED,
        ),
        ("The user a@example.net is nobody we know; nonsense.", ["a@example.net"], Action.FAILED),
        ("<a@example.net>: mailbox is full", ["a@example.net"], Action.FAILED),
    ],
)
def test_recipients_are_found_in_the_words_of_mail_systems(text: str, recipients: list[str], action: Action) -> None:
    returned = read(words(text))
    assert returned.kind is ReturnedKind.BOUNCE
    assert [fate.addressee for fate in returned.fates] == recipients
    assert {fate.action for fate in returned.fates} == {action}
    assert all(fate.status for fate in returned.fates)


def test_the_answer_in_the_middle_of_a_dialogue_counts() -> None:
    text = (
        "The following addresses did NOT receive your message:\n> a@example.net\n--- Session ---\n 250-8BITMIME\n"
        " RCPT To:<a@example.net>\n 552 Message would exceed mailbox quota\n QUIT\n"
    )
    [fate] = read(words(text)).fates
    assert (fate.status, fate.code) == ("5.2.2", 552)


def test_failed_recipients_in_the_header_are_believed() -> None:
    returned = read(
        words(
            "It could not be delivered: a@example.net: no such user.",
            more="X-Failed-Recipients: a@example.net, b@example.net\n",
        )
    )
    assert [fate.recipient for fate in returned.fates] == ["a@example.net", "b@example.net"]


def test_the_one_recipient_of_the_original_is_taken_if_no_other_is_named() -> None:
    content = report("", text="Your message could not be delivered.")
    [fate] = read(content).fates
    assert (fate.recipient, fate.action) == ("jo@example.net", Action.FAILED)


def test_the_original_is_found_within_the_text() -> None:
    returned = read(
        words(f"Could not be delivered to:\n\na@example.net\n\n--- Original message follows ---\n\n{ORIGINAL}")
    )
    assert returned.header_message_id == "order-1@shop.example"
    assert [fate.recipient for fate in returned.fates] == ["a@example.net"]


def test_a_text_that_tells_of_no_fate_has_none() -> None:
    assert read_prose("Hello, how are you? jo@example.net") is None


LINES = [line.split("\t") for line in Path(__file__).with_name("openings.tsv").read_text().splitlines()]


@pytest.mark.parametrize(("action", "line"), LINES)
def test_an_opening_tells_a_delay_from_a_failure(action: str, line: str) -> None:
    found = opening_of(line)
    assert found is not None
    assert found[0].action == action


def test_each_opening_has_a_line() -> None:
    lines = [line for _, line in LINES]
    assert [o.words for o in OPENINGS if not any(o.pattern.search(line) for line in lines)] == []


# -- what is no bounce -------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("subject", "text", "more"),
    [
        ("Out of office", "I am away.", ""),
        ("Automatische Antwort: Ihre Bestellung", "Ich bin im Urlaub.", "Auto-Submitted: auto-replied\n"),
        ("自動返信", "不在です", ""),
        ("Re: Your order", "I will be back on Monday.", "X-Autoreply: yes\n"),
        ("Re: Your order", "Upon my return I will answer. Your message was rejected.", ""),
        ("Réponse automatique : commande", "Je suis en vacances", "Precedence: auto_reply\n"),
        ("Re: x", "y", "X-Mailer: vacation 1.2\n"),
        ("Re: x", "y", "X-Mailer: Autoreply 1.2\n"),
    ],
)
def test_automatic_replies_are_not_bounces(subject: str, text: str, more: str) -> None:
    returned = read(words(text, sender="Jo <jo@example.net>", subject=subject, more=more))
    assert (returned.kind, returned.fates) == (ReturnedKind.AUTO_REPLY, ())


@pytest.mark.parametrize(
    ("subject", "text", "more"),
    [
        ("Please confirm your message", "Click the link below to confirm.", ""),
        (
            "Re: Your order",
            "Click this link to verify. I use a white-list of approved senders.",
            "Auto-Submitted: auto-replied\n",
        ),
    ],
)
def test_a_request_to_confirm_is_a_challenge(subject: str, text: str, more: str) -> None:
    assert read(words(text, sender="jo@example.net", subject=subject, more=more)).kind is ReturnedKind.CHALLENGE


def test_a_receipt_is_not_a_bounce() -> None:
    receipt = report(status_of()).replace(b"delivery-status", b"disposition-notification")
    assert read(receipt).kind is ReturnedKind.RECEIPT
    assert (
        read(
            words("x").replace(
                b"Subject:",
                b"Content-Type: multipart/report; report-type=disposition-notification; boundary=q\r\nSubject:",
            )
        ).kind
        is ReturnedKind.RECEIPT
    )


def test_a_receipt_by_which_a_system_throws_mail_away_is_a_bounce() -> None:
    group = "Final-Recipient: rfc822; jo@example.net\nDisposition: automatic-action/MDN-sent-automatically; deleted\n"
    text = "Your message to <jo@example.net> was automatically rejected:\nQuota exceeded\n"
    content = report(group, text=text).replace(b"delivery-status", b"disposition-notification")
    [fate] = read(content).fates
    assert (fate.recipient, fate.status) == ("jo@example.net", "5.2.2")


@pytest.mark.parametrize(
    ("subject", "text"),
    [("Hello", "How are you?"), ("Ticket by unknown user", "I am an unknown user of yours"), ("", "")],
)
def test_a_persons_mail_is_nothing_of_this(subject: str, text: str) -> None:
    assert (
        read(words(text, sender="jo@example.net", subject=subject).replace(b"Return-Path: <>", b"X: y")).kind
        is ReturnedKind.OTHER
    )


# -- complaints ----------------------------------------------------------------------------------------------------
def test_a_complaint_names_the_recipient_if_the_provider_does() -> None:
    fields = "Feedback-Type: abuse\nOriginal-Rcpt-To: <jo@example.net>\nOriginal-Mail-From: <b@x.example>\nVersion: 1\n"
    returned = read(complaint(fields))
    assert (returned.kind, returned.feedback_type) == (ReturnedKind.COMPLAINT, "abuse")
    assert [fate.recipient for fate in returned.fates] == ["jo@example.net"]
    assert returned.header_message_id == "order-1@shop.example"


def test_a_redacted_recipient_is_taken_from_the_original() -> None:
    returned = read(complaint("Feedback-Type: abuse\nOriginal-Rcpt-To: redacted@provider.example\n"))
    assert [fate.recipient for fate in returned.fates] == ["jo@example.net"]


@pytest.mark.parametrize("feedback", ["not-spam", "auth-failure"])
def test_a_report_that_is_no_complaint_is_not_one(feedback: str) -> None:
    assert read(complaint(f"Feedback-Type: {feedback}\n")).kind is ReturnedKind.OTHER


def test_a_complaint_with_a_broken_structure_is_read() -> None:
    content = complaint().replace(b"message/feedback-report", b"text/plain")
    assert read(content).kind is ReturnedKind.COMPLAINT
    without = (
        complaint("").replace(b"message/feedback-report", b"application/x").replace(b"message/rfc822", b"application/y")
    )
    assert read(without).fates == ()


@pytest.mark.parametrize(
    ("sender", "subject", "more"),
    [
        ("staff@hotmail.com", "complaint about message from 192.0.2.1", ""),
        ("scomp@aol.net", "Client TOS Notification", "X-Loop: scomp\n"),
        ("a@b.example", "Email Feedback Report for IP 192.0.2.1", ""),
        ("a@b.example", "x", "X-Loop: scomp@aol.net\n"),
    ],
)
def test_old_forms_of_complaints_are_read(sender: str, subject: str, more: str) -> None:
    original = f"X-HmXmrOriginalRecipient: <jane@hotmail.example>\n{ORIGINAL}"
    content = crlf(
        f"From: {sender}\nSubject: {subject}\n{more}MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=b\n\n"
        f"--b\nContent-Type: message/rfc822\n\n{original}\n--b--\n"
    )
    returned = read(content)
    assert returned.kind is ReturnedKind.COMPLAINT
    assert [fate.recipient for fate in returned.fates] == ["jane@hotmail.example"]


def test_an_old_complaint_without_the_original_names_nobody() -> None:
    returned = read(words("x", sender="a@b.example", subject="x", more="X-Loop: scomp@aol.net\n"))
    assert (returned.kind, returned.fates) == (ReturnedKind.COMPLAINT, ())


def test_a_complaint_with_groups_of_fields_is_read() -> None:
    fields = "Feedback-Type: abuse\n\nOriginal-Recipient: rfc822; x\nOriginal-Rcpt-To: jane@example.net\n"
    assert [fate.recipient for fate in read(complaint(fields)).fates] == ["jane@example.net"]


# -- letters ---------------------------------------------------------------------------------------------------
def test_html_is_read_where_there_is_no_plain_text() -> None:
    more = "MIME-Version: 1.0\nContent-Type: text/html\n"
    html = "<html><p>Delivery to the following recipient failed permanently:<p>a@example.net<p>no such user</html>"
    [fate] = read(words(html, more=more)).fates
    assert (fate.recipient, fate.status) == ("a@example.net", "5.1.1")


def test_of_many_parts_the_first_are_read() -> None:
    parts = "".join(f"--b\nContent-Type: text/{'html' if n % 2 else 'plain'}\n\nno {n}\n" for n in range(40))
    more = "Subject: again\nMIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=b\n"
    assert read(words(f"{parts}--b--\n", more=more)).subject == "failure notice"


def test_a_second_enclosed_message_is_left_alone() -> None:
    second = f"--b\nContent-Type: message/rfc822\n\n{ORIGINAL.replace('order-1', 'order-2')}\n--b--"
    content = report(status_of()).replace(b"--b--", second.encode())
    assert read(content).header_message_id == "order-1@shop.example"


def test_an_attached_file_is_no_text_to_be_read() -> None:
    more = "MIME-Version: 1.0\nContent-Type: text/plain\nContent-Disposition: attachment\n"
    assert read(words("<a@example.net>: no such user", more=more)).fates[0].recipient == ""


def test_an_automatic_reply_names_the_message_it_answers() -> None:
    more = "In-Reply-To: <order-1@shop.example>\n"
    returned = read(words("x", sender="jo@example.net", subject="Out of office", more=more))
    assert returned.header_message_id == "order-1@shop.example"


def test_a_bounce_within_a_bounce_that_says_nothing_is_one_of_nobody_known() -> None:
    inner = report("X-Nothing: 1\n", original="", text="no").decode()
    outer = (
        "From: postmaster@x.example\nSubject: Undelivered mail\nMIME-Version: 1.0\n"
        f"Content-Type: multipart/mixed; boundary=o\n\n--o\nContent-Type: message/rfc822\n\n{inner}\n--o--\n"
    )
    [fate] = read(crlf(outer)).fates
    assert fate.action is Action.FAILED


def test_addresses_of_the_house_are_no_recipients() -> None:
    text = "Your message could not be delivered. Ask postmaster@mx.example.net or abuse@mx.example.net."
    assert [fate.recipient for fate in read(words(text)).fates] == [""]


# -- anything ------------------------------------------------------------------------------------------------------
@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=2000))
def test_any_octets_are_read(content: bytes) -> None:
    read(content)
    read(report(status_of()).replace(b"rfc822; jo", content))
    read(words("x") + content)


def test_a_large_mail_is_read_in_no_time() -> None:
    for text in (
        "a@b.cc\n" * 200_000,
        "(" * 500_000,
        "x " * 500_000,
        "could not be delivered " * 40_000,
        " " * 500_000,
    ):
        read(words(text))
        read(report(status_of(diagnostic_code=text.replace("\n", " ")[:200_000])))
