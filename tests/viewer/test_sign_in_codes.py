"""Codes by time, recovery codes, and browsers in words."""

from __future__ import annotations

import secrets

import pytest

from viewer.identity import recovery, totp
from viewer.identity.browsers import browser_in_words

SECOND = 1_000_000
SECRET = b"12345678901234567890"
"""Of RFC 6238, appendix B."""


@pytest.mark.parametrize(
    ("at", "expected"),
    [
        (59, "94287082"),
        (1111111109, "07081804"),
        (1111111111, "14050471"),
        (1234567890, "89005924"),
        (2000000000, "69279037"),
        (20000000000, "65353130"),
    ],
)
def test_codes_are_those_of_the_rfc(at: int, expected: str) -> None:
    assert totp.code(SECRET, totp.step_at(at * SECOND)) == expected[-6:]


def test_a_code_is_good_a_step_early_and_a_step_late_and_no_longer() -> None:
    now = 1_000_000 * 30 * SECOND
    for away, step in ((-2, None), (-1, 999_999), (0, 1_000_000), (1, 1_000_001), (2, None)):
        given = totp.code(SECRET, 1_000_000 + away)
        assert totp.step_of(SECRET, f" {given[:3]} {given[3:]} ", now) == step
    for nonsense in ("", "12345", "1234567", "١٢٣٤٥٦", "abcdef"):
        assert totp.step_of(SECRET, nonsense, now) is None


def test_the_app_is_told_secret_and_name() -> None:
    assert totp.written(SECRET) == "GEZD GNBV GY3T QOJQ GEZD GNBV GY3T QOJQ"
    assert totp.address(SECRET, "ann o@example.org", "Mailwitness") == (
        "otpauth://totp/Mailwitness:ann%20o@example.org?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=Mailwitness"
    )


def test_recovery_codes_are_ten_and_may_be_typed_as_one_likes() -> None:
    codes = recovery.new_codes(lambda: secrets.token_urlsafe(32))
    assert len(set(codes)) == 10
    assert all(len(code) == 19 and code == code.lower() for code in codes)
    typed = codes[0].upper().replace("-", " ")
    assert recovery.digest(f" {typed}\n") == recovery.digest(codes[0])
    assert recovery.digest(codes[0]) != recovery.digest(codes[1])
    assert recovery.digest("\ud800") != recovery.digest("")


@pytest.mark.parametrize(
    ("user_agent", "words"),
    [
        ("Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0", "Firefox on Linux"),
        (
            "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 "
            "Safari/537.36 Edg/126.0.0.0",
            "Edge on Windows",
        ),
        (
            "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "
            "Version/17.5 Mobile/15E148 Safari/604.1",
            "Safari on iPhone",
        ),
        ("Mozilla/5.0 (Linux; Android 14) AppleWebKit/537.36 Chrome/126.0 Mobile Safari/537.36", "Chrome on Android"),
        ("curl/8.5.0", "curl"),
        ("Something (Windows)", "Windows"),
        ("", ""),
    ],
)
def test_a_browser_is_told_in_words(user_agent: str, words: str) -> None:
    assert browser_in_words(user_agent) == words
