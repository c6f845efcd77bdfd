"""A change: the replacement of octets in a decoded leaf, before it is mapped back to an edit of the content."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Change:
    """Octets [start, stop) of the decoded leaf become `replacement`, which is printable ASCII without line ends."""

    start: int
    stop: int
    replacement: bytes
    is_loose: bool = False
    """White space before and after it means nothing: it stands within a tag, or beside one."""


class Unfit(Exception):
    """The leaf cannot be changed so that every reader sees the same; its text says why, to be shown."""
