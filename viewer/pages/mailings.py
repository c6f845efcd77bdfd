"""The page of one mailing: what it is, how its copies fare, and the way to its messages."""

from __future__ import annotations

import aiohttp_jinja2
from aiohttp import web

from relay.archive.api.view import COUNTED_ALONE
from relay.archive.query import QuerySyntaxError, parse_query
from relay.model.access import Permission
from viewer import present
from viewer.grid.place import Place, place_of
from viewer.keys import CLOCK
from viewer.security import archive_of, require

routes = web.RouteTableDef()


@routes.get("/mailings/{number:[0-9]{1,18}}")
async def show(request: web.Request) -> web.Response:
    require(request, Permission.READ)
    place, now = place_of(request.query), request.app[CLOCK]()
    try:
        query = parse_query(place.q, now=now)
    except QuerySyntaxError:
        place, query = Place(), parse_query("", now=now)
    mailing = await archive_of(request).mailing(int(request.match_info["number"]), query)
    states = mailing.states or mailing.newest.states
    copies = sum(states.values())
    term = f"mailing:{mailing.id}"
    context = {
        "mailing": mailing,
        "copies": copies,
        "counted": COUNTED_ALONE,
        "states": [
            (word, states[state], 100 * states[state] / copies, Place(f"{term} status:{state.value}").address)
            for state, word in present.STATES.items()
            if states.get(state)
        ],
        "messages_address": Place(term).address,
        "recipients_address": Place(term, rows="recipients").address,
        "back": Place(place.q, rows="mailings").address,
        "now": now,
    }
    return aiohttp_jinja2.render_template("mailing.html", request, context)
