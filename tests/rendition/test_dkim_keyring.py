"""Private keys read from PEM text, and which keys sign for a From field."""

from __future__ import annotations

import base64

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, PrivateFormat

from relay.model.signature import Algorithm, Alignment
from relay.rendition.keyring import Keyring, KeyUnusable, aligned, author_domains, read_key, signing_key
from tests.support.signatures import ed25519_key, pem, rsa_key

SHORT = b"""-----BEGIN RSA PRIVATE KEY-----
MIIBOwIBAAJBAPeq8V6hBsIOBFF8KzU46FIZjg5cQpQcJ19l07lykvOlwBp+IiWl
G4P7309EwK4d3Nh//LGw0dx7eEleCZBMAKUCAwEAAQJAa2SimUf16Duvv626BrAQ
fVk7chqrfBHhOMqszmNSOXexvwCqYdFbrU1WtbjQlP+JTnD4kdADK7CTD4+W+sx6
mQIhAP046mwEfLNB4yNFQYt7Yb3t4XU3DQv6b/jsFdN02Kx/AiEA+mJt2ITmofW7
hAiTUjBWadktMds9hOGYxzIpgYWXkNsCIQCiehmYc4yb7IPUhsSWvfUqS+9lKYya
ife8zab3hjrc+wIhAMGQ4Iy3ybjByTJ8kq/CULvJuqfFbxzQbxTn0bCg/5hrAiAa
+BXEMOxbRTEumMEY1h36vp/j32DP1ZvTZ4MudD/oPQ==
-----END RSA PRIVATE KEY-----
"""
"""Made for this test; cryptography does not make such keys any more."""


@pytest.mark.parametrize("form", [PrivateFormat.PKCS8, PrivateFormat.TraditionalOpenSSL])
def test_an_rsa_key_is_read_in_either_form(form: PrivateFormat) -> None:
    key = read_key(pem(rsa_key(), form), "Example.COM", "r1")
    assert (key.domain, key.algorithm) == ("example.com", Algorithm.RSA)
    assert key.public_key == rsa_key().public_key
    assert key.record_name == "r1._domainkey.example.com"


def test_an_ed25519_key_is_published_as_its_32_octets() -> None:
    key = read_key(pem(ed25519_key()), "example.com", "e1")
    assert key.algorithm is Algorithm.ED25519
    assert len(base64.b64decode(key.public_key)) == 32


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (b"", "not a private key in PEM form"),
        (b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", "not a private key in PEM form"),
        (
            ec.generate_private_key(ec.SECP256R1()).private_bytes(
                Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"x")
            ),
            "the key is protected by a password, expected one without",
        ),
    ],
    ids=["nothing", "broken", "protected"],
)
def test_a_text_that_is_no_key_is_refused(text: bytes, why: str) -> None:
    with pytest.raises(KeyUnusable) as failure:
        read_key(text, "example.com", "s")
    assert str(failure.value) == why


def test_a_kind_that_dkim_does_not_have_is_refused() -> None:
    with pytest.raises(KeyUnusable, match="neither an RSA nor an Ed25519 key"):
        signing_key(ec.generate_private_key(ec.SECP256R1()), "example.com", "s")


def test_a_short_rsa_key_is_refused() -> None:
    with pytest.raises(KeyUnusable, match="an RSA key of 512 bits, expected 2048"):
        read_key(SHORT, "example.com", "s")


def test_keys_are_found_by_the_domain_or_the_nearest_above() -> None:
    top, news = rsa_key(), ed25519_key(domain="news.example.com")
    ring = Keyring([top, news, ed25519_key()])
    assert ring
    assert not Keyring()
    assert ring.for_domain("example.com") == (top, ed25519_key())
    assert ring.for_domain("a.news.example.com") == (news,)
    assert ring.for_domain("shop.example.com") == (top, ed25519_key())
    assert ring.for_domain("badexample.com") == ()
    assert ring.for_domain("com") == ()
    assert ring.for_domain("") == ()


@pytest.mark.parametrize(
    ("signer", "author", "expected"),
    [
        ("example.com", "example.com", Alignment.STRICT),
        ("example.com", "mail.example.com", Alignment.RELAXED),
        ("mail.example.com", "example.com", Alignment.RELAXED),
        ("example.com", "badexample.com", Alignment.NONE),
        ("a.example.com", "b.example.com", Alignment.NONE),
    ],
)
def test_alignment_is_told(signer: str, author: str, expected: Alignment) -> None:
    assert aligned(signer, author) is expected
    assert ed25519_key(domain=signer).facts(author).alignment is expected


@pytest.mark.parametrize(
    ("field", "expected"),
    [
        (b"From: a@Example.COM", ("example.com",)),
        (b"From: a@example.com.", ("example.com",)),
        (b'FROM: "x@y.example" <a@example.com>, b@other.example, c@example.com', ("example.com", "other.example")),
        ("From: a@bücher.example".encode(), ("xn--bcher-kva.example",)),
        (b"From: a@" + "ü".encode() * 300, ("ü" * 300,)),
        ("From: a@ü..example".encode(), ("ü..example",)),
        (b"From: root", ()),
        (b"To: a@example.com", ()),
    ],
)
def test_the_author_domains_are_read(field: bytes, expected: tuple[str, ...]) -> None:
    assert author_domains(b"Subject: x\r\n" + field + b"\r\n\r\nbody\r\n") == expected
