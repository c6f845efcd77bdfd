"""Contents that were just kept: the courier and the indexer want them a moment later, and need not ask the disk.

A bounded memory of compressed frames, oldest dropped first. Only what is committed gets in; who reads still compares
the hash.
"""

from __future__ import annotations

from collections.abc import Sequence

ROOM = 16 * 1024 * 1024
"""Octets of frames that are remembered."""
LARGEST = 256 * 1024
"""Octets of frames of one content; a larger one would push too many others out."""


class Recent:
    """By id of the message: its SHA-256 and frames."""

    def __init__(self, room: int = ROOM) -> None:
        self._room = room
        self._used = 0
        self._kept: dict[str, tuple[bytes, Sequence[bytes]]] = {}

    def remember(self, message_id: str, sha256: bytes, frames: Sequence[bytes]) -> None:
        size = sum(map(len, frames))
        if size > LARGEST or message_id in self._kept:
            return
        self._kept[message_id] = sha256, frames
        self._used += size
        while self._used > self._room:
            _, dropped = self._kept.pop(next(iter(self._kept)))
            self._used -= sum(map(len, dropped))

    def find(self, message_id: str) -> tuple[bytes, list[bytes]] | None:
        found = self._kept.get(message_id)
        return (found[0], list(found[1])) if found else None

    def forget(self, message_id: str) -> None:
        """What was deleted is not remembered either."""
        _, dropped = self._kept.pop(message_id, (b"", ()))
        self._used -= sum(map(len, dropped))
