"""The archive's methods about people and the queue, in one SQLite file. See `queue_api.QueueWork`."""

from __future__ import annotations

from collections.abc import Sequence

from relay.archive import decisions, reading
from relay.archive.queue_api import Waiting
from relay.archive.sqlite_access import SqliteAccess
from relay.model.event import Event
from relay.model.switch import Switches


class SqliteQueue(SqliteAccess):
    async def change_waiting(self, changes: Sequence[Waiting], events: Sequence[Event]) -> list[str]:
        def tell(decided: decisions.Decided) -> None:
            is_due = any(change.delivery.due_at is not None for change in changes)
            self._tell(list(decided.message_seqs.items()), "delivery", is_due=is_due)

        decided = await self._write(decisions.change_waiting, decisions.Decision(changes, events), tell)
        return decided.delivery_ids

    async def switches(self) -> Switches:
        async with self._reader() as connection:
            return Switches.of_json(await reading.setting(connection, decisions.SWITCHES))

    async def put_switches(self, switches: Switches, event: Event) -> None:
        await self._write(decisions.put_switches, (switches, event))
