"""A time-stamping authority: makes RFC 3161 responses, good ones and ones with one thing wrong."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
SHA256, SHA384, SHA1 = "2.16.840.1.101.3.4.2.1", "2.16.840.1.101.3.4.2.2", "1.3.14.3.2.26"
RSA, PSS, ECDSA, ED25519 = "1.2.840.113549.1.1.1", "1.2.840.113549.1.1.10", "1.2.840.10045.4.3.2", "1.3.101.112"
P256 = bytes.fromhex("2a8648ce3d030107")
ALGORITHMS: dict[str, hashes.HashAlgorithm] = {SHA256: hashes.SHA256(), SHA384: hashes.SHA384(), SHA1: hashes.SHA1()}


def der(tag: int, *parts: bytes) -> bytes:
    """One value (X.690)."""
    content = b"".join(parts)
    length = len(content)
    if length < 0x80:
        return bytes([tag, length]) + content
    octets = length.to_bytes((length.bit_length() + 7) // 8, "big")
    return bytes([tag, 0x80 | len(octets)]) + octets + content


def sequence(*parts: bytes) -> bytes:
    return der(0x30, *parts)


def number(value: int) -> bytes:
    return der(0x02, value.to_bytes(value.bit_length() // 8 + 1, "big"))


def oid(dotted: str) -> bytes:
    first, second, *rest = map(int, dotted.split("."))
    octets = b""
    for value in (first * 40 + second, *rest):
        groups = [value & 0x7F]
        while value := value >> 7:
            groups.append(value & 0x7F | 0x80)
        octets += bytes(reversed(groups))
    return der(0x06, octets)


def attribute(kind: str, value: bytes) -> bytes:
    return sequence(oid(kind), der(0x31, value))


@cache
def key_of(kind: str) -> rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey | dsa.DSAPrivateKey:
    match kind:
        case "rsa" | "pss":
            return rsa.generate_private_key(65537, 2048)
        case "ec":
            return ec.generate_private_key(ec.SECP256R1())
        case "ed25519":
            return ed25519.Ed25519PrivateKey.generate()
    return dsa.generate_private_key(2048)


@dataclass(frozen=True)
class Authority:
    """What it is, and what is odd about its answers; the defaults are a good answer."""

    kind: str = "ec"
    """`rsa`, `pss`, `ec`, `ed25519` or `dsa`."""
    usages: tuple[x509.ObjectIdentifier, ...] = (ExtendedKeyUsageOID.TIME_STAMPING,)
    time: bytes = b"20260101120000Z"
    status: bytes = field(default_factory=lambda: sequence(number(0)))
    hash_named: str = SHA256
    digest_algorithm: str = SHA256
    named_by: str = "v2"
    """How the signed attributes name the certificate: `v1`, `v2`, `v2-sha384`, `other` (a wrong hash) or `none`."""
    by_key_id: bool = False
    has_key_id: bool = True
    embeds: bool = True
    content_type: str = "1.2.840.113549.1.9.16.1.4"
    signed_type: str | None = "1.2.840.113549.1.9.16.1.4"
    outer_type: str = "1.2.840.113549.1.7.2"
    signs: Callable[[bytes], bytes] = lambda content: content
    """What of the content is really hashed for the signature."""
    grants: bool = True
    is_on_unknown_curve: bool = False

    @property
    def certificate(self) -> x509.Certificate:
        certificate = _certificate(self.kind, self.usages, self.has_key_id)
        if self.is_on_unknown_curve:
            octets = certificate.public_bytes(Encoding.DER).replace(P256, P256[:-1] + b"\x7f")
            certificate = x509.load_der_x509_certificate(octets)
        return certificate

    def pem(self) -> bytes:
        return self.certificate.public_bytes(Encoding.PEM)

    def respond(self, octets: bytes) -> bytes:
        """The response (DER) for the SHA-256 of the octets."""
        if not self.grants:
            return sequence(self.status)
        imprint = sequence(sequence(oid(self.hash_named)), der(0x04, hashlib.sha256(octets).digest()))
        info = sequence(number(1), oid("1.3.6.1.4.1.99999.1"), imprint, number(7), der(0x18, self.time), number(99))
        certificates = der(0xA0, self.certificate.public_bytes(Encoding.DER)) if self.embeds else b""
        content = sequence(oid(self.content_type), der(0xA0, der(0x04, info)))
        algorithms = der(0x31, sequence(oid(self.digest_algorithm)))
        data = sequence(number(3), algorithms, content, certificates, der(0x31, self._signer(info)))
        return sequence(self.status, sequence(oid(self.outer_type), der(0xA0, data)))

    def _signer(self, info: bytes) -> bytes:
        algorithm = ALGORITHMS[self.digest_algorithm]
        digest = hashlib.new(algorithm.name, self.signs(info)).digest()
        attributes = attribute("1.2.840.113549.1.9.4", der(0x04, digest)) + self._named()
        if self.signed_type is not None:
            attributes = attribute("1.2.840.113549.1.9.3", oid(self.signed_type)) + attributes
        key, message = key_of(self.kind), der(0x31, attributes)
        match key:
            case rsa.RSAPrivateKey() if self.kind == "pss":
                how, signature = PSS, key.sign(message, padding.PSS(padding.MGF1(algorithm), 32), algorithm)
            case rsa.RSAPrivateKey():
                how, signature = RSA, key.sign(message, padding.PKCS1v15(), algorithm)
            case ec.EllipticCurvePrivateKey():
                how, signature = ECDSA, key.sign(message, ec.ECDSA(algorithm))
            case ed25519.Ed25519PrivateKey():
                how, signature = ED25519, key.sign(message)
            case dsa.DSAPrivateKey():
                how, signature = "2.16.840.1.101.3.4.3.2", key.sign(message, algorithm)
        digest_algorithm = sequence(oid(self.digest_algorithm))
        return sequence(
            number(1), self._who(), digest_algorithm, der(0xA0, attributes), sequence(oid(how)), der(0x04, signature)
        )

    def _who(self) -> bytes:
        if self.by_key_id:
            key_id = x509.SubjectKeyIdentifier.from_public_key(key_of(self.kind).public_key())
            return der(0x80, key_id.digest)
        return sequence(self.certificate.issuer.public_bytes(), number(self.certificate.serial_number))

    def _named(self) -> bytes:
        octets = self.certificate.public_bytes(Encoding.DER)
        match self.named_by:
            case "v1":
                hashed = sequence(der(0x04, hashlib.sha1(octets).digest()))
                return attribute("1.2.840.113549.1.9.16.2.12", sequence(sequence(hashed)))
            case "v2":
                hashed = sequence(der(0x04, hashlib.sha256(octets).digest()))
            case "v2-sha384":
                hashed = sequence(sequence(oid(SHA384)), der(0x04, hashlib.sha384(octets).digest()), sequence())
            case "v2-sha1":
                hashed = sequence(sequence(oid(SHA1)), der(0x04, hashlib.sha1(octets).digest()))
            case "other":
                hashed = sequence(der(0x04, bytes(32)))
            case _:
                return b""
        return attribute("1.2.840.113549.1.9.16.2.47", sequence(sequence(hashed)))


@cache
def _certificate(kind: str, usages: tuple[x509.ObjectIdentifier, ...], has_key_id: bool) -> x509.Certificate:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Test Stamps")])
    key = key_of(kind)
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    builder = builder.serial_number(0x1234567890ABCDEF).not_valid_before(NOON - timedelta(days=1))
    builder = builder.not_valid_after(NOON + timedelta(days=1))
    if usages:
        builder = builder.add_extension(x509.ExtendedKeyUsage(usages), critical=True)
    if has_key_id:
        builder = builder.add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    return builder.sign(key, None if kind == "ed25519" else hashes.SHA256())
