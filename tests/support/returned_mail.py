"""Mails that come back, made up for tests: a delivery status, a bounce in words, a complaint, an automatic reply."""

from __future__ import annotations

ORIGINAL = """\
Return-Path: <bounces+abcdefghijklmnopqrstuvwxyz@bounces.example.com>
Message-ID: <order-1@shop.example>
From: shop@shop.example
To: Jo Doe <jo@example.net>
Subject: Your order

Thank you.
"""


def crlf(text: str) -> bytes:
    return text.replace("\r\n", "\n").replace("\n", "\r\n").encode("utf-8", "surrogateescape")


def status_of(recipient: str = "jo@example.net", **fields: str) -> str:
    """The group of one recipient; keywords are fields, `_` for `-`; '' leaves one out."""
    group = {
        "final_recipient": f"rfc822; {recipient}",
        "action": "failed",
        "status": "5.1.1",
        "diagnostic_code": f"smtp; 550 5.1.1 <{recipient}>: no such user here",
        **fields,
    }
    return "".join(f"{name.replace('_', '-').title()}: {value}\n" for name, value in group.items() if value)


def report(*groups: str, text: str = "It did not work.\n", original: str = ORIGINAL, more: str = "") -> bytes:
    """A multipart/report as RFC 3464 has it; `groups` as `status_of` makes them."""
    status = "\n".join(("Reporting-MTA: dns; mx.example.net\nOriginal-Envelope-Id: env-1\n", *groups))
    return crlf(
        f"""\
Return-Path: <>
From: Mail Delivery System <MAILER-DAEMON@mx.example.net>
To: bounces+abcdefghijklmnopqrstuvwxyz@bounces.example.com
Subject: Undelivered Mail Returned to Sender
Message-ID: <bounce-1@mx.example.net>
Date: Tue, 17 Nov 2026 10:00:00 +0000
{more}MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary=b

--b
Content-Type: text/plain; charset=us-ascii

{text}
--b
Content-Type: message/delivery-status

{status}
--b
Content-Type: message/rfc822

{original}
--b--
"""
    )


def words(
    text: str, *, sender: str = "MAILER-DAEMON@mx.example.net", subject: str = "failure notice", more: str = ""
) -> bytes:
    """A mail of nothing but text."""
    return crlf(
        f"""\
Return-Path: <>
From: {sender}
To: bounces+abcdefghijklmnopqrstuvwxyz@bounces.example.com
Subject: {subject}
Message-ID: <words-1@mx.example.net>
Date: Tue, 17 Nov 2026 10:00:00 +0000
{more}
{text}"""
    )


def complaint(
    fields: str = "Feedback-Type: abuse\nUser-Agent: Feedback/1.0\nVersion: 1\n", *, original: str = ORIGINAL
) -> bytes:
    return crlf(
        f"""\
From: feedback@provider.example
To: fbl@bounces.example.com
Subject: FW: Your order
Message-ID: <arf-1@provider.example>
MIME-Version: 1.0
Content-Type: multipart/report; report-type=feedback-report; boundary=b

--b
Content-Type: text/plain

This is an abuse report.

--b
Content-Type: message/feedback-report

{fields}
--b
Content-Type: message/rfc822

{original}
--b--
"""
    )
