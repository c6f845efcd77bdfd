"""The real clock and the real source of ids. Given to the other parts as functions; none of them imports this.

Only the service and the commands, which start everything, do.
"""

from __future__ import annotations

import secrets
import time

from ulid import ULID


def now() -> int:
    """UTC microseconds."""
    return time.time_ns() // 1000


def new_id() -> str:
    """A ULID."""
    return str(ULID())


def new_token() -> str:
    """22 URL-safe characters with 128 bits that nobody can guess."""
    return secrets.token_urlsafe(16)
