"""One thing that is wrong in the configuration, and questions that several rules ask. Pure."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from pydantic import BaseModel

from relay.config.expectation import Location


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong: where, and what was given and expected."""

    location: Location
    text: str


def is_loopback(host: str) -> bool:
    """Whether the name or address can only be reached from this machine."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def reason(error: Exception) -> str:
    """Why a file cannot be used, in the system's words."""
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return str(error) or type(error).__name__


def is_given(table: BaseModel, key: str) -> bool:
    """Whether the secret is there, or a file for it: what is wrong with the file is another problem."""
    return bool(getattr(table, key).get_secret_value() or getattr(table, f"{key}_file"))


def twice(here: Location, key: str, values: Iterable[str]) -> Iterator[Problem]:
    """Each later one of two equal values; empty ones are no values."""
    seen: set[str] = set()
    for n, value in enumerate(values):
        if value and value in seen:
            yield Problem((*here, n, key), f"{value!r} is used twice, expected a {key} of its own")
        seen.add(value)
