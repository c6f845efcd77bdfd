"""The journal report as octets: read back by the standard library's parser."""

from __future__ import annotations

import email
from dataclasses import replace
from email.header import decode_header, make_header

import pytest

from relay.rendition.journal_report import Journaled, is_report, journal_report

ONE = Journaled(
    id="01J000000000000000000000AB",
    date="Tue, 24 Nov 2026 13:46:39 +0000",
    at="2026-11-24T13:46:39.000000+00:00",
    sender="ann@example.com",
    recipients=("bob@example.com", "blind@example.com"),
    subject="Grüße\r\nBcc: forged@example.com",
    message_id="<1@example.com>",
    sha256="ab" * 32,
    size=20,
)
LETTER = b"Subject: x\r\n\r\nFrom me.\r\n.\r\n"


def made(one: Journaled = ONE, content: bytes = LETTER, *, takes_8bit: bool = True) -> bytes:
    return journal_report(one, content, house="witness.test", to="journal@archive.test", takes_8bit=takes_8bit)


def text_of(report: bytes) -> str:
    part = email.message_from_bytes(report).get_payload(0)
    return part.get_payload(decode=True).decode()  # type: ignore[union-attr]


def test_a_subject_cannot_add_lines() -> None:
    report = made()
    parsed = email.message_from_bytes(report)
    assert str(make_header(decode_header(parsed["Subject"]))) == "Grüße  Bcc: forged@example.com"
    assert parsed["Bcc"] is None
    assert not [line for line in text_of(report).splitlines() if line.startswith("Bcc:")]


def test_all_lines_end_as_smtp_wants_and_are_short() -> None:
    report = made(replace(ONE, subject="long " * 200, recipients=tuple(f"r{n}@example.com" for n in range(500))))
    assert report.count(b"\r") == report.count(b"\n") == report.count(b"\r\n")
    assert max(map(len, report.split(b"\r\n"))) <= 998
    assert report.isascii()
    assert text_of(report).count("Recipient: ") == 500


@pytest.mark.parametrize(
    ("content", "encoding"), [(LETTER, "7bit"), (LETTER + b"\xff\r\n", "8bit"), (LETTER + b"\0\r\n", "base64")]
)
def test_the_message_stands_in_it_as_it_is_where_it_can(content: bytes, encoding: str) -> None:
    report = made(content=content)
    part = email.message_from_bytes(report).get_payload(1)
    assert part["Content-Transfer-Encoding"] == encoding  # type: ignore[index]
    assert (content in report) == (encoding != "base64")


def test_the_null_sender_and_a_deleted_content_are_said() -> None:
    report = made(replace(ONE, sender="", deleted="asked for"))
    assert "Sender: <>\r\n" in text_of(report)
    assert "X-Deleted: asked for\r\n" in text_of(report)
    assert len(email.message_from_bytes(report).get_payload()) == 1


def test_the_same_message_gives_the_same_report() -> None:
    assert made() == made()


def test_half_a_character_is_not_sent() -> None:
    assert made(replace(ONE, subject="a\udc80b")).isascii()


@pytest.mark.parametrize(
    ("content", "is_one"),
    [
        (b"X-MS-Journal-Report:\r\n\r\nx", True),
        (b"A: b\nx-ms-journal-report: \n\nx", True),
        (b"X-Mailwitness-Journal: 1", True),
        (b"A: b\r\n\r\nX-MS-Journal-Report:\r\n", False),
        (b"", False),
    ],
)
def test_a_report_is_known_by_its_header_alone(content: bytes, is_one: bool) -> None:
    assert is_report(content) is is_one
    assert is_report(made())
