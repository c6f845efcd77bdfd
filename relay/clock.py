"""The real clock and the real source of ids. Given to the other parts as functions; none of them imports this.

Only the service and the commands, which start everything, do.
"""

from __future__ import annotations

import time

from ulid import ULID


def now() -> int:
    """UTC microseconds."""
    return time.time_ns() // 1000


def new_id() -> str:
    """A ULID."""
    return str(ULID())
