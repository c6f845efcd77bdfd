"""The archive's methods about notifications, in one SQLite file. See `api.notification.Notifications`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from relay.archive import notification, notification_reading
from relay.archive.api.notification import Due, EndpointState, Fact, NotificationPage, Outcome, Replay
from relay.archive.sqlite.access import SqliteAccess
from relay.model.event import Event
from relay.model.notification import Notification, Standing


class SqliteNotification(SqliteAccess):
    async def use_endpoints(self, endpoints: Mapping[str, str]) -> None:
        await self._write(notification.use_endpoints, endpoints)

    async def endpoints(self) -> list[EndpointState]:
        async with self._reader() as connection:
            return await notification_reading.endpoints(connection)

    async def cursors(self) -> dict[str, int]:
        async with self._reader() as connection:
            return await notification_reading.cursors(connection)

    async def facts(self, after: int, limit: int) -> list[Fact]:
        async with self._reader() as connection:
            return await notification_reading.facts(connection, after, limit)

    async def add_notifications(self, notifications: Sequence[Notification], cursors: Mapping[str, int]) -> None:
        await self._write(notification.add_notifications, notification.Addition(notifications, cursors))

    async def due_notifications(self, endpoint: str, now: int, limit: int) -> list[Due]:
        async with self._reader() as connection:
            return await notification_reading.due(connection, endpoint, now, limit)

    async def finish_notifications(self, outcomes: Sequence[Outcome]) -> None:
        await self._write(notification.finish_notifications, outcomes)

    async def notifications(
        self, endpoint: str, *, standing: Standing | None = None, cursor: str | None = None, limit: int = 50
    ) -> NotificationPage:
        async with self._reader() as connection:
            return await notification_reading.page(connection, endpoint, standing, cursor, limit)

    async def replay(self, wanted: Replay, now: int, event: Event) -> int:
        return await self._write(notification.replay, notification.Replaying(wanted, now, event))

    async def try_endpoint(self, notification_: Notification) -> None:
        await self._write(notification.try_endpoints, notification_)

    async def forget_notifications(self, before: int) -> None:
        await self._write(notification.forget_notifications, before)
