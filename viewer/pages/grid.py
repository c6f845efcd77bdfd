"""The grid: every message, newest first; its address is its whole state (`q`, `sort`, `cursor`)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import aiohttp_jinja2
from aiohttp import web

from relay.archive.api import SORT_KEYS, Page, Sort
from relay.archive.query import Query, QuerySyntaxError, parse_query
from relay.config import Listener, TlsPolicy
from relay.model.access import Permission
from viewer import present
from viewer.keys import CLOCK, CONFIG, LISTENING
from viewer.pages.rows import back, selects
from viewer.resend import obstacle
from viewer.security import archive_of, require

routes = web.RouteTableDef()

ROWS = 50
MOST_ROWS = 200
COUNT_TO = 10_000
MAX_QUERY = 1000
NEWEST_FIRST = Sort()
COLUMNS = (
    ("to", "To", "to"),
    ("subject", "Subject", "subject"),
    ("sender", "Sender", "sender"),
    ("", "Ref", "ref"),
    ("", "Status", "status"),
    ("size", "Size", "size"),
    ("date", "Date", "date"),
)
EXPORTS = (
    ("csv", "CSV table", "one line a recipient, for a spreadsheet"),
    ("zip", "ZIP of .eml files", "every message as it came, with a manifest of hashes"),
    ("mbox", "mbox file", "one file for a mail program"),
)
STATUS_TERM = re.compile(r"(?:^|(?<=\s))-?status:(?:\"[^\"]*\"|\S+)\s*")


@dataclass(frozen=True, slots=True)
class Chip:
    """One filter over the grid; `word` is None for all messages."""

    address: str
    is_on: bool
    word: present.Word | None = None


@dataclass(frozen=True, slots=True)
class Column:
    """One heading; `address` is '' for a column that cannot be sorted."""

    title: str
    css: str
    address: str = ""
    direction: str = ""


@routes.get("/")
async def show(request: web.Request) -> web.Response:
    """The page of the grid that the address asks for; a search that cannot be read is shown with its fault."""
    require(request, Permission.READ)
    q = request.query.get("q", "").strip()[:MAX_QUERY]
    sort = parse_sort(request.query.get("sort", ""))
    context = _frame(q, sort) | {
        "selects": selects(request, q),
        "here": request.path_qs,
        "obstacle": obstacle(request.app[CONFIG]),
    }
    try:
        query = parse_query(q, now=request.app[CLOCK]())
    except QuerySyntaxError as error:
        context |= {"error": error, "page": Page(()), "count": "", "seq": 0, "is_lagging": False}
        return aiohttp_jinja2.render_template("grid.html", request, context, status=400)
    context |= await _results(request, query, sort)
    return aiohttp_jinja2.render_template("grid.html", request, context | _pages(q, sort, context["page"]))


async def _results(request: web.Request, query: Query, sort: Sort) -> dict[str, Any]:
    archive = archive_of(request)
    # Before the search: a message that comes between the two is then told by the live view, not lost.
    health = await archive.health()
    cursor = request.query.get("cursor") or None
    try:
        page = await archive.search(query, sort=sort, cursor=cursor, limit=_limit(request))
    except ValueError:
        # An old or mistyped cursor: begin again rather than refuse.
        cursor = None
        page = await archive.search(query, sort=sort, limit=_limit(request))
    found = len(page.rows) if cursor is None and page.next is None else await archive.count(query, at_most=COUNT_TO)
    return {
        "page": page,
        "now": request.app[CLOCK](),
        "count": present.amount(found, COUNT_TO),
        "seq": health.last_seq,
        "is_lagging": health.indexed_seq < health.last_seq,
        "is_first": page.previous is None,
        "is_live": sort == NEWEST_FIRST,
        "listeners": _listeners(request),
        "mode": present.MODES[request.app[CONFIG].default_mode],
    }


def _frame(q: str, sort: Sort) -> dict[str, Any]:
    """What the page shows whatever is found."""
    return {
        "q": q,
        "error": None,
        "sort_value": "" if sort == NEWEST_FIRST else sort_value(sort),
        "chips": chips(q, sort),
        "columns": columns(q, sort),
        "exports": EXPORTS,
        "is_first": True,
        "is_live": False,
        "back": back(q),
    }


def _pages(q: str, sort: Sort, page: Page) -> dict[str, str]:
    return {
        "previous_address": address(q, sort, page.previous),
        "next_address": address(q, sort, page.next),
    }


def _limit(request: web.Request) -> int:
    text = request.query.get("limit", "")
    return min(max(int(text), 1), MOST_ROWS) if text.isascii() and text.isdigit() and len(text) < 6 else ROWS


def parse_sort(text: str) -> Sort:
    """`subject` ascending, `-subject` descending; anything unknown is newest first."""
    key = text.removeprefix("-")
    return Sort(key, text.startswith("-")) if key in SORT_KEYS else NEWEST_FIRST


def sort_value(sort: Sort) -> str:
    return ("-" if sort.descending else "") + sort.key


def address(q: str, sort: Sort, cursor: str | None = None) -> str:
    """The address of a page of the grid."""
    given = {"q": q, "sort": "" if sort == NEWEST_FIRST else sort_value(sort), "cursor": cursor or ""}
    query = urlencode({name: value for name, value in given.items() if value})
    return f"/?{query}" if query else "/"


def columns(q: str, sort: Sort) -> list[Column]:
    """The headings: a press on the sorted column turns its direction, on another begins with its natural one."""
    shown = []
    for key, title, css in COLUMNS:
        is_sorted = key == sort.key
        descending = not sort.descending if is_sorted else key in ("date", "size")
        direction = ("descending" if sort.descending else "ascending") if is_sorted else ""
        shown.append(Column(title, css, address(q, Sort(key, descending)) if key else "", direction))
    return shown


def chips(q: str, sort: Sort) -> list[Chip]:
    """All, and one filter for each state; pressing the one that is on takes it off."""
    rest = STATUS_TERM.sub("", q).strip()
    shown = [Chip(address(rest, sort), rest == q)]
    for state in present.FILTERS:
        term = f"status:{state.value}"
        is_on = term in q.split()
        shown.append(Chip(address(rest if is_on else f"{rest} {term}".strip(), sort), is_on, present.STATES[state]))
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
        encryption = "TLS from the start"
    elif listener.certificate is not None and listener.tls is not TlsPolicy.NONE:
        encryption = "STARTTLS" if listener.tls is TlsPolicy.REQUIRED else "STARTTLS, optional"
    host, _, port = bound.rpartition(":")
    sign_in = "user name and secret" if listener.require_auth else "none needed from this machine"
    return Where(host, port, str(listener.socket or ""), encryption, sign_in)
