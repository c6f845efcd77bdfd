"""The pages of reports: each with charts, tables whose figures lead to messages, a choice of days, and its CSV."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote, urlencode

import aiohttp_jinja2
from aiohttp import web
from markupsafe import Markup

from relay.model.access import Permission
from relay.model.figure import DAY
from viewer.figures.asked import asked
from viewer.figures.catalogue import LISTED, MAKE
from viewer.figures.comparison import KINDS as COMPARED
from viewer.figures.comparison import MOST, choice_of
from viewer.figures.period import PRESETS, Period
from viewer.figures.senders import KINDS as SENDERS
from viewer.figures.significance import percent
from viewer.figures.table import Form, Report
from viewer.figures.volume import volume
from viewer.keys import CLOCK
from viewer.security import require

routes = web.RouteTableDef()

LATE = 10_000_000
"""Microseconds: figures that lag less are called current."""


@routes.get("/reports")
async def index(request: web.Request) -> web.Response:
    """The list of reports, over the latest volume."""
    require(request, Permission.READ)
    now = request.app[CLOCK]()
    latest = await volume(asked(request))
    context = {"entries": LISTED, **page_of(request, latest), "today": Period(now // DAY, now // DAY + 1).first_date}
    return aiohttp_jinja2.render_template("reports.html", request, context)


@routes.get("/reports/{report:volume|senders|compare|domains}")
async def show(request: web.Request) -> web.Response:
    require(request, Permission.READ)
    name = request.match_info["report"]
    context = page_of(request, await MAKE[name](request))
    if name == "compare":
        choice = choice_of(request)
        context |= {"choice": choice, "kinds": COMPARED, "most": MOST}
    if name == "senders":
        context |= {"kinds": SENDERS, "kind": request.query.get("by", "author")}
    return aiohttp_jinja2.render_template(f"report_{name}.html", request, context)


@routes.get("/recipients")
async def find_recipient(request: web.Request) -> web.Response:
    """The way from a form to the page of one recipient."""
    require(request, Permission.READ)
    address = request.query.get("address", "").strip()[:320]
    raise web.HTTPSeeOther(f"/recipients/{quote(address, safe='@')}" if address else "/reports")


def page_of(request: web.Request, report: Report) -> dict[str, Any]:
    """What the templates of all reports are given."""
    now = request.app[CLOCK]()
    is_late = report.as_of is not None and now - report.as_of > LATE
    query = [(name, value) for name, value in request.query.items() if name not in ("period", "from", "to", "compare")]
    return {
        "report": report,
        "period": report.period,
        "presets": PRESETS,
        "kept": query,
        "compares": request.query.get("compare") == "1",
        "as_of": report.as_of if is_late else None,
        "now": now,
        "form": Form,
        "file": lambda table: file_of(report, request, table),
        "days": urlencode(report.period.parameters),
        "svg": Markup,
        "percent": percent,
        "signed": signed,
    }


def signed(change: float) -> str:
    """`+12 %`, `−3 %`."""
    return f"{change * 100:+.0f} %".replace("-", "−")


def file_of(report: Report, request: web.Request, table: str) -> str:
    """The address of a table's CSV."""
    given = [(name, value) for name, value in request.query.items() if name not in ("table", "name", "cursor")]
    name = [("name", request.match_info["name"])] if "name" in request.match_info else []
    return f"/api/figures/{report.name}/csv?{urlencode([*given, *name, ('table', table)])}"
