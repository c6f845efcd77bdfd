"""The reports in a mail that came back: one for each recipient, the same for the same mail, with words for a person."""

from __future__ import annotations

import pytest

from relay.feedback.returned.reports import read_returned
from relay.feedback.returnpath import ReturnPaths
from relay.model.bounce import BounceClass
from relay.model.event import Grade
from relay.model.report import Payload, Report, ReportKind
from relay.rendition.dates import parse_date
from tests.support.returned_mail import ORIGINAL, complaint, crlf, report, status_of, words

CAME = parse_date("Tue, 17 Nov 2026 10:05:00 +0000") or 0
SAID = parse_date("Tue, 17 Nov 2026 10:00:00 +0000") or 0
TOKEN = "abcdefghijklmnopqrstuvwxyz"
PATHS = ReturnPaths("bounces", "bounces.example.com")


def reports_in(body: bytes, token: str = TOKEN, came: int = CAME) -> list[Report]:
    return read_returned(Payload("p", came, "bounce", Grade.UNSIGNED, "by hand", {}, body, "", token))


def test_a_failure_is_a_bounce_with_its_class_and_words() -> None:
    [one] = reports_in(report(status_of()))
    assert (one.kind, one.bounce, one.status, one.recipient) == (
        ReportKind.BOUNCED,
        BounceClass.HARD,
        "5.1.1",
        "jo@example.net",
    )
    assert one.diagnostic == "550 5.1.1 <jo@example.net>: no such user here"
    assert one.explanation.startswith("There is no such mailbox")
    assert one.action.endswith("do not send to it again.")
    assert (one.at, one.header_message_id) == (SAID, "order-1@shop.example")
    assert one.detail["form"] == "rfc3464"


@pytest.mark.parametrize(
    ("action", "kind", "words_of_it"),
    [
        ("delayed", ReportKind.DELAYED, "still trying. The recipient's mailbox is full."),
        ("delivered", ReportKind.DELIVERED, "delivered the message"),
        ("relayed", ReportKind.RELAYED, "does not report"),
        ("expanded", ReportKind.EXPANDED, "members of a list"),
    ],
)
def test_what_is_no_failure_has_no_class(action: str, kind: ReportKind, words_of_it: str) -> None:
    [one] = reports_in(report(status_of(action=action, status="4.2.2", diagnostic_code="")))
    assert (one.kind, one.bounce, one.action) == (kind, None, "")
    assert words_of_it in one.explanation


def test_a_delay_without_a_reason_says_no_more_than_that() -> None:
    [one] = reports_in(report(status_of(action="delayed", status="4.0.0", diagnostic_code=""), text="x"))
    assert one.explanation == "Not delivered yet; the reporting server is still trying."


def test_each_recipient_has_one_report() -> None:
    found = reports_in(report(status_of("a@example.net"), status_of("A@example.net"), status_of("b@example.net")))
    assert [one.recipient for one in found] == ["a@example.net", "b@example.net"]
    assert len({one.event_key for one in found}) == 2


def test_the_same_mail_by_another_way_is_the_same_event_and_another_is_not() -> None:
    first = reports_in(report(status_of()))[0].event_key
    assert reports_in(b"Received: by another way\r\n" + report(status_of()))[0].event_key == first
    assert reports_in(report(status_of()).replace(b"bounce-1@", b"bounce-2@"))[0].event_key != first
    assert reports_in(report(status_of()), token="")[0].event_key != first
    nameless = report(status_of()).replace(b"Message-ID: <bounce-1", b"X-No: <bounce-1")
    assert reports_in(nameless)[0].event_key != first


@pytest.mark.parametrize("came", [SAID - 1, SAID + 40 * 24 * 3600 * 1_000_000])
def test_a_time_that_cannot_be_is_replaced_by_when_it_came(came: int) -> None:
    [one] = reports_in(report(status_of()), came=came)
    assert one.at == came


def test_a_mail_without_a_date_happened_when_it_came() -> None:
    [one] = reports_in(words("x", subject="Out of office").replace(b"Date:", b"X:"))
    assert one.at == CAME


def test_the_last_attempt_is_when_it_happened() -> None:
    [one] = reports_in(report(status_of(last_attempt_date="Tue, 17 Nov 2026 09:00:00 +0000")))
    assert one.at == parse_date("Tue, 17 Nov 2026 09:00:00 +0000")


def test_a_bounce_of_nobody_known_is_one_report_without_a_recipient() -> None:
    [one] = reports_in(report("", original="", text="no"))
    assert (one.kind, one.recipient) == (ReportKind.BOUNCED, "")


@pytest.mark.parametrize(
    ("body", "kind", "recipient"),
    [
        (complaint(), ReportKind.COMPLAINED, "jo@example.net"),
        (complaint(original="Subject: x\n"), ReportKind.COMPLAINED, ""),
        (complaint("Feedback-Type: not-spam\n"), ReportKind.OTHER, ""),
        (words("x", sender="jo@example.net", subject="Out of office"), ReportKind.AUTO_REPLIED, ""),
        (
            words("Click the link below to confirm", sender="j@e.net", subject="Please confirm your message"),
            ReportKind.AUTO_REPLIED,
            "",
        ),
        (words("Hello", sender="jo@example.net", subject="Hello"), ReportKind.OTHER, ""),
    ],
)
def test_what_is_no_bounce_has_no_class_and_is_kept(body: bytes, kind: ReportKind, recipient: str) -> None:
    [one] = reports_in(body)
    assert (one.kind, one.recipient, one.bounce) == (kind, recipient, None)
    assert one.explanation


# -- return paths ----------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("address", "token"),
    [
        (f"bounces+{TOKEN}@bounces.example.com", TOKEN),
        (f"BOUNCES+{TOKEN.upper()}@Bounces.Example.Com", TOKEN),
        ("bounces+short@bounces.example.com", None),
        (f"bounces+{TOKEN}@example.com", None),
        (f"other+{TOKEN}@bounces.example.com", None),
        (f"bounces{TOKEN}@bounces.example.com", None),
        ("bounces+" + "-" * 26 + "@bounces.example.com", None),
        ("", None),
    ],
)
def test_a_token_is_found_in_our_return_paths_only(address: str, token: str | None) -> None:
    assert PATHS.token(address) == token
    assert ReturnPaths("bounces", "").token(address) is None


def test_tokens_are_found_where_mail_says_it_was_delivered_and_in_the_original() -> None:
    assert PATHS.tokens_in(report(status_of())) == (TOKEN,)
    other = "z" * 26
    content = crlf(f"Delivered-To: bounces+{other}@bounces.example.com\nX-Original-To: x@y\n") + report(status_of())
    assert PATHS.tokens_in(content) == (other, TOKEN)
    assert PATHS.tokens_in(words("x").replace(TOKEN.encode(), b"nothing")) == ()
    assert ORIGINAL
