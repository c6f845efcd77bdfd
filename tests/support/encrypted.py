"""Master keys for tests, and how an archive is opened with them."""

from __future__ import annotations

from relay.archive.api.encryption import Encryption
from relay.archive.cipher import Ring

OLD = bytes(range(32))
NEW = bytes(range(1, 33))
OTHER = bytes(range(2, 34))


def encryption(*keys: bytes, is_on: bool = True, index_bodies: bool = True) -> Encryption:
    """With these keys, the first one current; without any, the one called OLD."""
    ring = Ring.of(keys or (OLD,))
    return Encryption(lambda: ring, is_on=is_on, index_bodies=index_bodies)
