"""The DNS record of a key: as it is printed, and every way in which a published one is wrong."""

from __future__ import annotations

import base64

import pytest

from relay.rendition.keyrecord import problems, record_strings, warnings, zone_line
from relay.rendition.keyring import SigningKey
from tests.support.signatures import ed25519_key, rsa_key

RSA, ED = rsa_key(), ed25519_key()
OTHER = ed25519_key(selector="other")
SPKI = base64.b64encode(bytes.fromhex("302a300506032b6570032100") + base64.b64decode(ED.public_key)).decode()

QUOTED = "the record holds quotes or backslashes itself, expected the strings without them"
UNREAD = "the record cannot be read, expected `v=DKIM1; k=…; p=…`"
SEVERAL = "there are 2 TXT records, expected one: which is used is left to chance"
WRAPPED = "p= is the key in another format, expected its 32 octets alone (RFC 8463 section 4)"
MISSING = "p= is missing, expected the public key"


def of(*texts: str) -> list[tuple[bytes, ...]]:
    return [(text.encode(),) for text in texts]


def test_a_long_key_is_split_into_strings_that_dns_can_hold() -> None:
    strings = record_strings(RSA)
    assert [len(string) for string in strings] == [255, len("v=DKIM1; k=rsa; p=") + len(RSA.public_key) - 255]
    assert "".join(strings) == f"v=DKIM1; k=rsa; p={RSA.public_key}"
    assert zone_line(RSA) == f'r1._domainkey.example.com. IN TXT ( "{strings[0]}" "{strings[1]}" )'


def test_a_short_key_is_one_string() -> None:
    assert record_strings(ED) == (f"v=DKIM1; k=ed25519; p={ED.public_key}",)


@pytest.mark.parametrize("key", [RSA, ED])
def test_the_record_as_printed_is_right(key: SigningKey) -> None:
    records = [tuple(string.encode() for string in record_strings(key))]
    assert problems(key, records) == ()
    assert warnings(records) == ()


@pytest.mark.parametrize(
    "text",
    [
        f"p={RSA.public_key}",
        f"v=DKIM1;k=RSA;p={RSA.public_key[:200]} \t{RSA.public_key[200:]};",
        f"v=DKIM1; h=sha1:sha256; s=email; t=s; n=note; p={RSA.public_key}",
        f"v=DKIM1; h = SHA256 ; s = * ; p = {RSA.public_key} ; ",
    ],
    ids=["key alone", "white space in the key", "all tags", "white space between tags"],
)
def test_other_ways_to_write_it_are_right_too(text: str) -> None:
    assert problems(RSA, of(text)) == ()
    assert warnings(of(text)) == ()


@pytest.mark.parametrize(
    ("key", "records", "expected"),
    [
        (RSA, [], ["there is no TXT record"]),
        (RSA, of("v=DKIM1; p=", "v=DKIM1; p="), [SEVERAL]),
        (
            RSA,
            of(f"v=DKIM1; p={RSA.public_key[:200]}", "abcdef"),
            ["the key is split over 2 records, expected one record of several strings"],
        ),
        (
            RSA,
            of(f'"v=DKIM1; p={RSA.public_key[:200]}" "{RSA.public_key[200:]}"'),
            [QUOTED],
        ),
        (RSA, of(f"v=DKIM1\\; p={RSA.public_key}"), [QUOTED]),
        (RSA, of("v=spf1 -all"), ["v=spf1 -all, expected v=DKIM1 as the first tag", MISSING]),
        (RSA, of("hello"), [UNREAD]),
        (RSA, of("p=a; p=b"), [UNREAD]),
        (RSA, of("1=a; p=b"), [UNREAD]),
        (RSA, of(f"k=rsa; v=DKIM1; p={RSA.public_key}"), ["v=DKIM1, expected v=DKIM1 as the first tag"]),
        (RSA, of(f"v=DKIM2; p={RSA.public_key}"), ["v=DKIM2, expected v=DKIM1 as the first tag"]),
        (RSA, of(f"k=ed25519; p={RSA.public_key}"), ["k=ed25519, expected k=rsa: the file holds such a key"]),
        (ED, of(f"p={ED.public_key}"), ["k=rsa (the default), expected k=ed25519: the file holds such a key"]),
        (RSA, of(f"h=sha1; p={RSA.public_key}"), ["h=sha1 forbids SHA-256, expected no h= or h=sha256"]),
        (RSA, of(f"s=tlsrpt; p={RSA.public_key}"), ["s=tlsrpt forbids mail, expected no s= or s=email"]),
        (RSA, of("v=DKIM1"), [MISSING]),
        (RSA, of("v=DKIM1; p="), ["p= is empty: the key is revoked, every signature by it fails"]),
        (RSA, of(f"p={RSA.public_key[:233]}"), [f"p= is cut off after 233 of {len(RSA.public_key)} characters"]),
        (RSA, of("p=!!!!"), ["p= is not base64"]),
        (ED, of(f"k=ed25519; p={SPKI}"), [WRAPPED]),
        (ED, of(f"k=ed25519; p={OTHER.public_key}"), ["p= is another key than the file's"]),
        (RSA, of(f"p={OTHER.public_key}"), ["p= is another key than the file's"]),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said(key: SigningKey, records: list[tuple[bytes, ...]], expected: list[str]) -> None:
    assert list(problems(key, records)) == expected


def test_a_domain_that_only_tests_is_told_so() -> None:
    (said,) = warnings(of(f"t=s:y; p={RSA.public_key}"))
    assert said.startswith("t=y")
    assert warnings([]) == ()
    assert warnings(of("no tags")) == ()
