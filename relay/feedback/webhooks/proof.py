"""Ways in which a request proves where it is from: signatures, shared secrets, signed times. Pure.

All secrets are compared in constant time; an empty secret proves nothing. RFC 7617, RFC 6750.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_der_public_key

from relay.config import WebhookSource
from relay.feedback.webhooks.provider import UNAUTHENTICATED, Refusal, Request, Verdict, Verified
from relay.model.delivery import MICROSECONDS
from relay.model.event import Grade

_SECONDS = re.compile(r"[0-9]{1,11}")


def is_fresh(signed_at: str, now: int, window: int, *, late: int = 0) -> bool:
    """Whether the time (whole seconds since 1970, as text) is within `window` seconds of now; `late` more if past."""
    if _SECONDS.fullmatch(signed_at) is None:
        return False
    age = now // MICROSECONDS - int(signed_at)
    return -window <= age <= window + late


def hmac_sha256(key: bytes, message: bytes) -> bytes:
    return hmac.new(key, message, hashlib.sha256).digest()


def is_same(one: bytes | str, other: bytes | str) -> bool:
    """In constant time."""
    first, second = (value.encode("utf-8", "replace") if isinstance(value, str) else value for value in (one, other))
    return hmac.compare_digest(first, second)


def decoded(text: str) -> bytes | None:
    """The octets of base64, None if it is none."""
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None


def is_signed_by(public_key: str, signature: bytes, message: bytes) -> bool:
    """ECDSA over P-256 with SHA-256; `public_key`: SubjectPublicKeyInfo as base64, PEM lines around it or not."""
    bare = "".join(re.sub(r"-----[A-Z ]+-----", "", public_key).split())
    try:
        key = load_der_public_key(decoded(bare) or b"")
    except (ValueError, UnsupportedAlgorithm):
        return False
    if not isinstance(key, ec.EllipticCurvePublicKey) or not isinstance(key.curve, ec.SECP256R1):
        return False
    try:
        key.verify(signature, message, ec.ECDSA(SHA256()))
    except InvalidSignature:
        return False
    return True


def has_password(request: Request, table: WebhookSource) -> bool:
    """Whether HTTP basic authentication names the table's user and password."""
    scheme, _, rest = request.headers.get("Authorization", "").partition(" ")
    password = table.password.get_secret_value()
    if scheme.lower() != "basic" or not password:
        return False
    given = decoded(rest.strip())
    return given is not None and is_same(given, f"{table.username}:{password}".encode())


def has_bearer(request: Request, table: WebhookSource) -> bool:
    """Whether the token of the Authorization field is the table's key."""
    scheme, _, rest = request.headers.get("Authorization", "").partition(" ")
    key = table.key.get_secret_value()
    return scheme.lower() == "bearer" and bool(key) and is_same(rest.strip(), key)


def shared_secret(request: Request, table: WebhookSource) -> Verdict:
    """For providers that sign nothing: the password if there is one, else the address it came from (the listener has
    compared that)."""
    password, key = table.password.get_secret_value(), table.key.get_secret_value()
    if has_password(request, table):
        return Verified(Grade.UNSIGNED, "user name and password are right")
    if has_bearer(request, table):
        return Verified(Grade.UNSIGNED, "the bearer token is right")
    if not password and not key and table.allow_from:
        return Verified(Grade.UNSIGNED, "it came from an address on the list")
    return Refusal(401, UNAUTHENTICATED, "user name and password are missing or wrong")
