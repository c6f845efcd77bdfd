"""DANE: whether a server's certificate is the one that signed DNS records name. Pure. RFC 6698, RFC 7671, RFC 7672.

Usages 2 (a trust anchor) and 3 (the server's own certificate or key) are known; 0 and 1 are of no use between mail
servers (RFC 7672 section 3.1.3) and are passed over.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import datetime

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.verification import PolicyBuilder, Store, VerificationError

from relay.resolver import Association

ANCHOR, OWN = 2, 3
_LENGTHS = {1: 32, 2: 64}


def usable(associations: Sequence[Association]) -> tuple[Association, ...]:
    """Those that can vouch for a mail server. With records and none of them usable TLS is wanted, but not verified."""
    return tuple(
        each
        for each in associations
        if each.usage in (ANCHOR, OWN)
        and each.selector in (0, 1)
        and each.matching in (0, 1, 2)
        and each.data
        and len(each.data) == _LENGTHS.get(each.matching, len(each.data))
    )


def distrust(
    chain: Sequence[bytes], associations: Sequence[Association], names: Sequence[str], at: datetime
) -> str | None:
    """Why the chain (DER, the server's own first) is not the one that was named; None when it is.

    `names`: of which a certificate under a trust anchor must have one. Usage 3 asks neither for a name nor for a
    date (RFC 7671 section 5.1).
    """
    try:
        certificates = [x509.load_der_x509_certificate(octets) for octets in chain]
        if not certificates:
            return "no certificate"
        if any(_matches(certificates[0], each) for each in associations if each.usage == OWN):
            return None
        anchors = [each for each in associations if each.usage == ANCHOR]
        why = "no TLSA record matches it"
        for anchor in _anchors(certificates, anchors):
            for name in names:
                failure = _failure(certificates, anchor, name, at)
                if failure is None:
                    return None
                why = f"the trust anchor of a TLSA record does not vouch for it: {failure}"
        return why
    except ValueError as error:
        return f"it cannot be read: {error}"


def _matches(certificate: x509.Certificate, association: Association) -> bool:
    if association.selector == 0:
        selected = certificate.public_bytes(Encoding.DER)
    else:
        selected = certificate.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    if association.matching == 0:
        return selected == association.data
    digest = hashlib.sha256 if association.matching == 1 else hashlib.sha512
    return digest(selected).digest() == association.data


def _anchors(certificates: Sequence[x509.Certificate], anchors: Sequence[Association]) -> list[x509.Certificate]:
    """The certificates that records name: of the chain, or within the record itself."""
    found = [each for each in certificates[1:] if any(_matches(each, anchor) for anchor in anchors)]
    whole = [x509.load_der_x509_certificate(each.data) for each in anchors if (each.selector, each.matching) == (0, 0)]
    return found + whole


def _failure(certificates: Sequence[x509.Certificate], anchor: x509.Certificate, name: str, at: datetime) -> str | None:
    try:
        verifier = PolicyBuilder().store(Store([anchor])).time(at).build_server_verifier(x509.DNSName(name))
        verifier.verify(certificates[0], list(certificates[1:]))
    except (VerificationError, ValueError) as error:
        return str(error)
    return None
