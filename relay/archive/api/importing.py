"""The archive's contract about mail that is imported: many messages at a time, each once. See `api.Archive`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol


class Imports(Protocol):
    async def known_messages(self, ids: Sequence[str]) -> list[str]:
        """Those of the ids that there are messages of, also such whose content was deleted."""

    async def add_imported(self, captures: Sequence[Any]) -> int:
        """Keeps these messages (`Capture`), which nobody sends; returns how many were not there. Repeatable."""

    async def add_spooled(self, name: str) -> int:
        """The same, of a file in the archive's folder that `spool.write_spool` made. Raises ArchiveError: no such."""
