"""Preferences and saved views: batch functions for the writer, and selects. See `api/view.py`."""

from __future__ import annotations

import json
import sqlite3
from typing import Any

from sqlalchemy import func, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from relay.archive import schema
from relay.archive.api.view import View
from relay.archive.insert import insert

_preference, _view = schema.preference.c, schema.saved_view.c
_VIEW_COLUMNS = ("id", "owner", "name", "is_shared", "query", "sort", "mode", "columns")
_PUT_PREFERENCE = insert(
    "preference", ("user", "key", "value"), conflict="ON CONFLICT (user, key) DO UPDATE SET value = excluded.value"
)
_PUT_VIEW = insert(
    "saved_view",
    _VIEW_COLUMNS,
    conflict="ON CONFLICT (id) DO UPDATE SET "
    + ", ".join(f'"{name}" = excluded."{name}"' for name in _VIEW_COLUMNS if name != "id"),
)


def put_preferences(database: sqlite3.Connection, puts: list[tuple[str, str, Any]]) -> list[None]:
    for user, key, value in puts:
        if value is None:
            database.execute("DELETE FROM preference WHERE user = ? AND key = ?", (user, key))
        else:
            database.execute(_PUT_PREFERENCE, (user, key, json.dumps(value)))
    return [None] * len(puts)


def put_views(database: sqlite3.Connection, views: list[View]) -> list[None]:
    for view in views:
        columns = None if view.columns is None else json.dumps(view.columns)
        row = (view.id, view.owner, view.name, view.is_shared, view.query, view.sort, view.mode, columns)
        database.execute(_PUT_VIEW, row)
    return [None] * len(views)


def remove_views(database: sqlite3.Connection, ids: list[str]) -> list[None]:
    database.executemany("DELETE FROM saved_view WHERE id = ?", [(view_id,) for view_id in ids])
    return [None] * len(ids)


async def preferences(connection: AsyncConnection, user: str) -> dict[str, Any]:
    rows = await connection.execute(select(_preference.key, _preference.value).where(_preference.user == user))
    return {key: json.loads(value) for key, value in rows}


async def views(connection: AsyncConnection, user: str) -> list[View]:
    statement = (
        select(*(_view[name] for name in _VIEW_COLUMNS))
        .where(or_(_view.owner == user, _view.is_shared == 1))
        .order_by(func.lower(_view.name), _view.id)
    )
    return [_view_of(row) for row in await connection.execute(statement)]


def _view_of(row: Any) -> View:
    *fields, columns = row
    view_id, owner, name, is_shared, query, sort, mode = fields
    chosen = None if columns is None else tuple(json.loads(columns))
    return View(view_id, owner, name, bool(is_shared), query, sort, mode, chosen)
