"""MTA-STS records and policies, as RFC 8461 writes them and as they are found."""

from __future__ import annotations

import pytest

from relay.courier.policy import LONGEST, Policy, PolicyError, PolicyMode, parse_policy, policy_id

GOOD = b"version: STSv1\r\nmode: enforce\r\nmx: mail.example.com\r\nmx: *.example.net\r\nmax_age: 604800\r\n"


@pytest.mark.parametrize(
    ("records", "expected"),
    [
        ([b"v=STSv1; id=20160831085700Z;"], "20160831085700Z"),
        ([b"v=STSv1;id=a"], "a"),
        ([b"v=STSv1 ; foo=bar; id = b ;"], "b"),
        ([b"v=spf1 -all", b"v=STSv1; id=c"], "c"),
        ([], None),
        ([b"v=STSv1; id=a", b"v=STSv1; id=b"], None),
        ([b"v=STSv1"], None),
        ([b"v=STSv1; id="], None),
        ([b"v=STSv1; id=with space"], None),
        ([b"v=STSv1; id=" + b"x" * 33], None),
        ([b"v=STSv1; id=\xff"], None),
        ([b"v=STSv2; id=a"], None),
    ],
)
def test_a_policy_is_announced_by_exactly_one_record(records: list[bytes], expected: str | None) -> None:
    assert policy_id(records) == expected


def test_a_policy_is_read() -> None:
    expected = Policy(PolicyMode.ENFORCE, ("mail.example.com", "*.example.net"), 604800)
    assert parse_policy(GOOD) == expected
    assert parse_policy(GOOD.replace(b"\r\n", b"\n")) == expected
    assert parse_policy(GOOD + b"new_thing: 1\r\nmode: none\r\n\r\n") == expected  # unknown, and given twice


def test_a_policy_of_none_needs_no_server() -> None:
    assert parse_policy(b"version: STSv1\nmode: none\nmax_age: 99999999\n") == Policy(PolicyMode.NONE, (), LONGEST)


@pytest.mark.parametrize(
    ("octets", "words"),
    [
        (b"", "no version"),
        (b"\xff", "not UTF-8"),
        (b"<html>", "not a field"),
        (GOOD.replace(b"STSv1", b"STSv2"), "no version"),
        (GOOD.replace(b"enforce", b"force"), "mode is 'force'"),
        (GOOD.replace(b"mode: enforce\r\n", b""), "mode is ''"),
        (GOOD.replace(b"604800", b"-1"), "max_age is '-1'"),
        (GOOD.replace(b"max_age: 604800\r\n", b""), "max_age is ''"),
        (GOOD.replace(b"mail.example.com", b"ma il"), "no host name"),
        (GOOD.replace(b"*.example.net", b"*"), "no host name"),
        (b"version: STSv1\nmode: testing\nmax_age: 1\n", "no mx"),
    ],
)
def test_what_is_no_policy_is_refused(octets: bytes, words: str) -> None:
    with pytest.raises(PolicyError, match=words):
        parse_policy(octets)


@pytest.mark.parametrize(
    ("host", "is_allowed"),
    [
        ("mail.example.com", True),
        ("MAIL.Example.COM.", True),
        ("mx1.example.net", True),
        ("a.b.example.net", False),
        ("example.net", False),
        ("mail.example.com.evil.example", False),
        ("mailxexample.com", False),
        ("", False),
    ],
)
def test_a_wildcard_stands_for_one_label(host: str, is_allowed: bool) -> None:
    assert parse_policy(GOOD).allows(host) is is_allowed
