"""Legal holds, as pages and API change them: whole holds by administrators, each change an event."""

from __future__ import annotations

from collections.abc import Sequence

from aiohttp import web

from relay.archive.query import Query, parse_query
from relay.model.deletion import LONGEST_REASON
from relay.model.event import Event, Kind
from relay.model.hold import Hold, name_fault
from viewer.errors import FieldError
from viewer.journal import deed
from viewer.keys import CLOCK, NEW_ID
from viewer.security import archive_of
from viewer.translation import say

PORTION = 500
"""Messages of one commit."""
LONGEST_QUERY = 2000
"""Characters."""


async def begin(request: web.Request, name: str, reason: str) -> Hold:
    """A new hold, with no message under it. Raises FieldError: a name or reason that will not do."""
    name, reason = " ".join(name.split()), " ".join(reason.split())
    if fault := name_fault(name):
        raise FieldError("name", fault)
    if len(reason) > LONGEST_REASON:
        raise FieldError("reason", f"at most {LONGEST_REASON} characters")
    id_ = request.app[NEW_ID]()
    event = deed(request, Kind.HOLD_MADE, hold=id_, name=name, reason=reason)
    made = Hold(id_, name, reason, event.at, event.actor)
    if not await archive_of(request).make_hold(made, event):
        raise FieldError("name", say("There is an open hold of this name."))
    return made


async def end(request: web.Request, hold_id: str, reason: str) -> Hold:
    """The ended hold. Raises NotFound; HTTPConflict if it was ended before."""
    archive = archive_of(request)
    hold = await archive.hold(hold_id)
    event = deed(request, Kind.HOLD_ENDED, hold=hold.id, name=hold.name, reason=" ".join(reason.split()))
    if not await archive.end_hold(hold_id, event):
        raise web.HTTPConflict(text="The hold was ended before.")
    return await archive.hold(hold_id)


async def place(request: web.Request, hold: Hold, message_ids: Sequence[str]) -> int:
    """How many were not under it before. Raises NotFound."""
    archive = archive_of(request)
    return len(await archive.place_hold(hold.id, message_ids, _events(request, Kind.HOLD_PLACED, hold, message_ids)))


async def lift(request: web.Request, hold: Hold, message_ids: Sequence[str]) -> int:
    """How many were under it until now. Raises NotFound."""
    archive = archive_of(request)
    return len(await archive.lift_hold(hold.id, message_ids, _events(request, Kind.HOLD_LIFTED, hold, message_ids)))


def query_of(request: web.Request, text: str) -> Query:
    """The search, as people type it. Raises FieldError, QuerySyntaxError."""
    if len(text) > LONGEST_QUERY:
        raise FieldError("q", say("at most %(longest_query)s characters", longest_query=LONGEST_QUERY))
    return parse_query(text, now=request.app[CLOCK]())


async def place_found(request: web.Request, hold: Hold, query: Query) -> int:
    """Puts all that the search finds now under the hold. A crash on the way leaves those before it: repeatable."""
    archive = archive_of(request)
    cursor, placed = None, 0
    while True:
        page = await archive.search(query, cursor=cursor, limit=PORTION)
        if page.rows:
            placed += await place(request, hold, [row.id for row in page.rows])
        cursor = page.next
        if cursor is None:
            return placed


def _events(request: web.Request, kind: Kind, hold: Hold, message_ids: Sequence[str]) -> list[Event]:
    return [deed(request, kind, message_id, hold=hold.id, name=hold.name) for message_id in message_ids]
