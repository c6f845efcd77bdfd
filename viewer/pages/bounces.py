"""The bounce desk's page, and the way from one of its lines to the suppression list, over a page that asks."""

from __future__ import annotations

from typing import Any

import aiohttp_jinja2
from aiohttp import web

from relay.model.access import Permission
from viewer.errors import FieldError
from viewer.figures.asked import asked, text
from viewer.figures.bounces import CLASSES, MOST_SUPPRESSED, Kind, addresses, bounces, class_word
from viewer.figures.suppressing import suppress
from viewer.flash import flash
from viewer.pages.reports import page_of
from viewer.security import require
from viewer.translation import say, say_n
from viewer.work import suppressions

routes = web.RouteTableDef()

SHOWN = 10
"""Addresses that are named before they are put on the list."""


@routes.get("/reports/bounces")
async def show(request: web.Request) -> web.Response:
    require(request, Permission.READ)
    report = await bounces(asked(request), text(request.query, "domain"))
    context = page_of(request, report) | {"domain": text(request.query, "domain")}
    return aiohttp_jinja2.render_template("report_bounces.html", request, context)


@routes.post("/reports/bounces/suppress")
async def ask(request: web.Request) -> web.Response:
    """Names how many, and who first; nothing is changed."""
    require(request, Permission.SUPPRESS)
    kind = await kind_of_form(request)
    found = await addresses(asked(request), kind)
    if not found:
        flash(request, say("Nobody is left of that line."), "note")
        raise web.HTTPSeeOther(f"/reports/bounces?{request.query_string}")
    context: dict[str, Any] = {
        "kind": kind,
        "word": class_word(kind.bounce),
        "count": len(found),
        "first": found[:SHOWN],
        "is_cut": len(found) == MOST_SUPPRESSED,
        "applications": sorted(await suppressions.applications(request)),
        "back": f"/reports/bounces?{request.query_string}",
        "target": f"/reports/bounces/suppress/do?{request.query_string}",
    }
    return aiohttp_jinja2.render_template("bounces_suppress.html", request, context)


@routes.post("/reports/bounces/suppress/do")
async def do(request: web.Request) -> web.Response:
    require(request, Permission.SUPPRESS)
    kind = await kind_of_form(request)
    whose = str((await request.post()).get("whose", ""))
    count = await suppress(request, asked(request), kind, whose)
    flash(request, say_n("%(num)s address is sent to no more.", "%(num)s addresses are sent to no more.", count))
    raise web.HTTPSeeOther(f"/reports/bounces?{request.query_string}")


async def kind_of_form(request: web.Request) -> Kind:
    """The line that a form names. Raises FieldError."""
    form = await request.post()
    given = {name: str(form.get(name, ""))[:1000] for name in ("domain", "class", "reason")}
    if given["class"] not in CLASSES:
        raise FieldError("class", say("must be one of %(names)s", names=", ".join(CLASSES)))
    return Kind(given["domain"], given["class"], given["reason"], "")
