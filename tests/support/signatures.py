"""Keys that are made once for all tests, the DNS that publishes them, and what dkimpy says of a signed message."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from functools import cache

import dkim
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from relay.rendition.keyrecord import record_strings
from relay.rendition.keyring import SigningKey, signing_key

DOMAIN = "example.com"
NOW = int(time.time())
"""dkimpy reads the real clock: it refuses a t= that lies in the future."""


@cache
def rsa_key(domain: str = DOMAIN, selector: str = "r1") -> SigningKey:
    return signing_key(rsa.generate_private_key(65537, 2048), domain, selector)


@cache
def ed25519_key(domain: str = DOMAIN, selector: str = "e1") -> SigningKey:
    return signing_key(Ed25519PrivateKey.generate(), domain, selector)


def pem(key: SigningKey, form: PrivateFormat = PrivateFormat.PKCS8) -> bytes:
    return key.private.private_bytes(Encoding.PEM, form, NoEncryption())


def published(*keys: SigningKey) -> dict[str, str]:
    """Name to TXT record, its strings joined."""
    return {key.record_name: "".join(record_strings(key)) for key in keys}


def dns_of(*keys: SigningKey) -> Callable[..., bytes | None]:
    """What dkimpy asks for records."""
    zone = published(*keys)

    def txt(name: bytes, timeout: int = 5) -> bytes | None:
        text = zone.get(name.decode().rstrip("."))
        return text.encode() if text else None

    return txt


def verdicts(message: bytes, keys: Sequence[SigningKey]) -> list[bool]:
    """What dkimpy says of as many DKIM-Signature fields as there are keys, from the top."""
    return [bool(dkim.DKIM(message).verify(n, dnsfunc=dns_of(*keys))) for n in range(len(keys))]
