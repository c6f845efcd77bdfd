"""The archive's methods about figures, in one SQLite file. See `figure_api.Figures`."""

from __future__ import annotations

from collections.abc import Sequence

from relay.archive import figure, figure_losses, figure_reading, figure_sendings
from relay.archive.figure_api import Loss, LossChoice, SendingPage, SentTo
from relay.archive.query import Query
from relay.archive.sqlite_access import SqliteAccess
from relay.model.access import EVERYTHING, Scope
from relay.model.figure import FigureChoice, FigureSheet


class SqliteFigures(SqliteAccess):
    async def figures(self, choice: FigureChoice) -> FigureSheet:
        async with self._reader() as connection:
            return await figure_reading.figures(connection, choice)

    async def figures_of(self, query: Query, choice: FigureChoice) -> FigureSheet:
        async with self._reader() as connection:
            return await figure_reading.figures_of(connection, query, choice)

    async def losses(self, choice: LossChoice) -> list[Loss]:
        async with self._reader() as connection:
            return await figure_losses.losses(connection, choice)

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
