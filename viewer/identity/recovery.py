"""Recovery codes: ten, each good for one sign-in without app or passkey. Only their SHA-256 is kept.

80 bits each: too many to be tried, so that a slow hash would add nothing.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable

COUNT = 10
_SIZE = 10
"""Octets of a code: 16 characters of base32."""


def new_codes(new_secret: Callable[[], str]) -> tuple[str, ...]:
    """Ten codes as `k3tz-7qpa-mm2c-x5vd`."""
    return tuple(_written(hashlib.sha256(new_secret().encode()).digest()[:_SIZE]) for _ in range(COUNT))


def _written(octets: bytes) -> str:
    text = base64.b32encode(octets).decode().lower()
    return "-".join(text[at : at + 4] for at in range(0, len(text), 4))


def digest(given: str) -> bytes:
    """What is kept of a code, however it was typed: capitals, hyphens and spaces do not matter."""
    typed = "".join(given.split()).replace("-", "").lower()
    return hashlib.sha256(typed.encode("utf-8", "replace")).digest()
