"""The grid: messages, copies or mailings, newest first; its address is its whole state (`viewer/grid/place.py`)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from typing import Any

import aiohttp_jinja2
from aiohttp import web
from markupsafe import Markup

from relay.archive.api import Estimate, Listing, Reported
from relay.archive.api.reindexing import Progress
from relay.archive.api.view import Copy, Mailing, View
from relay.archive.query import STATUSES, Query, QuerySyntaxError, parse_query
from relay.config import Listener, TlsPolicy
from relay.model.access import Permission
from relay.model.delivery import REPORTED_STATES
from viewer import present, tongue
from viewer.grid import columns
from viewer.grid.columns import COLUMNS, Layout
from viewer.grid.filters import PERIODS, Filter, filter_from, filter_of
from viewer.grid.place import NEWEST_FIRST, Place, place_of
from viewer.keys import CLOCK, CONFIG, LISTENING
from viewer.pages import panel
from viewer.pages.rows import GRID_ROWS, around, back, kinds
from viewer.security import archive_of, require
from viewer.translation import grouped, say
from viewer.work.bulk_kinds import KINDS

routes = web.RouteTableDef()

ROWS = 50
MOST_ROWS = 200
COUNT_TO = 10_000
STATUS_TERM = re.compile(r"(?:^|(?<=\s))-?status:(?:\"[^\"]*\"|\S+)\s*")


@dataclass(frozen=True, slots=True)
class Chip:
    """One filter over the grid; `word` is None for all messages."""

    address: str
    is_on: bool
    word: present.Word | None = None


@dataclass(frozen=True, slots=True)
class Heading:
    """One heading; `address` is '' for a column that cannot be sorted. `width` in pixels, 0 for the natural one."""

    name: str
    title: str
    width: int
    address: str = ""
    direction: str = ""


@dataclass(frozen=True, slots=True)
class Found:
    """A page of rows of one sort; the others are empty. Cursors are None where there is no further page that way."""

    messages: Sequence[Listing] = ()
    mailings: Sequence[Mailing] = ()
    previous: str | None = None
    next: str | None = None
    estimate: Estimate | None = None
    progress: Progress | None = None
    """These two of the messages, where the search told them: of one moment, so that what comes later is told live."""

    @property
    def is_empty(self) -> bool:
        return not self.messages and not self.mailings


NOTHING = {"found": Found(), "rows": "", "count": "", "seq": 0, "indexed": 0, "is_lagging": False}
"""What a search has that cannot be read."""


@routes.get("/")
async def show(request: web.Request) -> web.Response:
    """The page of the grid that the address asks for; a search that cannot be read is shown with its fault."""
    person = require(request, Permission.READ)
    archive = archive_of(request)
    preferences, views = await archive.preferences(person.name), await archive.views(person.name)
    if not request.query_string and (usual := _usual(views, preferences.get("view"))) is not None:
        raise web.HTTPFound(view_place(usual).address)
    place = place_of(request.query)
    layout = columns.layout(preferences, place.columns)
    context = _around(request, place, layout, views)
    now = request.app[CLOCK]()
    try:
        query = parse_query(place.q, now=now)
    except QuerySyntaxError as error:
        context |= {"error": error, "filter": Filter(rest=place.q)} | NOTHING
        return aiohttp_jinja2.render_template("grid.html", request, context, status=400)
    if jump := _jump(request):
        place = replace(place, cursor=await archive.place(query, jump), open="")
        raise web.HTTPFound(place.address)
    context |= {"filter": filter_of(place.q, now)} | await _results(request, query, place)
    draw, setting = request.app[GRID_ROWS].draw, around(request, place, layout)
    context["rows"] = Markup("\n").join([draw(row, setting) for row in context["found"].messages])
    if place.open:
        context |= await panel.context(request, place.open, place, [row.id for row in context["found"].messages])
    return aiohttp_jinja2.render_template("grid.html", request, context)


@routes.get("/filter")
async def apply(request: web.Request) -> web.Response:
    """The filter bar's form: goes to the grid with the search that says the same."""
    require(request, Permission.READ)
    place = place_of(request.query)
    raise web.HTTPFound(replace(place, q=filter_from(request.query).text, cursor="", open="").address)


async def _results(request: web.Request, query: Query, place: Place) -> dict[str, Any]:
    archive = archive_of(request)
    try:
        found = await _found(request, query, place, place.cursor or None)
    except ValueError:
        # An old or mistyped cursor: begin again rather than refuse.
        place = replace(place, cursor="")
        found = await _found(request, query, place, None)
    progress = found.progress or await archive.progress()
    estimate = found.estimate or await archive.estimate(query, at_most=COUNT_TO)
    return {
        "found": found,
        "count": amount(estimate),
        "seq": progress.last,
        "indexed": progress.indexed,
        "is_lagging": progress.indexed < progress.last,
        "is_first": not place.cursor or (not place.rows and found.previous is None),
        "is_live": place.sort == NEWEST_FIRST and not place.rows,
        "listeners": _listeners(request),
        "mode": present.MODES[request.app[CONFIG].default_mode],
        "previous_address": place.at(found.previous) if found.previous else "",
        "next_address": place.at(found.next) if found.next else "",
    }


async def _found(request: web.Request, query: Query, place: Place, cursor: str | None) -> Found:
    """Raises ValueError for a cursor that is not of this search."""
    archive, limit = archive_of(request), _limit(request)
    if place.rows == "recipients":
        copies = await archive.copies(query, cursor=cursor, limit=limit)
        return Found([as_row(copy) for copy in copies.rows], next=copies.next)
    if place.rows == "mailings":
        mailings = await archive.mailings(query, cursor=cursor, limit=limit)
        return Found(mailings=mailings.rows, next=mailings.next)
    page = await archive.search(query, sort=place.sort, cursor=cursor, limit=limit, count_to=COUNT_TO)
    return Found(page.rows, previous=page.previous, next=page.next, estimate=page.estimate, progress=page.progress)


