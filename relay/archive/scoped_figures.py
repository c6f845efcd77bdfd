"""Figures as someone with a scope sees them: of the messages within the scope and no others."""

from __future__ import annotations

from dataclasses import replace

from relay.archive.api.figure import Loss, LossChoice, SendingPage, SentTo
from relay.archive.query import Query
from relay.archive.scoped_suppression import ScopedSuppressions
from relay.model.access import EVERYTHING, Scope
from relay.model.figure import FigureChoice, FigureSheet


class ScopedFigures(ScopedSuppressions):
    async def figures(self, choice: FigureChoice) -> FigureSheet:
        return await self._archive.figures(replace(choice, scope=self._scope))

    async def figures_of(self, query: Query, choice: FigureChoice) -> FigureSheet:
        return await self._archive.figures_of(query, replace(choice, scope=self._scope))

    async def losses(self, choice: LossChoice) -> list[Loss]:
        return await self._archive.losses(replace(choice, scope=self._scope))

    async def lost_recipients(self, choice: LossChoice, limit: int) -> list[tuple[str, Loss]]:
        return await self._archive.lost_recipients(replace(choice, scope=self._scope), limit)

    async def sendings_to(
        self, address: str, *, scope: Scope = EVERYTHING, cursor: str | None = None, limit: int = 50
    ) -> SendingPage:
        return await self._archive.sendings_to(address, scope=self._scope, cursor=cursor, limit=limit)

    async def sums_to(self, address: str, *, scope: Scope = EVERYTHING) -> SentTo:
        return await self._archive.sums_to(address, scope=self._scope)
