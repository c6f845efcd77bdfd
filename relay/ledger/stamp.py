"""Reads a timestamp (RFC 3161): that an authority saw a hash, and when; and checks who signed that.

A response in DER is a CMS message (RFC 5652) around what the authority says. Checked are form, hash, signature, and
that the signing certificate is one for timestamps, the one that is meant (RFC 5816), and was valid. Whether the
authority is to be trusted is not decided here: that depends on who asks.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID

from relay.ledger.scalars import LedgerError

INTEGER, OCTETS, OID, SEQUENCE, SET, TIME, FIRST, SECOND = 0x02, 0x04, 0x06, 0x30, 0x31, 0x18, 0xA0, 0xA1
"""Tags (X.690); FIRST and SECOND are [0] and [1], constructed."""
SIGNED_DATA = "2a864886f70d010702"
STAMP_INFO = "2a864886f70d0109100104"
CONTENT_TYPE, MESSAGE_DIGEST = "2a864886f70d010903", "2a864886f70d010904"
CERTIFICATE_V1, CERTIFICATE_V2 = "2a864886f70d010910020c", "2a864886f70d010910022f"
RSA_PSS = "2a864886f70d01010a"
HASHES: dict[str, hashes.HashAlgorithm] = {
    "608648016503040201": hashes.SHA256(),
    "608648016503040202": hashes.SHA384(),
    "608648016503040203": hashes.SHA512(),
}
_SHA256 = "608648016503040201"
_TIME = re.compile(r"(\d{14})(?:\.(\d{1,6}))?Z")


class StampError(LedgerError):
    """It is no timestamp of this hash, or it was changed."""


class StampUnknownError(LedgerError):
    """It may be good, but by means that are not known here; or the certificate that would say so is not at hand."""


@dataclass(frozen=True, slots=True)
class Stamp:
    """What an authority said. `at`: UTC microseconds, by its clock."""

    at: int
    authority: str
    """Subject of the certificate, as RFC 4514 writes names."""
    certificate_sha256: str


@dataclass(frozen=True, slots=True)
class Element:
    """One value in DER. `raw`: with tag and length."""

    tag: int
    content: bytes
    raw: bytes

    def parts(self) -> list[Element]:
        """The values within it."""
        return list(_elements(self.content))


def check_stamp(response: bytes, digest: bytes, chain: bytes = b"") -> Stamp:
    """What the authority said of this SHA-256. `chain`: more certificates, PEM.

    Raises StampError: it does not say it. StampUnknownError: who said it cannot be told here.
    """
    try:
        return _check(response, digest, chain)
    except (IndexError, ValueError) as error:
        if isinstance(error, LedgerError):
            raise
        raise StampError("it does not have the form of a timestamp") from None


def _check(response: bytes, digest: bytes, chain: bytes) -> Stamp:
    whole = _only(_elements(response), SEQUENCE)
    status, *token = whole.parts()
    if int.from_bytes(_only(status.parts()[:1], INTEGER).content, "big") not in (0, 1) or len(token) != 1:
        raise StampError("the authority did not grant a timestamp")
    kind, wrapped = token[0].parts()
    if kind.content.hex() != SIGNED_DATA:
        raise StampError("it is not signed")
    _, _, inner, *optional, signers = _only(wrapped.parts(), SEQUENCE).parts()
    said, content = _said(inner)
    imprint = _only(said[2:3], SEQUENCE).parts()
    if imprint[0].parts()[0].content.hex() != _SHA256 or imprint[1].content != digest:
        raise StampError("it is of another hash: of something else")
    at = _time(_only(said[4:5], TIME).content)
    certificates = [*_embedded(optional), *_in_pem(chain)]
    certificate = _signed(_only(signers.parts(), SEQUENCE).parts(), content, certificates)
    _check_certificate(certificate, at)
    subject = certificate.subject.rfc4514_string() or "a certificate without a name"
    return Stamp(at, subject, certificate.fingerprint(hashes.SHA256()).hex())


def _said(inner: Element) -> tuple[list[Element], bytes]:
    """What the authority says (TSTInfo), in parts and as the octets that are signed."""
    kind, wrapped = inner.parts()
    if kind.content.hex() != STAMP_INFO:
        raise StampError("what is signed is not a timestamp")
    content = _only(wrapped.parts(), OCTETS).content
    return _only(_elements(content), SEQUENCE).parts(), content


def _signed(signer: list[Element], content: bytes, certificates: list[x509.Certificate]) -> x509.Certificate:
    """The certificate with which the content was signed."""
    _, who, method, attributes, how, signature = signer[:6]
    algorithm = HASHES.get(method.parts()[0].content.hex())
    if algorithm is None:
        raise StampUnknownError("it is signed over a hash of a kind that is not known here")
    found = {each.parts()[0].content.hex(): each.parts()[1] for each in _only([attributes], FIRST).parts()}
    if CONTENT_TYPE not in found or found[CONTENT_TYPE].parts()[0].content.hex() != STAMP_INFO:
        raise StampError("the signature is not over a timestamp")
    if MESSAGE_DIGEST not in found or found[MESSAGE_DIGEST].parts()[0].content != _hash(algorithm, content):
        raise StampError("what it says is not what was signed: it was changed")
    certificate = next((each for each in certificates if _is_meant(each, who)), None)
    if certificate is None:
        raise StampUnknownError("the certificate that signed it is not here")
    if not _is_named(certificate, found):
        raise StampError("it was signed with another certificate than it names")
    message = bytes([SET]) + attributes.raw[1:]  # signed as a SET, sent as [0] (RFC 5652 section 5.4)
    _verify(certificate, how.parts()[0].content.hex(), signature.content, message, algorithm)
    return certificate


def _verify(
    certificate: x509.Certificate, how: str, signature: bytes, message: bytes, algorithm: hashes.HashAlgorithm
) -> None:
    try:
        key = certificate.public_key()
        if isinstance(key, rsa.RSAPublicKey):
            pss = padding.PSS(padding.MGF1(algorithm), padding.PSS.AUTO)
            key.verify(signature, message, pss if how == RSA_PSS else padding.PKCS1v15(), algorithm)
        elif isinstance(key, ec.EllipticCurvePublicKey):
            key.verify(signature, message, ec.ECDSA(algorithm))
        elif isinstance(key, ed25519.Ed25519PublicKey):
            key.verify(signature, message)
        else:
            raise StampUnknownError("it is signed with a key of a kind that is not known here")
    except InvalidSignature:
        raise StampError("its signature is wrong: it was changed") from None
    except UnsupportedAlgorithm:
        raise StampUnknownError("it is signed with a key of a kind that is not known here") from None


def _check_certificate(certificate: x509.Certificate, at: int) -> None:
    try:
        usage = list(certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value)
    except x509.ExtensionNotFound:
        usage = []
    if usage != [ExtendedKeyUsageOID.TIME_STAMPING]:
        raise StampError("its certificate is not one for timestamps")
    moment = datetime.fromtimestamp(at // 1_000_000, UTC)
    if not certificate.not_valid_before_utc <= moment <= certificate.not_valid_after_utc:
        raise StampError("its certificate was not valid at that time")


def _is_meant(certificate: x509.Certificate, who: Element) -> bool:
    """Whether the signer names this certificate: by issuer and serial number, or by the identifier of its key."""
    if who.tag == SEQUENCE:
        issuer, serial = who.parts()
        number = int.from_bytes(serial.content, "big")
        return (certificate.issuer.public_bytes(), certificate.serial_number) == (issuer.raw, number)
    try:
        key = certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value.digest
    except x509.ExtensionNotFound:
        return False
    return key == who.content


def _is_named(certificate: x509.Certificate, attributes: dict[str, Element]) -> bool:
    """Whether the signed attributes name this certificate by its hash: another with the same key is not meant."""
    octets = certificate.public_bytes(Encoding.DER)
    if CERTIFICATE_V2 in attributes:
        named = _first_named(attributes[CERTIFICATE_V2])
        method = named.pop(0) if named[0].tag == SEQUENCE else None
        algorithm = HASHES.get(method.parts()[0].content.hex() if method else _SHA256)
        return algorithm is not None and named[0].content == _hash(algorithm, octets)
    if CERTIFICATE_V1 in attributes:
        return (
            _first_named(attributes[CERTIFICATE_V1])[0].content == hashlib.sha1(octets, usedforsecurity=False).digest()
        )
    return False


def _first_named(attribute: Element) -> list[Element]:
    """The parts of the first certificate identifier (SigningCertificate, RFC 5035)."""
    return attribute.parts()[0].parts()[0].parts()[0].parts()


def _embedded(optional: list[Element]) -> Iterator[x509.Certificate]:
    for element in optional:
        if element.tag == FIRST:
            yield from (x509.load_der_x509_certificate(each.raw) for each in element.parts() if each.tag == SEQUENCE)


def _in_pem(chain: bytes) -> list[x509.Certificate]:
    return x509.load_pem_x509_certificates(chain) if b"-----BEGIN CERTIFICATE-----" in chain else []


def _hash(algorithm: hashes.HashAlgorithm, octets: bytes) -> bytes:
    return hashlib.new(algorithm.name, octets).digest()


def _time(text: bytes) -> int:
    """UTC microseconds of a GeneralizedTime (RFC 3161 section 2.4.2)."""
    match = _TIME.fullmatch(text.decode("ascii"))
    if match is None:
        raise StampError("its time is not written as times are")
    seconds = datetime.strptime(match[1], "%Y%m%d%H%M%S").replace(tzinfo=UTC).timestamp()
    return int(seconds) * 1_000_000 + int((match[2] or "0").ljust(6, "0"))


def _only(elements: Iterable[Element], tag: int) -> Element:
    """The one element there is, of this tag; ValueError otherwise."""
    (element,) = elements
    if element.tag != tag:
        raise StampError("it does not have the form of a timestamp")
    return element


def _elements(data: bytes) -> Iterator[Element]:
    """The values that follow each other; ValueError if they are not in DER, or cut off."""
    position = 0
    while position < len(data):
        tag, length, start = data[position], data[position + 1], position + 2
        if length > 0x80:
            count = length & 0x7F
            length = int.from_bytes(data[start : start + count], "big")
            start += count
            if length < 0x80 or length >> 8 * (count - 1) == 0:
                raise StampError("it is not in DER")
        elif length == 0x80:
            raise StampError("it is not in DER")
        stop = start + length
        if stop > len(data):
            raise StampError("it is cut off")
        yield Element(tag, data[start:stop], data[position:stop])
        position = stop
