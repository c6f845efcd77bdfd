"""The audit history: who looked at, exported, sent, deleted and changed what."""

from __future__ import annotations

from urllib.parse import urlencode

import aiohttp_jinja2
from aiohttp import web

from relay.model.access import Permission
from relay.model.event import Kind
from viewer import audit, present
from viewer.deeds import GROUPS, sentence
from viewer.errors import FieldError
from viewer.journal import record
from viewer.keys import CLOCK
from viewer.message.happenings import KINDS
from viewer.security import archive_of, require
from viewer.streams import attachment, stream
from viewer.translation import say

routes = web.RouteTableDef()
PAGE = 100


@routes.get("/audit")
async def show(request: web.Request) -> web.Response:
    require(request, Permission.AUDIT)
    given, problem, rows, following = audit.given(request), "", [], None
    try:
        found, following = await audit.page(request, audit.chosen(given), PAGE)
        rows = [(event, sentence(event), *KINDS[event.kind][1:]) for _, event in found]
    except FieldError as error:
        problem = f"{error.field}: {error.message}."
    kept = {name: value for name, value in given.items() if value}
    context = {
        "rows": rows,
        "given": given,
        "problem": problem,
        "groups": {name: words for name, (words, _) in GROUPS.items()},
        "is_filtered": bool(kept),
        "next": f"/audit?{urlencode({**kept, 'cursor': following})}" if following else "",
        "first": f"/audit?{urlencode(kept)}" if "cursor" in request.query else "",
        "export": f"/audit.csv?{urlencode(kept)}",
        "now": request.app[CLOCK](),
    }
    return aiohttp_jinja2.render_template("audit.html", request, context, status=400 if problem else 200)


@routes.get("/audit.csv")
async def export(request: web.Request) -> web.StreamResponse:
    """All that the filter finds. That it was taken away is itself an event."""
    require(request, Permission.AUDIT)
    which = audit.chosen(audit.given(request))
    await record(request, Kind.EXPORTED, what=say("audit history"), format="csv", query=request.query_string[:500])
    headers = {
        "Content-Type": "text/csv; charset=utf-8",
        "Content-Disposition": attachment(f"audit-{present.iso(request.app[CLOCK]())[:10]}.csv"),
    }
    return await stream(request, audit.as_csv(archive_of(request), which), headers)
