"""How one row of the grid is drawn, for the page itself and for the live view; and the templates' filters."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import quote, urlencode

from aiohttp import web

from relay.archive.api import Listing
from relay.model.summary import Reference
from viewer import present
from viewer.grid import columns
from viewer.grid.names import quoted, recipient_page, short_person
from viewer.grid.place import Place, place_of
from viewer.grid.row import Around, Rows
from viewer.keys import CLOCK, CONFIG
from viewer.message import engagement, standing
from viewer.security import signed_in_user
from viewer.work.bulk_kinds import KINDS

GRID_ROWS: web.AppKey[Rows] = web.AppKey("rows", Rows)


def render_row(request: web.Request, row: Listing) -> str:
    """The row's HTML, the same for the grid and for the live view: its address has what the grid's has."""
    place = place_of(request.query)
    return request.app[GRID_ROWS].draw(row, around(request, place, columns.layout({}, place.columns)))


def around(request: web.Request, place: Place, layout: columns.Layout) -> Around:
    """What a row needs to know of the grid around it."""
    return Around(
        columns=layout.columns,
        opening=place.opening,
        open=place.open,
        back=back(place.q),
        ticks=bool(kinds(request)),
        now=request.app[CLOCK](),
    )


def kinds(request: web.Request) -> list[str]:
    """What the person may do with many messages."""
    person = signed_in_user(request)
    return [kind.name for kind in KINDS.values() if person.may(kind.permission)]


def back(q: str) -> str:
    """What a link to a message carries along, so that its page knows the search it was found by."""
    return f"?{urlencode({'q': q})}" if q else ""


def reference_links(app: web.Application) -> Callable[[Reference], str]:
    """A function from a reference to the address of its record, '' where no pattern of that name has a link."""

    def link(reference: Reference) -> str:
        named = (pattern.link for pattern in app[CONFIG].reference if pattern.name == reference.name)
        template = next(named, "")
        return template.replace("{code}", quote(reference.code, safe=""))

    return link


FILTERS: dict[str, Callable[..., object]] = {
    "status": standing.row_word,
    "states_word": present.status,
    "evidence": present.evidence,
    "iso": present.iso,
    "exact": present.exact,
    "relative": present.relative,
    "wait": present.wait,
    "size": present.size,
    "actor": present.actor,
    "person": short_person,
    "recipient_page": recipient_page,
    "quoted": quoted,
    "marks": lambda row: [*standing.row_marks(row), *engagement.marks(row)],
}
