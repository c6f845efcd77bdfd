"""The suppression list as someone with a scope sees it: the entries of the applications that they see whole.

An entry for all applications is beyond any scope: it may come from anybody's mail. That it keeps an address from being
sent to is told where it matters, without the reason.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import replace

from relay.archive.api import Archive, NotFound, OutOfReach
from relay.archive.api.suppression import Selection, SuppressionPage, Unsubscribing
from relay.archive.scoping import applications_within
from relay.model.access import Scope
from relay.model.event import Event
from relay.model.suppression import Suppressed


class ScopedSuppressions:
    def __init__(self, archive: Archive, scope: Scope) -> None:
        self._archive = archive
        self._scope = scope

    def _selected(self, selection: Selection) -> Selection:
        names = applications_within(self._scope)
        wanted = names if selection.applications is None else tuple(set(names) & set(selection.applications))
        return replace(selection, applications=wanted)

    async def suppressions(
        self, selection: Selection, *, cursor: str | None = None, limit: int = 50
    ) -> SuppressionPage:
        return await self._archive.suppressions(self._selected(selection), cursor=cursor, limit=limit)

    async def count_suppressions(self, selection: Selection, *, at_most: int = 10_000) -> int:
        return await self._archive.count_suppressions(self._selected(selection), at_most=at_most)

    def all_suppressions(self, selection: Selection) -> AsyncIterator[Suppressed]:
        return self._archive.all_suppressions(self._selected(selection))

    async def suppression(self, entry_id: str) -> Suppressed:
        entry = await self._archive.suppression(entry_id)
        if entry.application not in applications_within(self._scope):
            raise NotFound(f"no entry {entry_id} on the suppression list")
        return entry

    async def suppressions_of(
        self, addresses: Sequence[str], application: str, now: int
    ) -> Mapping[str, tuple[Suppressed, ...]]:
        names = applications_within(self._scope)
        found = await self._archive.suppressions_of(addresses, application, now)
        return {
            address: tuple(
                entry
                if entry.application in names
                else replace(entry, reason="", message_id=None, delivery_id=None, created_by="relay")
                for entry in entries
            )
            for address, entries in found.items()
        }

    async def add_suppressions(self, entries: Sequence[Suppressed], at: int | None = None) -> int:
        names = applications_within(self._scope)
        if any(entry.application not in names for entry in entries):
            raise OutOfReach("You may keep addresses from your own applications' mail only; name one of them.")
        return await self._archive.add_suppressions(entries, at)

    async def remove_suppressions(self, entry_ids: Sequence[str], events: Sequence[Event]) -> None:
        for entry_id in entry_ids:
            await self.suppression(entry_id)
        await self._archive.remove_suppressions(entry_ids, events)

    async def unsubscribing(self, delivery_id: str, now: int) -> Unsubscribing:
        raise OutOfReach("This is for the recipient, who has the link.")
