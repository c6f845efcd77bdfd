"""Timestamps (RFC 3161): what a good one says is read, whatever signed it; each thing that can be wrong is told."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.x509.oid import ExtendedKeyUsageOID

from relay.ledger.stamp import Stamp, StampError, StampUnknownError, check_stamp
from tests.support.stamping import NOON, SHA1, SHA384, Authority, der, number, sequence

OCTETS = b"log\n1\nroot\n\nsigned\n"
DIGEST = hashlib.sha256(OCTETS).digest()
AT = int(NOON.timestamp()) * 1_000_000


def said(authority: Authority, chain: bytes = b"") -> Stamp:
    return check_stamp(authority.respond(OCTETS), DIGEST, chain)


@pytest.mark.parametrize("kind", ["rsa", "pss", "ec", "ed25519"])
@pytest.mark.parametrize("named_by", ["v1", "v2", "v2-sha384"])
def test_a_good_one_says_who_and_when(kind: str, named_by: str) -> None:
    authority = Authority(kind, named_by=named_by)
    fingerprint = authority.certificate.fingerprint(hashes.SHA256()).hex()
    assert said(authority) == Stamp(AT, "CN=Test Stamps", fingerprint)


def test_it_may_be_signed_over_another_hash_and_name_its_key() -> None:
    assert said(Authority(digest_algorithm=SHA384, by_key_id=True)).at == AT


@pytest.mark.parametrize(("time", "microseconds"), [(b"20260101120000.5Z", 500_000), (b"20260101120000.000001Z", 1)])
def test_its_time_may_have_a_fraction(time: bytes, microseconds: int) -> None:
    assert said(Authority(time=time)).at == AT + microseconds


def test_the_certificate_may_come_beside_it() -> None:
    authority = Authority(embeds=False)
    assert said(authority, b"revocation data\n" + authority.pem()).at == AT
    assert said(replace(authority, embeds=True), Authority("rsa").pem()).at == AT


@pytest.mark.parametrize(
    "wrong",
    [
        {"hash_named": SHA384},
        {"usages": ()},
        {"usages": (ExtendedKeyUsageOID.SERVER_AUTH,)},
        {"usages": (ExtendedKeyUsageOID.TIME_STAMPING, ExtendedKeyUsageOID.SERVER_AUTH)},
        {"time": b"20270101120000Z"},
        {"time": b"20250101120000Z"},
        {"time": b"20261301120000Z"},
        {"time": b"2026-01-01"},
        {"time": b"\xff"},
        {"status": sequence(number(2))},
        {"grants": False},
        {"named_by": "other"},
        {"named_by": "none"},
        {"named_by": "v2-sha1"},
        {"content_type": "1.2.840.113549.1.7.1"},
        {"signed_type": "1.2.840.113549.1.7.1"},
        {"signed_type": None},
        {"outer_type": "1.2.840.113549.1.7.1"},
        {"signs": lambda content: content[:-1]},
    ],
    ids=lambda wrong: " ".join(f"{name}" for name in wrong),
)
def test_one_with_something_wrong_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(StampError):
        said(Authority(**wrong))


@pytest.mark.parametrize(
    "odd", [{"digest_algorithm": SHA1}, {"kind": "dsa"}, {"embeds": False}, {"is_on_unknown_curve": True}], ids=str
)
def test_what_cannot_be_told_is_not_called_wrong(odd: dict[str, Any]) -> None:
    with pytest.raises(StampUnknownError):
        said(Authority(**odd))


def test_a_key_id_without_such_a_certificate_is_not_called_wrong() -> None:
    with pytest.raises(StampUnknownError, match="certificate"):
        said(Authority(by_key_id=True, has_key_id=False))


def test_it_is_of_nothing_else() -> None:
    with pytest.raises(StampError, match="another hash"):
        check_stamp(Authority().respond(OCTETS + b"x"), DIGEST)


def test_every_flipped_bit_in_what_is_said_is_found() -> None:
    response = Authority().respond(OCTETS)
    start = response.index(DIGEST)
    for place in range(start, start + 60):
        for bit in range(8):
            flipped = bytearray(response)
            flipped[place] ^= 1 << bit
            with pytest.raises((StampError, StampUnknownError)):
                check_stamp(bytes(flipped), DIGEST)


def test_every_truncation_is_found() -> None:
    response = Authority().respond(OCTETS)
    for length in range(len(response)):
        with pytest.raises(StampError):
            check_stamp(response[:length], DIGEST)


@pytest.mark.parametrize(
    "response",
    [
        b"\x30\x80\x00\x00",
        b"\x30\x81\x01\x00",
        b"\x30\x82\x00\x81" + bytes(129),
        b"\x30\x00",
        der(0x31, b""),
        sequence(sequence(number(0)), sequence()),
        Authority().respond(OCTETS) * 2,
    ],
    ids=["endless", "long form", "leading zero", "empty", "set", "no token", "twice"],
)
def test_what_is_not_in_der_or_no_response_is_refused(response: bytes) -> None:
    with pytest.raises(StampError):
        check_stamp(response, DIGEST)


def test_a_signature_that_is_changed_is_refused() -> None:
    response = Authority("rsa").respond(OCTETS)
    with pytest.raises(StampError, match="signature is wrong"):
        check_stamp(response[:-1] + bytes([response[-1] ^ 1]), DIGEST)


@pytest.mark.peer
@pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is not installed")
def test_what_openssl_makes_is_read(tmp_path: Path) -> None:
    """Another program's authority: certificate by `openssl req`, answer by `openssl ts`."""

    def openssl(*arguments: str) -> None:
        subprocess.run(["openssl", *arguments], cwd=tmp_path, check=True, capture_output=True, timeout=60)

    (tmp_path / "checkpoint").write_bytes(OCTETS)
    (tmp_path / "serial").write_text("01")
    (tmp_path / "config").write_text(
        "[req]\ndistinguished_name=name\n[name]\n[stamps]\nextendedKeyUsage=critical,timeStamping\n"
        "[tsa]\ndefault_tsa=here\n[here]\nserial=serial\nsigner_digest=sha256\ndefault_policy=1.2.3.4\ndigests=sha256\n"
    )
    request = "req -x509 -newkey rsa:2048 -nodes -keyout key -out certificate -days 2 -subj /CN=Other"
    openssl(*request.split(), "-config", "config", "-extensions", "stamps")
    query = "ts -query -data checkpoint -sha256 -cert -out query"
    reply = "ts -reply -config config -queryfile query -signer certificate -inkey key -out reply"
    openssl(*query.split())
    openssl(*reply.split())
    stamp = check_stamp((tmp_path / "reply").read_bytes(), DIGEST)
    certificate = x509.load_pem_x509_certificate((tmp_path / "certificate").read_bytes())
    assert stamp.authority == "CN=Other"
    assert stamp.certificate_sha256 == certificate.fingerprint(hashes.SHA256()).hex()