def as_row(copy: Copy) -> Listing:
    """One recipient's copy as a row: the message's, with this recipient and what became of it there."""
    one, address = copy.delivery, copy.delivery.original or copy.delivery.recipient.address
    named = [shown for shown in copy.listing.recipients if address.casefold() in shown.casefold()]
    reports: tuple[Reported, ...] = ()
    if one.state in REPORTED_STATES and one.grade is not None:
        reports = (Reported(one.state, one.bounce, one.grade, one.source or "", 1),)
    return replace(
        copy.listing,
        recipients=(named[0] if named else address,),
        recipient_count=1,
        states={one.state: 1},
        reports=reports,
        opened=copy.opened,
        clicked=copy.clicked,
        complained=int(one.complained_at is not None),
        unsubscribed=int(one.unsubscribed_at is not None),
    )


def amount(estimate: Estimate) -> str:
    """`1,234 messages`, or `about 12,000 messages` where counting all would have taken too long."""
    if estimate.is_exact:
        return present.amount(estimate.number, estimate.number + 1)
    figures = max(len(str(estimate.number)) - 2, 0)
    return say("about %(n)s messages", n=grouped(round(estimate.number, -figures)))


def _around(request: web.Request, place: Place, layout: Layout, views: Sequence[View]) -> dict[str, Any]:
    """What the page shows whatever is found."""
    return {
        "now": request.app[CLOCK](),
        "place": place,
        "layout": layout,
        "back": back(place.q),
        "ticks": bool(kinds(request)),
        "q": place.q,
        "error": None,
        "sort_value": "",
        "kept": place.kept,
        "here": request.path_qs,
        "chips": chips(place),
        "headings": headings(place, layout),
        "kinds": [KINDS[name] for name in kinds(request)],
        "views": [(view, view_place(view)) for view in views],
        "shown_view": next((view for view in views if view_place(view) == replace(place, cursor="", open="")), None),
        "statuses": [(state.value, word.text) for state, word in present.STATES.items()],
        "more_statuses": [status for status in STATUSES if status not in {state.value for state in present.STATES}],
        "periods": PERIODS,
        "is_first": True,
        "is_live": False,
        "panel": None,
        "previous_address": "",
        "next_address": "",
    }


def view_place(view: View) -> Place:
    """Where a saved view leads."""
    given = {"q": view.query, "sort": view.sort, "rows": view.mode, "columns": ",".join(view.columns or ())}
    return place_of(given)


def _usual(views: Sequence[View], wanted: object) -> View | None:
    """The view that the person begins with."""
    return next((view for view in views if view.id == wanted), None)


def _limit(request: web.Request) -> int:
    text = request.query.get("limit", "")
    return min(max(int(text), 1), MOST_ROWS) if text.isascii() and text.isdigit() and len(text) < 6 else ROWS


def _jump(request: web.Request) -> int:
    """The end of the day asked for by `jump`, in the reader's zone, as UTC microseconds; 0 for no day."""
    try:
        day = date.fromisoformat(request.query.get("jump", ""))
        end = datetime.combine(day + timedelta(days=1), time(), tongue.zone())
        return int(end.timestamp()) * present.SECOND - 1
    except (ValueError, OverflowError):
        return 0


def headings(place: Place, layout: Layout) -> list[Heading]:
    """A press on the sorted column turns its direction, on another begins with its natural one."""
    shown = []
    for name in layout.columns:
        kind, sort = COLUMNS[name], place.sort
        is_sorted = kind.sort == sort.key and not place.rows
        descending = not sort.descending if is_sorted else kind.sort in ("date", "size")
        direction = ("descending" if sort.descending else "ascending") if is_sorted else ""
        address = place.sorted_by(kind.sort, descending) if kind.sort and not place.rows else ""
        shown.append(Heading(name, kind.title, layout.width(name), address, direction))
    return shown


def chips(place: Place) -> list[Chip]:
    """All, and one filter for each state; pressing the one that is on takes it off."""
    q = place.q
    rest = STATUS_TERM.sub("", q).strip()
    shown = [Chip(place.searching(rest), rest == q)]
    for state in present.FILTERS:
        term = f"status:{state.value}"
        is_on = term in q.split()
        wanted = rest if is_on else f"{rest} {term}".strip()
        shown.append(Chip(place.searching(wanted), is_on, present.STATES[state]))
    return shown


@dataclass(frozen=True, slots=True)
class Where:
    """Where an application connects, in words. `address` is `host:port` or the path of a socket."""

    host: str
    port: str
    socket: str
    encryption: str
    sign_in: str


def _listeners(request: web.Request) -> list[Where]:
    """As they are bound now; as configured where that is not known."""
    listeners = request.app[CONFIG].smtp.listeners
    bound = dict(request.app[LISTENING]())
    return [_where(one, bound.get(one.name, f"{one.host}:{one.port}")) for one in listeners]


def _where(listener: Listener, bound: str) -> Where:
    encryption = "none"
    if listener.tls is TlsPolicy.IMPLICIT:
        encryption = say("TLS from the start")
    elif listener.certificate is not None and listener.tls is not TlsPolicy.NONE:
        encryption = "STARTTLS" if listener.tls is TlsPolicy.REQUIRED else say("STARTTLS, optional")
    host, _, port = bound.rpartition(":")
    sign_in = say("user name and secret") if listener.require_auth else say("none needed from this machine")
    return Where(host, port, str(listener.socket or ""), encryption, sign_in)
