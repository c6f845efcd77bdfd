"""The archive's methods about preferences, saved views and other rows than messages. See `api.view.Views`."""

from __future__ import annotations

from typing import Any

from relay.archive import each_copy, mailings, search, views
from relay.archive.api import Sort
from relay.archive.api.view import CopyPage, Mailing, MailingPage, View
from relay.archive.query import Query
from relay.archive.sqlite.access import SqliteAccess


class SqliteViews(SqliteAccess):
    async def preferences(self, user: str) -> dict[str, Any]:
        return dict(await self._kept(("preferences", user), lambda reader: views.preferences(reader, user)))

    async def put_preference(self, user: str, key: str, value: Any) -> None:
        await self._write(views.put_preferences, (user, key, value))

    async def views(self, user: str) -> list[View]:
        return list(await self._kept(("views", user), lambda reader: views.views(reader, user)))

    async def put_view(self, view: View) -> None:
        await self._write(views.put_views, view)

    async def remove_view(self, view_id: str) -> None:
        await self._write(views.remove_views, view_id)

    async def mailings(self, query: Query, *, cursor: str | None = None, limit: int = 50) -> MailingPage:
        async with self._reader() as connection:
            return await mailings.page(connection, query, cursor, limit)

    async def mailing(self, mailing_id: int, query: Query) -> Mailing:
        async with self._reader() as connection:
            return await mailings.one(connection, mailing_id, query)

    async def copies(self, query: Query, *, cursor: str | None = None, limit: int = 50) -> CopyPage:
        async with self._reader() as connection:
            return await each_copy.page(connection, query, cursor, limit)

    async def place(self, query: Query, at: int) -> str:
        return search.encode(search.Cursor(True, at, 2**62), query, Sort())
