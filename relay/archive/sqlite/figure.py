"""The archive's methods about figures, in one SQLite file. See `api.figure.Figures`."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, TypeVar

from sqlalchemy.ext.asyncio import AsyncConnection

from relay.archive import figure, figure_losses, figure_reading, figure_sendings
from relay.archive.api.figure import Loss, LossChoice, SendingPage, SentTo
from relay.archive.query import Query
from relay.archive.sqlite.access import SqliteAccess
from relay.model.access import EVERYTHING, Scope
from relay.model.figure import FigureChoice, FigureSheet

REMEMBERED_FROM = 62
"""Days from which on an answer is remembered: it is long in the making, and a moment changes little of it."""
REMEMBERED_FOR = 60.0
"""Seconds."""
MOST_REMEMBERED = 200

Choice = FigureChoice | LossChoice
Answer = TypeVar("Answer")


class SqliteFigures(SqliteAccess):
    async def _remembered(self, choice: Choice, ask: Callable[[AsyncConnection], Awaitable[Answer]]) -> Answer:
        """The answer about a long time may be a minute old; it is of this choice and scope and no other."""
        is_long = choice.stop - choice.first >= REMEMBERED_FROM
        answers: OrderedDict[Choice, tuple[float, Any]] = self.__dict__.setdefault("_answers", OrderedDict())
        now = asyncio.get_running_loop().time()
        known = answers.get(choice) if is_long else None
        if known is not None and now - known[0] < REMEMBERED_FOR:
            found: Answer = known[1]
            return found
        async with self._reader() as connection:
            found = await ask(connection)
        if is_long:
            answers[choice] = (now, found)
            if len(answers) > MOST_REMEMBERED:
                answers.popitem(last=False)
        return found

    async def figures(self, choice: FigureChoice) -> FigureSheet:
        return await self._remembered(choice, lambda connection: figure_reading.figures(connection, choice))

    async def figures_of(self, query: Query, choice: FigureChoice) -> FigureSheet:
        async with self._reader() as connection:
            return await figure_reading.figures_of(connection, query, choice)

    async def losses(self, choice: LossChoice) -> list[Loss]:
        return await self._remembered(choice, lambda connection: figure_losses.losses(connection, choice))

    async def lost_recipients(self, choice: LossChoice, limit: int) -> list[tuple[str, Loss]]:
        async with self._reader() as connection:
            return await figure_losses.lost_recipients(connection, choice, limit)

    async def sendings_to(
        self, address: str, *, scope: Scope = EVERYTHING, cursor: str | None = None, limit: int = 50
    ) -> SendingPage:
        async with self._reader() as connection:
            return await figure_sendings.page(connection, address, scope, cursor, limit)

    async def sums_to(self, address: str, *, scope: Scope = EVERYTHING) -> SentTo:
        async with self._reader() as connection:
            return await figure_sendings.sums(connection, address, scope)

    async def look_for_changes(self, limit: int) -> bool:
        async with self._reader() as connection:
            changes, has_more = await figure_reading.changes(connection, limit)
        if changes is not None:
            await self._write(figure.note_changes, changes, is_patient=True)
        return has_more

    async def days_to_count(self) -> Sequence[int]:
        async with self._reader() as connection:
            return await figure_reading.days_to_count(connection)

    async def count_day(self, day: int) -> None:
        async with self._reader() as connection:
            counted = await figure_reading.counted(connection, day)
        if counted is not None:
            await self._write(figure.keep_days, counted, is_patient=True)
