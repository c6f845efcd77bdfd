"""How one row of the grid is drawn, for the page itself and for the live view; and the templates' filters."""

from __future__ import annotations

import re
from collections.abc import Callable
from urllib.parse import quote, urlencode

import aiohttp_jinja2
from aiohttp import web

from relay.archive.api import Listing
from relay.model.access import Permission
from relay.model.summary import Reference
from viewer import engagement, present, standing
from viewer.keys import CLOCK, CONFIG
from viewer.security import signed_in_user

HELD_TERM = re.compile(r"(?:^|[\s(])(?:is|status):held\b", re.IGNORECASE)


def render_row(request: web.Request, row: Listing) -> str:
    """The row's HTML, the same for the grid and for the live view."""
    q = request.query.get("q", "")
    context = {"row": row, "now": request.app[CLOCK](), "back": back(q), "selects": selects(request, q)}
    return aiohttp_jinja2.render_string("_row.html", request, context)


def selects(request: web.Request, q: str) -> bool:
    """Whether rows can be chosen, to be approved or rejected: in a search for what is held, by who may."""
    return HELD_TERM.search(q) is not None and signed_in_user(request).may(Permission.RELEASE)


def back(q: str) -> str:
    """What a link to a message carries along, so that its page knows the search it was found by."""
    return f"?{urlencode({'q': q})}" if q else ""


def reference_links(app: web.Application) -> Callable[[Reference], str]:
    """A function from a reference to the address of its record, '' where no pattern of that name has a link."""
    templates = {pattern.name: pattern.link for pattern in app[CONFIG].reference if pattern.link}

    def link(reference: Reference) -> str:
        template = templates.get(reference.name, "")
        return template.replace("{code}", quote(reference.code, safe=""))

    return link


def short_person(shown: str) -> str:
    """The name in `Ann <ann@example.com>`, else the address."""
    if shown.endswith(">") and "<" in shown:
        name = shown[: shown.rindex("<")].strip(' "')
        return name or shown[shown.rindex("<") + 1 : -1]
    return shown


def quoted(value: str) -> str:
    """A value for the search language, quoted where it must be."""
    if value and all(char.isalnum() or char in "-_.@+" for char in value):
        return value
    return '"' + value.replace('"', " ") + '"'


FILTERS: dict[str, Callable[..., object]] = {
    "status": standing.row_word,
    "evidence": present.evidence,
    "iso": present.iso,
    "exact": present.exact,
    "in_utc": present.in_utc,
    "relative": present.relative,
    "wait": present.wait,
    "size": present.size,
    "actor": present.actor,
    "event_note": present.event_note,
    "person": short_person,
    "quoted": quoted,
    "marks": lambda row: [*standing.row_marks(row), *engagement.marks(row)],
}
