"""The suppression list's page: search, one entry, adding and taking off, and the list as a file.

Everybody who reads messages may see it; administrators change it; who may export may take it away.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

import aiohttp_jinja2
from aiohttp import web

from relay.archive.api.suppression import Selection, SuppressionPage
from relay.model.access import Permission
from relay.model.event import Kind
from relay.model.suppression import Cause
from relay.rendition.suppression_list import Problem
from viewer import present
from viewer.errors import FieldError
from viewer.flash import flash
from viewer.journal import record
from viewer.keys import CLOCK, ID
from viewer.security import archive_of, require
from viewer.streams import attachment, stream
from viewer.translation import joined, say, say_n, sentence, thousands
from viewer.work import suppressions
from viewer.work.suppressions import Which

routes = web.RouteTableDef()

ROWS = 50
COUNT_TO = 100_000
ALL = "*"
"""In the choice of applications: those entries that hold for all of them."""
FILTERS = ("q", "cause", "application", "which")
FIELDS = ("address", "application", "reason", "until")

CAUSES: dict[Cause, present.Word] = {
    Cause.BOUNCE: present.Word(
        say("Bounced"), "bounced", "bad", say("Mail there came back for good, or again and again.")
    ),
    Cause.COMPLAINT: present.Word(say("Complained"), "complained", "bad", say("They called a message spam.")),
    Cause.UNSUBSCRIBE: present.Word(say("Unsubscribed"), "unsubscribed", "held", say("They asked for no more.")),
    Cause.MANUAL: present.Word(say("By hand"), "user", "quiet", say("A person put the address here, or a file did.")),
}


@routes.get("/suppressions")
async def show(request: web.Request) -> web.Response:
    require(request, Permission.READ)
    return await _page(request)


@routes.post("/suppressions")
async def add(request: web.Request) -> web.Response:
    """Puts an address on the list by hand."""
    require(request, Permission.SUPPRESS)
    form = await request.post()
    given = {name: str(form.get(name, "")).strip() for name in FIELDS}
    try:
        entry = await suppressions.add(
            request,
            address=given["address"],
            application=given["application"],
            reason=given["reason"],
            until=given["until"],
        )
    except FieldError as error:
        return await _page(request, problem=sentence(error.message), given=given, status=400)
    words = say("Nothing is sent to %(address)s any more.", address=entry.address)
    if entry.application:
        words = say(
            "Nothing is sent to %(address)s by %(application)s any more.",
            address=entry.address,
            application=entry.application,
        )
    flash(request, words)
    raise web.HTTPSeeOther("/suppressions")


@routes.get("/suppressions/export")
async def export(request: web.Request) -> web.StreamResponse:
    require(request, Permission.EXPORT)
    meant = _selection(request)
    await record(request, Kind.EXPORTED, what=say("suppression list"), query=meant.text, format="csv")
    headers = {
        "Content-Type": "text/csv; charset=utf-8",
        "Content-Disposition": attachment(f"suppressions-{present.iso(meant.now)[:10]}.csv"),
    }
    return await stream(request, suppressions.as_csv(request, meant), headers)


@routes.get("/suppressions/import")
async def show_import(request: web.Request) -> web.Response:
    require(request, Permission.SUPPRESS)
    return _import_page(request)


@routes.post("/suppressions/import")
async def import_list(request: web.Request) -> web.Response:
    """Adds the entries of a CSV text: all of them, or, with a line that is wrong, none unless asked otherwise."""
    require(request, Permission.SUPPRESS)
    form = await request.post()
    text = str(form.get("csv", ""))
    found = await suppressions.read_file(request, text.encode("utf-8", "replace"))
    if not found.entries and not found.problems:
        return _import_page(request, text=text, problem=say("There is nothing in it."), status=400)
    if found.problems and form.get("skip_bad") != "1":
        return _import_page(request, text=text, problems=found.problems, right=len(found.entries), status=400)
    count = await suppressions.import_entries(request, found.entries)
    flash(request, _imported(count, len(found.entries) - count, len(found.problems)))
    raise web.HTTPSeeOther("/suppressions")


@routes.get(f"/suppressions/{ID}")
async def show_entry(request: web.Request) -> web.Response:
    require(request, Permission.READ)
    return await _entry_page(request)


@routes.post(f"/suppressions/{ID}/remove")
async def remove(request: web.Request) -> web.Response:
    """Takes the entry off the list; what it was stays in the journal."""
    require(request, Permission.SUPPRESS)
    reason = str((await request.post()).get("reason", ""))
    try:
        entry = await suppressions.remove(request, request.match_info["id"], reason)
    except FieldError as error:
        return await _entry_page(request, problem=sentence(error.message), reason=reason, status=400)
    flash(
        request,
        say(
            "%(address)s is off the list. What was not sent stays unsent; send it again if it is wanted.",
            address=entry.address,
        ),
    )
    raise web.HTTPSeeOther("/suppressions")


async def _page(
    request: web.Request, *, problem: str = "", given: dict[str, str] | None = None, status: int = 200
) -> web.Response:
    archive, now = archive_of(request), request.app[CLOCK]()
    chosen = {name: request.query.get(name, "").strip()[:500] for name in FILTERS}
    page, count, following = SuppressionPage(()), 0, ""
    try:
        meant = _selection(request)
        page = await archive.suppressions(meant, cursor=request.query.get("cursor"), limit=ROWS)
        count = await archive.count_suppressions(meant, at_most=COUNT_TO)
        following = _address(chosen, cursor=page.next) if page.next else ""
    except (FieldError, ValueError) as error:
        text = error.message if isinstance(error, FieldError) else str(error)
        problem, status = say("This filter cannot be read: %(text)s.", text=text), 400
    context: dict[str, Any] = {
        "entries": page.entries,
        "count": count,
        "is_more_than_counted": count == COUNT_TO,
        "next": following,
        "first": _address(chosen) if "cursor" in request.query else "",
        "chosen": chosen,
        "is_filtered": any(chosen.values()),
        "export": _address(chosen, path="/suppressions/export"),
        "causes": CAUSES,
        "applications": sorted(await suppressions.applications(request)),
        "all_applications": ALL,
        "is_expired": chosen["which"] == Which.EXPIRED,
        "problem": problem,
        "given": given or dict.fromkeys(FIELDS, ""),
        "now": now,
        "tomorrow": present.iso(now + present.DAY)[:10],
    }
    return aiohttp_jinja2.render_template("suppressions.html", request, context, status=status)


async def _entry_page(request: web.Request, *, problem: str = "", reason: str = "", status: int = 200) -> web.Response:
    entry, now = await archive_of(request).suppression(request.match_info["id"]), request.app[CLOCK]()
    context: dict[str, Any] = {
        "entry": entry,
        "word": CAUSES[entry.cause],
        "by": present.actor(entry.created_by),
        "is_in_force": entry.is_in_force(now),
        "problem": problem,
        "reason": reason,
        "now": now,
    }
    return aiohttp_jinja2.render_template("suppression.html", request, context, status=status)


def _import_page(
    request: web.Request,
    *,
    text: str = "",
    problem: str = "",
    problems: tuple[Problem, ...] = (),
    right: int = 0,
    status: int = 200,
) -> web.Response:
    context: dict[str, Any] = {
        "text": text,
        "problem": problem,
        "problems": problems[: suppressions.MOST_PROBLEMS],
        "problem_count": len(problems),
        "right": right,
    }
    return aiohttp_jinja2.render_template("suppressions_import.html", request, context, status=status)


def _selection(request: web.Request) -> Selection:
    query = request.query
    application = query.get("application", "")
    return suppressions.selection(
        request,
        text=query.get("q", "")[:500],
        cause=query.get("cause", ""),
        application=None if not application else "" if application == ALL else application,
        which=query.get("which", ""),
    )


def _address(chosen: dict[str, str], *, path: str = "/suppressions", cursor: str | None = None) -> str:
    named = {name: value for name, value in chosen.items() if value} | ({"cursor": cursor} if cursor else {})
    return f"{path}?{urlencode(named)}" if named else path


def _imported(count: int, there: int, wrong: int) -> str:
    """`12 added. 3 said nothing new. 1 line was left out.`"""
    words = [say("%(count)s added.", count=thousands(count))]
    if there:
        words.append(say("%(count)s said nothing new.", count=thousands(there)))
    if wrong:
        words.append(say_n("%(num)s line was left out.", "%(num)s lines were left out.", wrong))
    return joined(" ", words)
