"""Saved views and mailings, for programs: what the pages `viewer/pages/views.py` and `mailings.py` show."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from aiohttp import web

from relay.archive.api.view import Mailing, View
from relay.archive.query import parse_query
from relay.model.access import Permission
from viewer.api.parameters import json_object, number, query_of, query_text
from viewer.api.shape import time
from viewer.errors import FieldError
from viewer.grid.columns import COLUMNS
from viewer.grid.place import ROWS, parse_sort, sort_value
from viewer.grid.saved_views import LONGEST_NAME, changeable, check_room
from viewer.keys import CLOCK, ID, NEW_ID
from viewer.security import archive_of, require, signed_in_user

routes = web.RouteTableDef()

NAMES = frozenset({"name", "q", "sort", "rows", "columns", "shared"})


@routes.get("/api/views")
async def show_all(request: web.Request) -> web.Response:
    person = require(request, Permission.READ)
    return web.json_response({"views": [_view(one) for one in await archive_of(request).views(person.name)]})


@routes.post("/api/views")
async def add(request: web.Request) -> web.Response:
    person = require(request, Permission.READ)
    asked = await json_object(request, NAMES)
    await check_room(request)
    view = _filled(request, View(request.app[NEW_ID](), person.name, "", False, "", "", "", None), asked)
    await archive_of(request).put_view(view)
    return web.json_response(_view(view), status=201)


@routes.put(f"/api/views/{ID}")
async def change(request: web.Request) -> web.Response:
    """What is not given stays."""
    view = await changeable(request, request.match_info["id"])
    view = _filled(request, view, await json_object(request, NAMES))
    await archive_of(request).put_view(view)
    return web.json_response(_view(view))


@routes.delete(f"/api/views/{ID}")
async def remove(request: web.Request) -> web.Response:
    view = await changeable(request, request.match_info["id"])
    await archive_of(request).remove_view(view.id)
    return web.json_response(_view(view))


@routes.get("/api/mailings")
async def mailings(request: web.Request) -> web.Response:
    require(request, Permission.READ)
    query, limit = query_of(request), number(request, "limit", 50, 1, 200)
    try:
        page = await archive_of(request).mailings(query, cursor=request.query.get("cursor"), limit=limit)
    except ValueError:
        raise FieldError("cursor", "was not given by this listing") from None
    return web.json_response({"mailings": [_mailing(one) for one in page.rows], "next": page.next})


def _filled(request: web.Request, view: View, asked: dict[str, Any]) -> View:
    """The view with what was asked for. Raises FieldError and QuerySyntaxError."""
    given = {"name": view.name, "q": view.query, "sort": view.sort, "rows": view.mode} | asked
    for field in ("name", "q", "sort", "rows"):
        if not isinstance(given[field], str):
            raise FieldError(field, "must be a text")
    name = " ".join(given["name"].split())
    if not 1 <= len(name) <= LONGEST_NAME or not name.isprintable():
        raise FieldError("name", f"must have 1 to {LONGEST_NAME} characters")
    if given["rows"] not in ROWS:
        raise FieldError("rows", f"must be one of {', '.join(map(repr, ROWS))}")
    sort = sort_value(parse_sort(given["sort"]))
    if given["sort"] not in ("", "-date", sort):
        raise FieldError("sort", "must be a column that can be sorted, with - before it for the other direction")
    parse_query(query_text(given["q"]), now=request.app[CLOCK]())
    shared, columns = asked.get("shared", view.is_shared), asked.get("columns", view.columns)
    if not isinstance(shared, bool):
        raise FieldError("shared", "must be true or false")
    if shared and not signed_in_user(request).may(Permission.TAG):
        raise FieldError("shared", "your role does not share views")
    if columns is not None and (not isinstance(columns, list | tuple) or not all(one in COLUMNS for one in columns)):
        raise FieldError("columns", f"must be a list of {', '.join(COLUMNS)}, or null")
    chosen = tuple(dict.fromkeys(columns)) if columns else None
    return replace(
        view, name=name, is_shared=shared, query=given["q"].strip(), sort=sort, mode=given["rows"], columns=chosen
    )


def _view(view: View) -> dict[str, Any]:
    return {
        "id": view.id,
        "name": view.name,
        "owner": view.owner,
        "shared": view.is_shared,
        "q": view.query,
        "sort": view.sort,
        "rows": view.mode,
        "columns": list(view.columns) if view.columns is not None else None,
    }


def _mailing(mailing: Mailing) -> dict[str, Any]:
    states = mailing.states or mailing.newest.states
    return {
        "id": mailing.id,
        "name": mailing.name,
        "source": mailing.source,
        "application": mailing.application,
        "messages": mailing.messages,
        "is_exact": mailing.is_exact,
        "states": {state.value: count for state, count in states.items()},
        "newest": {"id": mailing.newest.id, "received_at": time(mailing.newest.received_at)},
    }
