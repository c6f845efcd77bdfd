"""An archive whose writes fail when a test says so: before they happened, or after, when only the answer is lost."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from relay.archive.api import Archive, ArchiveError, ArchiveUnavailable


class FailingArchive:
    """Hands everything to the real archive. `failures`: method name -> how its next calls go.

    `lost`: nothing is written and ArchiveUnavailable raised; `done`: it is written, and then the same is raised;
    `broken`: nothing is written and ArchiveError raised, which is not temporary.
    Used up, a method works again. `calls` counts.
    """

    def __init__(self, archive: Archive, failures: dict[str, list[str]]) -> None:
        self._archive = archive
        self._failures = failures
        self.calls: dict[str, int] = {}

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._archive, name)
        return self._failing(name, method) if name in self._failures else method

    def _failing(self, name: str, method: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
        async def call(*arguments: Any, **keywords: Any) -> Any:
            self.calls[name] = self.calls.get(name, 0) + 1
            how = self._failures[name].pop(0) if self._failures[name] else ""
            if how == "broken":
                raise ArchiveError(f"{name}: broken")
            if how == "lost":
                raise ArchiveUnavailable(f"{name}: lost")
            result = await method(*arguments, **keywords)
            if how == "done":
                raise ArchiveUnavailable(f"{name}: done, and the answer lost")
            return result

        return call
