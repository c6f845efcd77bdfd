"""The page of one recipient: all that was sent to an address, what became of it, and whether they want more."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import aiohttp_jinja2
from aiohttp import web

from relay.archive.api.figure import COUNTED_TO
from relay.archive.api.suppression import Selection
from relay.archive.query import quoted
from relay.model.access import Permission
from relay.model.suppression import Suppressed, suppression_key
from viewer import present
from viewer.errors import FieldError
from viewer.keys import CLOCK
from viewer.message.standing import standing
from viewer.pages.suppressions import CAUSES
from viewer.present import STATES
from viewer.security import archive_of, require

routes = web.RouteTableDef()

ADDRESS = r"{address:[^{}]{1,320}}"
ROWS = 50


@routes.get(f"/recipients/{ADDRESS}")
async def show(request: web.Request) -> web.Response:
    require(request, Permission.READ)
    archive, address = archive_of(request), request.match_info["address"]
    cursor = request.query.get("cursor")
    try:
        page = await archive.sendings_to(address, cursor=cursor, limit=ROWS)
    except ValueError as error:
        raise FieldError("cursor", str(error)) from None
    sums = await archive.sums_to(address)
    own = f"/recipients/{quote(address, safe='@')}"
    context: dict[str, Any] = {
        "address": address,
        "q": f"recipient:{quoted(address)}",
        "sums": sums,
        "total": sum(sums.states.values()),
        "counted": COUNTED_TO,
        "words": [(STATES[state], count, state.value) for state, count in sorted(sums.states.items())],
        "entries": await entries_of(request, address),
        "causes": CAUSES,
        "days": days([(one, standing(one.delivery)) for one in page.sendings]),
        "next": f"{own}?cursor={page.next}" if page.next else "",
        "first": own if cursor else "",
        "now": request.app[CLOCK](),
    }
    return aiohttp_jinja2.render_template("recipient.html", request, context)


async def entries_of(request: web.Request, address: str) -> list[Suppressed]:
    """The entries of the suppression list in force for the address, as far as the person may see them."""
    selection = Selection(request.app[CLOCK](), text=address)
    found = await archive_of(request).suppressions(selection, limit=ROWS)
    key = suppression_key(address)
    return [entry for entry in found.entries if suppression_key(entry.address) == key]


def days(rows: list[Any]) -> list[tuple[str, list[Any]]]:
    """The rows by day, in their order: `("24 November 2026", [...])`."""
    grouped: list[tuple[str, list[Any]]] = []
    for row in rows:
        when = present.moment(row[0].received_at)
        day = f"{when.day} {when:%B} {when.year}"
        if not grouped or grouped[-1][0] != day:
            grouped.append((day, []))
        grouped[-1][1].append(row)
    return grouped
