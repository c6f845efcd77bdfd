"""The page of one sending domain: how its mail was signed and carried, and, when asked, what the DNS says now."""

from __future__ import annotations

from collections.abc import Sequence

import aiohttp_jinja2
from aiohttp import web

from relay.archive.api import NotFound
from relay.model.access import Permission
from viewer.figures import naming
from viewer.figures.asked import asked
from viewer.figures.domains import Signing, domain
from viewer.figures.naming import NAMES, Fact
from viewer.figures.table import Report
from viewer.pages.reports import page_of
from viewer.security import require

routes = web.RouteTableDef()
NAME = r"{name:[^/{}]{1,253}}"


@routes.get(f"/reports/domains/{NAME}")
async def show(request: web.Request) -> web.Response:
    require(request, Permission.READ)
    report, _ = await known(request)
    return _page(request, report, ())


@routes.post(f"/reports/domains/{NAME}/check")
async def check(request: web.Request) -> web.Response:
    """Asks the DNS, and shows what it says beside what was really sent."""
    require(request, Permission.READ)
    report, keys = await known(request)
    facts = await naming.facts(request.app[NAMES].lookup, request.match_info["name"], keys)
    return _page(request, report, facts)


async def known(request: web.Request) -> tuple[Report, list[Signing]]:
    """Of a domain that mail was sent from in these days, as far as the person sees. Raises NotFound for any other:
    nobody has names looked up here that have nothing to do with us."""
    report, keys = await domain(asked(request), request.match_info["name"].lower())
    if not report.tables[0].rows:
        raise NotFound("no mail of that domain in this period")
    return report, keys


def _page(request: web.Request, report: Report, facts: Sequence[Fact]) -> web.Response:
    context = page_of(request, report) | {"facts": facts, "checked": request.method == "POST"}
    return aiohttp_jinja2.render_template("report_domain.html", request, context)
