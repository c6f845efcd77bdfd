"""The archive's methods about forgetting a person, in one SQLite file. See `api.erasure.Erasures`."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from relay.archive import erasure, forgetting, scrub
from relay.archive.api.erasure import ErasureStep, Mentions
from relay.archive.mentions import find
from relay.archive.sqlite.deletion import SqliteDeletions
from relay.archive.sqlite.hold import SqliteHolds
from relay.model.deletion import Outcome
from relay.model.erasure import Erasure, Standing
from relay.model.event import Event


class SqliteErasures(SqliteDeletions, SqliteHolds):
    async def mentions(self, address: str, now: int, told: Callable[[int, int], object] | None = None) -> Mentions:
        found = await self._ask(lambda connection: find(connection, address, now, self._vault, told))
        return Mentions(found.mentions, found.rows, found.accounts, found.holds, found.suppressed)

    async def ask_erasure(self, asked: Erasure, event: Event) -> bool:
        return await self._write(erasure.ask_erasures, erasure.Asking(asked, event))

    async def decide_erasure(self, erasure_id: str, standing: Standing, event: Event) -> bool:
        return await self._write(erasure.decide_erasures, (erasure_id, standing, event))

    async def erase_messages(self, step: ErasureStep) -> list[Outcome]:
        def tell(_: list[Outcome]) -> None:
            for order, _is_whole in step.orders:
                self._recent.forget(order.message_id)

        return await self._write(erasure.erase_messages, step, tell)

    async def erase_rows(self, erasure_id: str, rows: Sequence[tuple[str, int]], event: Event) -> None:
        await self._write(erasure.erase_rows, erasure.Rows(erasure_id, rows, event))

    async def end_erasure(
        self, erasure_id: str, event: Event, erased: int, kept: int, *, is_suppressed: bool = False
    ) -> None:
        await self._write(erasure.end_erasures, erasure.Ending(erasure_id, event, erased, kept, is_suppressed))
        if self._writer is not None:
            self._writer.empty_log()
        self.go_on_scrubbing()

    async def erase_facts(self, events: Sequence[Event]) -> list[Outcome]:
        return (await self._write(forgetting.erase_facts, list(events), self._tell_deleted)).outcomes

    async def late_facts(self, after: int) -> tuple[list[str], int]:
        return await self._ask(lambda connection: forgetting.late_facts(connection, after))

    async def erasure(self, erasure_id: str) -> Erasure:
        return await self._ask(lambda connection: erasure.erasure(connection, erasure_id))

    async def erasures(self, *, only_open: bool) -> list[Erasure]:
        return await self._ask(lambda connection: erasure.erasures(connection, only_open))

    async def settled(self) -> None:
        while await self._write(scrub.steps, None):
            pass
