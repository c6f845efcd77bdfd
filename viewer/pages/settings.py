"""The settings pages: every key with its origin, and the references that are looked for in messages."""

from __future__ import annotations

from itertools import groupby
from typing import Any

import aiohttp_jinja2
from aiohttp import web

from relay.model.access import Permission
from relay.rendition.references import ReferencePattern, find_references
from viewer import settings
from viewer.errors import FieldError
from viewer.flash import flash
from viewer.keys import CONFIG
from viewer.message.parsing import in_thread
from viewer.security import require
from viewer.translation import say

routes = web.RouteTableDef()
FIELDS = ("name", "pattern", "link")
PLACES = ("subject", "headers", "body")
MOST_SAMPLE = 20_000


@routes.get("/settings")
async def show(request: web.Request) -> web.Response:
    require(request, Permission.ADMINISTER)
    only_given = request.query.get("all") != "1"
    found = await settings.entries(request)
    shown = [entry for entry in found if entry.origin or not only_given]
    tables = [(name, list(rows)) for name, rows in groupby(shown, key=lambda entry: entry.table)]
    context = {"tables": tables, "only_given": only_given, "count": len(found), "here": settings.HERE}
    return aiohttp_jinja2.render_template("settings.html", request, context)


@routes.get("/settings/references")
async def references(request: web.Request) -> web.Response:
    require(request, Permission.ADMINISTER)
    chosen = request.query.get("name", "")
    entry = next((one for one in request.app[CONFIG].reference if one.name == chosen), None)
    given = {"name": entry.name, "pattern": entry.pattern, "link": entry.link} if entry else {}
    return await _references(request, given, entry.where if entry else ("subject", "body"))


@routes.post("/settings/references")
async def save_reference(request: web.Request) -> web.Response:
    """Tries the pattern on the sample (`try`), or keeps it."""
    require(request, Permission.ADMINISTER)
    form = await request.post()
    given = {name: str(form.get(name, "")).strip() for name in FIELDS}
    where = tuple(place for place in PLACES if place in form.getall("where", []))
    sample = str(form.get("sample", ""))[:MOST_SAMPLE]
    values = {**given, "where": list(where) or None, "syntax": "re2"}
    try:
        settings.checked("reference", values)
        found = await in_thread(request, lambda: _tried(given["name"], given["pattern"], sample)) if sample else None
        if "try" in form:
            return await _references(request, given, where, sample=sample, found=found)
        await settings.put_named(request, "reference", values)
    except FieldError as error:
        problem = f"{error.field}: {error.message}."
        return await _references(request, given, where, sample=sample, problem=problem)
    flash(request, say("Saved. It is looked for in messages that come from now on."))
    raise web.HTTPSeeOther("/settings/references")


def _tried(name: str, pattern: str, sample: str) -> list[str]:
    """The codes that the pattern finds in the sample, as it would in a body."""
    one = ReferencePattern(name, pattern, ("body",), "", True)
    return [reference.code for reference in find_references([one], {"body": sample})]


@routes.post("/settings/references/remove")
async def remove_reference(request: web.Request) -> web.Response:
    require(request, Permission.ADMINISTER)
    name = str((await request.post()).get("name", ""))
    if await settings.remove_named(request, "reference", name):
        flash(request, say("Removed. Codes that were found stay with their messages."))
    raise web.HTTPSeeOther("/settings/references")


async def _references(
    request: web.Request,
    given: dict[str, str],
    where: tuple[str, ...],
    *,
    sample: str = "",
    found: list[str] | None = None,
    problem: str = "",
) -> web.Response:
    context: dict[str, Any] = {
        "references": request.app[CONFIG].reference,
        "locked": settings.names_in_file(request, "reference"),
        "given": {name: given.get(name, "") for name in FIELDS},
        "where": where,
        "places": PLACES,
        "sample": sample,
        "found": found,
        "problem": problem,
    }
    return aiohttp_jinja2.render_template("references.html", request, context, status=400 if problem else 200)
