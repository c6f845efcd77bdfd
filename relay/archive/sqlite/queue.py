"""The archive's methods about people and the queue, in one SQLite file. See `api.queue.QueueWork`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from relay.archive import claiming, decisions, reading
from relay.archive.api.queue import ALL_LANES, Lanes, Waiting
from relay.archive.sqlite.access import SqliteAccess
from relay.model.delivery import Claim, Delivery
from relay.model.event import Event
from relay.model.switch import Switches


class SqliteQueue(SqliteAccess):
    async def claim(
        self,
        owner: str,
        now: int,
        lease_until: int,
        limit: int,
        lanes: Lanes = ALL_LANES,
        *,
        only_expired: bool = False,
    ) -> list[Claim]:
        wanted = claiming.Claiming(owner, now, lease_until, limit, lanes, only_expired)
        return await self._write(claiming.claim, wanted, is_mail=True)

    async def park(self, deliveries: Sequence[Delivery]) -> None:
        await self._write(claiming.park, deliveries, is_mail=True)

    async def next_due(self, lanes: Lanes = ALL_LANES) -> int | None:
        async with self._reader() as connection:
            heads: list[Any] = list(await connection.exec_driver_sql(claiming.HEADS))
            return claiming.next_due(heads, lanes)

    async def is_any_expired(self, now: int) -> bool:
        async with self._reader() as connection:
            return await reading.is_any_expired(connection, now)

    async def forget_lanes(self) -> None:
        await self._write(claiming.forget_lanes, None)

    async def change_waiting(self, changes: Sequence[Waiting], events: Sequence[Event]) -> list[str]:
        def tell(decided: decisions.Decided) -> None:
            is_due = any(change.delivery.due_at is not None for change in changes)
            self._tell(list(decided.message_seqs.items()), "delivery", is_due=is_due)

        decided = await self._write(decisions.change_waiting, decisions.Decision(changes, events), tell)
        return decided.delivery_ids

    async def switches(self) -> Switches:
        return Switches.of_json(await self._setting(decisions.SWITCHES))

    async def put_switches(self, switches: Switches, event: Event, before: Switches) -> bool:
        return await self._write(decisions.put_switches, decisions.Turning(switches, event, before))

    async def change_setting(self, key: str, before: Any, after: Any, events: Sequence[Event]) -> bool:
        return await self._write(decisions.change_settings, decisions.SettingChange(key, before, after, events))
