"""The keys that sign: a private key with its domain and selector, and which of them sign for a From field.

Reads keys from PEM text, not from files (`relay.signing_keys` does). RFC 6376 section 3.3, RFC 8463, RFC 7489.
"""

from __future__ import annotations

import base64
import contextlib
from collections.abc import Iterable
from dataclasses import dataclass

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

from relay.model.signature import Algorithm, Alignment, Signature
from relay.rendition.addresses import parse_addresses
from relay.rendition.mime import header_fields

MIN_RSA_BITS = 1024
"""RFC 8301 section 3.2: signers use 2048; shorter than 1024 no one verifies."""

_SHA256 = Prehashed(hashes.SHA256())


class KeyUnusable(ValueError):
    """The text is no private key that can sign. The message says why, without a word of the key."""


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A private key, and where its public half is published: `selector`._domainkey.`domain`."""

    domain: str
    """Lower case, beyond ASCII as `xn--…`."""
    selector: str
    private: RSAPrivateKey | Ed25519PrivateKey
    algorithm: Algorithm
    public_key: str
    """Base64: the p= of the DNS record."""

    def sign(self, digest: bytes) -> bytes:
        """The signature of a SHA-256 digest; Ed25519 signs the digest itself (RFC 8463 section 3)."""
        if isinstance(self.private, Ed25519PrivateKey):
            return self.private.sign(digest)
        return self.private.sign(digest, PKCS1v15(), _SHA256)

    @property
    def record_name(self) -> str:
        """Where the DNS record is: `s2026._domainkey.example.com`."""
        return f"{self.selector}._domainkey.{self.domain}"

    def facts(self, from_domain: str) -> Signature:
        """What is kept of a signature by this key on a message from `from_domain`."""
        alignment = aligned(self.domain, from_domain)
        return Signature(self.domain, self.selector, self.algorithm, self.public_key, alignment)


def read_key(pem: bytes, domain: str, selector: str) -> SigningKey:
    """The key in a PEM text, PKCS#1 or PKCS#8, without a password. Raises KeyUnusable."""
    try:
        private = load_pem_private_key(pem, password=None)
    except TypeError:
        raise KeyUnusable("the key is protected by a password, expected one without") from None
    except (ValueError, UnsupportedAlgorithm):
        raise KeyUnusable("not a private key in PEM form") from None
    return signing_key(private, domain, selector)


def signing_key(private: object, domain: str, selector: str) -> SigningKey:
    """The key with its public half made ready. Raises KeyUnusable for kinds that DKIM does not have."""
    if isinstance(private, Ed25519PrivateKey):
        # RFC 8463 section 4: the 32 octets alone, not the structure that other formats wrap around them.
        algorithm, public = Algorithm.ED25519, private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    elif isinstance(private, RSAPrivateKey):
        if private.key_size < MIN_RSA_BITS:
            raise KeyUnusable(f"an RSA key of {private.key_size} bits, expected 2048")
        algorithm = Algorithm.RSA
        public = private.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    else:
        raise KeyUnusable("neither an RSA nor an Ed25519 key")
    return SigningKey(domain.lower(), selector, private, algorithm, base64.b64encode(public).decode("ascii"))


class Keyring:
    """The keys that sign, found by domain."""

    def __init__(self, keys: Iterable[SigningKey] = ()) -> None:
        self._keys: dict[str, list[SigningKey]] = {}
        for key in keys:
            self._keys.setdefault(key.domain, []).append(key)

    def __bool__(self) -> bool:
        return bool(self._keys)

    def for_domain(self, domain: str) -> tuple[SigningKey, ...]:
        """All keys of `domain`, else of the nearest domain it lies within; none if we have none of either."""
        while domain:
            if domain in self._keys:
                return tuple(self._keys[domain])
            domain = domain.partition(".")[2]
        return ()


def aligned(signer: str, author: str) -> Alignment:
    """How d= agrees with the From domain, both in lower case.

    Two domains of one organisation neither of which lies within the other are not recognised: that would need the
    public suffix list, and `Keyring` never chooses such a key.
    """
    if signer == author:
        return Alignment.STRICT
    is_within = author.endswith(f".{signer}") or signer.endswith(f".{author}")
    return Alignment.RELAXED if is_within else Alignment.NONE


def author_domains(content: bytes) -> tuple[str, ...]:
    """The domains in the From fields of a message, each once, as DNS has them; for choosing a key. Never raises."""
    found: dict[str, None] = {}
    for field in header_fields(content):
        if field.key == "from":
            for author in parse_addresses(field.value(content)):
                domain = author.address.rpartition("@")[2].rstrip(".").lower()
                if domain and "@" in author.address:
                    found.setdefault(_as_dns_has_it(domain))
    return tuple(found)


def _as_dns_has_it(domain: str) -> str:
    if not domain.isascii() and len(domain) <= 255:
        with contextlib.suppress(UnicodeError):
            return domain.encode("idna").decode("ascii").lower()
    return domain
