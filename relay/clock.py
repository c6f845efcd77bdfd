"""The real clock and the real source of ids. Given to the other parts as functions; none of them imports this.

Only the service and the commands, which start everything, do.
"""

from __future__ import annotations

import base64
import secrets
import time

from ulid import ULID


def now() -> int:
    """UTC microseconds."""
    return time.time_ns() // 1000


def new_id() -> str:
    """A ULID."""
    return str(ULID())


def new_return_token() -> str:
    """26 lower-case letters and digits with 128 bits that nobody can guess: part of an address, whatever its case."""
    return base64.b32encode(secrets.token_bytes(16)).decode("ascii").rstrip("=").lower()


def new_token() -> str:
    """22 URL-safe characters with 128 bits that nobody can guess."""
    return secrets.token_urlsafe(16)
