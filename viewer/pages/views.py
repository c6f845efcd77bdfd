"""How a person looks at the grid: columns and their order and widths, saved views, the view to begin with."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import aiohttp_jinja2
from aiohttp import web
from multidict import MultiDictProxy

from relay.archive.api.view import View
from relay.archive.query import parse_query
from relay.model.access import Permission
from viewer.errors import FieldError
from viewer.flash import flash
from viewer.grid import columns
from viewer.grid.columns import ALWAYS, COLUMNS
from viewer.grid.place import place_of, sort_value
from viewer.grid.saved_views import LONGEST_NAME, changeable, check_room, may_change
from viewer.keys import CLOCK, ID, NEW_ID
from viewer.pages.grid import view_place
from viewer.security import archive_of, require, signed_in_user
from viewer.translation import say
from viewer.work.exports import wants_json

routes = web.RouteTableDef()


# -- columns ---------------------------------------------------------------------------------------------------------
@routes.get("/columns")
async def show_columns(request: web.Request) -> web.Response:
    person = require(request, Permission.READ)
    layout = columns.layout(await archive_of(request).preferences(person.name))
    order = [*layout.columns, *(name for name in COLUMNS if name not in layout.columns)]
    context = {
        "columns": [COLUMNS[name] for name in order],
        "layout": layout,
        "always": ALWAYS,
        "narrowest": columns.NARROWEST,
        "widest": columns.WIDEST,
    }
    return aiohttp_jinja2.render_template("columns.html", request, context)


@routes.post("/columns")
async def set_columns(request: web.Request) -> web.Response:
    """The whole form; or, by a script, `width.NAME` alone."""
    person = require(request, Permission.READ)
    form, archive = await request.post(), archive_of(request)
    preferences = await archive.preferences(person.name)
    if form.get("usual"):
        await archive.put_preference(person.name, "columns", None)
        await archive.put_preference(person.name, "widths", None)
        raise web.HTTPSeeOther("/columns")
    widths = dict(columns.layout(preferences).widths or {})
    for name in COLUMNS:
        if (given := form.get(f"width.{name}")) is not None:
            widths[name] = _width(name, str(given))
    await archive.put_preference(person.name, "widths", columns.sound_widths(widths) or None)
    if wants_json(request):
        return web.json_response({})
    ticked = [str(name) for name in form.getall("show", [])]
    order = sorted(COLUMNS, key=lambda name: _order(name, form))
    await archive.put_preference(person.name, "columns", list(columns.chosen([n for n in order if n in ticked])))
    flash(request, say("The list shows these columns now."))
    raise web.HTTPSeeOther("/?q=")


def _width(name: str, text: str) -> int:
    """0: the natural width. Raises FieldError."""
    text = text.strip()
    if not text:
        return 0
    if not (text.isascii() and text.isdigit() and len(text) < 6):
        raise FieldError(f"width.{name}", say("must be a width in pixels"))
    return int(text)


def _order(name: str, form: MultiDictProxy[Any]) -> int:
    text = str(form.get(f"order.{name}", "")).strip()
    if not (text.isascii() and text.isdigit() and len(text) < 4):
        raise FieldError(f"order.{name}", say("must be a whole number"))
    return int(text)


# -- saved views -----------------------------------------------------------------------------------------------------
@routes.get("/views")
async def show_views(request: web.Request) -> web.Response:
    person = require(request, Permission.READ)
    archive = archive_of(request)
    views = await archive.views(person.name)
    context = {
        "views": [(view, view_place(view), may_change(request, view)) for view in views],
        "usual": (await archive.preferences(person.name)).get("view", ""),
        "place": place_of(request.query),
        "may_share": person.may(Permission.TAG),
    }
    return aiohttp_jinja2.render_template("views.html", request, context)


@routes.post("/views")
async def add_view(request: web.Request) -> web.Response:
    """Saves the search of the page it was asked on."""
    person = require(request, Permission.READ)
    form, archive = await request.post(), archive_of(request)
    await check_room(request)
    view = _filled(request, View(request.app[NEW_ID](), person.name, "", False, "", "", "", None), form)
    await archive.put_view(view)
    if form.get("usual") == "1":
        await archive.put_preference(person.name, "view", view.id)
    flash(request, say("The view “%(name)s” is saved.", name=view.name))
    raise web.HTTPSeeOther(view_place(view).address)


@routes.post(f"/views/{ID}")
async def change_view(request: web.Request) -> web.Response:
    view = await changeable(request, request.match_info["id"])
    await archive_of(request).put_view(_filled(request, view, await request.post()))
    flash(request, say("The view was changed."))
    raise web.HTTPSeeOther("/views")


@routes.post(f"/views/{ID}/remove")
async def remove_view(request: web.Request) -> web.Response:
    view = await changeable(request, request.match_info["id"])
    await archive_of(request).remove_view(view.id)
    flash(request, say("The view “%(name)s” was removed.", name=view.name))
    raise web.HTTPSeeOther("/views")


@routes.post("/views/usual")
async def set_usual(request: web.Request) -> web.Response:
    """The view to begin with; '' for all messages."""
    person = require(request, Permission.READ)
    wanted = str((await request.post()).get("view", ""))
    archive = archive_of(request)
    if wanted and wanted not in {view.id for view in await archive.views(person.name)}:
        raise FieldError("view", say("must be one of your views"))
    await archive.put_preference(person.name, "view", wanted or None)
    raise web.HTTPSeeOther("/views")


def _filled(request: web.Request, view: View, form: MultiDictProxy[Any]) -> View:
    """The view with what the form says. Raises FieldError and QuerySyntaxError."""
    name = " ".join(str(form.get("name", view.name)).split())
    if not 1 <= len(name) <= LONGEST_NAME or not name.isprintable():
        raise FieldError("name", say("must have 1 to %(longest_name)s characters", longest_name=LONGEST_NAME))
    given = {key: str(form.get(key, old)) for key, old in _parameters(view).items()}
    place = place_of(given)
    parse_query(place.q, now=request.app[CLOCK]())
    is_shared = form.get("shared") == "1" and signed_in_user(request).may(Permission.TAG)
    named = columns.chosen(place.columns.split(",")) if place.columns else None
    sort, mode = sort_value(place.sort), place.rows
    return replace(view, name=name, is_shared=is_shared, query=place.q, sort=sort, mode=mode, columns=named)


def _parameters(view: View) -> dict[str, str]:
    return {"q": view.query, "sort": view.sort, "rows": view.mode, "columns": ",".join(view.columns or ())}
