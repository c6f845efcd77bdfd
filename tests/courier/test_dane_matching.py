"""DANE: which certificates a TLSA record vouches for (RFC 7671, RFC 7672)."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from relay.courier.dane import distrust, usable
from relay.resolver import Association
from tests.support.authority import issue

NOW = datetime.now(UTC)
LATER = NOW + timedelta(days=400)
NAMES = ["mx.example.com", "example.com"]


@pytest.fixture(scope="module")
def chain(tmp_path_factory: pytest.TempPathFactory) -> list[bytes]:
    """The server's certificate and its authority's, as DER."""
    made = issue(tmp_path_factory.mktemp("dane"), "mx.example.com")
    return [_der(made.chain), _der(made.authority)]


def _der(path: Path) -> bytes:
    return x509.load_pem_x509_certificate(path.read_bytes()).public_bytes(Encoding.DER)


def record(usage: int, selector: int, matching: int, certificate: bytes) -> Association:
    data = certificate
    if selector == 1:
        key = x509.load_der_x509_certificate(certificate).public_key()
        data = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    if matching:
        data = {1: hashlib.sha256, 2: hashlib.sha512}[matching](data).digest()
    return Association(usage, selector, matching, data)


@pytest.mark.parametrize("selector", [0, 1])
@pytest.mark.parametrize("matching", [0, 1, 2])
def test_the_servers_own_certificate_or_key_needs_neither_name_nor_date(
    chain: list[bytes], selector: int, matching: int
) -> None:
    own = record(3, selector, matching, chain[0])
    assert distrust(chain, [own], ["other.example"], LATER) is None
    assert distrust(chain[:1], [own], [], NOW) is None
    assert distrust(chain[1:], [own], NAMES, NOW) == "no TLSA record matches it"


@pytest.mark.parametrize("selector", [0, 1])
@pytest.mark.parametrize("matching", [0, 1, 2])
def test_a_trust_anchor_vouches_for_what_it_signed(chain: list[bytes], selector: int, matching: int) -> None:
    anchor = record(2, selector, matching, chain[1])
    assert distrust(chain, [anchor], NAMES, NOW) is None
    assert distrust(chain, [anchor], ["example.com", "mx.example.com"], NOW) is None
    for names, at in ((["other.example"], NOW), (NAMES, LATER)):
        assert "does not vouch for it" in (distrust(chain, [anchor], names, at) or "")


def test_an_anchor_that_is_not_sent_counts_only_if_the_record_holds_all_of_it(chain: list[bytes]) -> None:
    assert distrust(chain[:1], [record(2, 0, 0, chain[1])], NAMES, NOW) is None
    assert distrust(chain[:1], [record(2, 0, 1, chain[1])], NAMES, NOW) == "no TLSA record matches it"


def test_another_authority_vouches_for_nothing(chain: list[bytes], tmp_path: Path) -> None:
    other = _der(issue(tmp_path, "mx.example.com").authority)
    assert distrust([chain[0], other], [record(2, 1, 1, other)], NAMES, NOW) is not None


def test_one_of_several_records_is_enough(chain: list[bytes]) -> None:
    wrong = Association(3, 1, 1, bytes(32))
    assert distrust(chain, [wrong, record(3, 1, 1, chain[0])], NAMES, NOW) is None
    assert distrust(chain, [wrong], NAMES, NOW) == "no TLSA record matches it"


def test_what_cannot_be_read_is_not_trusted(chain: list[bytes]) -> None:
    assert distrust([], [record(3, 0, 0, chain[0])], NAMES, NOW) == "no certificate"
    assert "cannot be read" in (distrust([b"x"], [], NAMES, NOW) or "")
    assert "cannot be read" in (distrust(chain, [Association(2, 0, 0, b"x")], NAMES, NOW) or "")


def test_records_of_no_use_between_mail_servers_are_passed_over() -> None:
    good = [Association(2, 0, 1, bytes(32)), Association(3, 1, 2, bytes(64)), Association(3, 1, 0, b"key")]
    bad = [
        Association(0, 0, 1, bytes(32)),
        Association(1, 1, 1, bytes(32)),
        Association(3, 2, 1, bytes(32)),
        Association(3, 1, 3, bytes(32)),
        Association(3, 1, 1, bytes(31)),
        Association(3, 1, 0, b""),
    ]
    assert usable([*good, *bad]) == tuple(good)
