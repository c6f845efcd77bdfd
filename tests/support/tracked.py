"""What tests of tracking share: the address of tracking links, and tokens in order."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count

BASE = "https://t.example.org"


def tokens(prefix: str = "tok") -> Callable[[], str]:
    """A source of tokens of the length that real ones have."""
    numbers = count(1)
    return lambda: f"{prefix}{next(numbers):0{22 - len(prefix)}}"
