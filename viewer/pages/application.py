"""The page of one application."""

from __future__ import annotations

import aiohttp_jinja2
from aiohttp import web

from relay.archive.query import And, Or, Query, Term
from relay.model.access import Permission
from viewer.figures.application import settings
from viewer.figures.catalogue import MAKE
from viewer.pages.reports import page_of
from viewer.security import archive_of, require

routes = web.RouteTableDef()
FAILURES = 8


@routes.get("/applications/{name:[^/{}]{1,100}}")
async def show(request: web.Request) -> web.Response:
    require(request, Permission.READ)
    report = await MAKE["application"](request)
    name = request.match_info["name"]
    lost = Or(tuple(Term("status", state) for state in ("failed", "bounced", "dropped")))
    failures = await archive_of(request).search(Query(And((Term("application", name), lost))), limit=FAILURES)
    context = page_of(request, report) | {
        "failures": failures.rows,
        "settings": await settings(request, name),
        "name": name,
    }
    return aiohttp_jinja2.render_template("application.html", request, context)
