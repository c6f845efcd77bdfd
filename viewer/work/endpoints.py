"""What people and programs do with endpoints here: send notifications again, try one. Both ask the archive.

Endpoints themselves come from the configuration file alone: an address that a page could set would let whoever may
open it reach what this machine reaches.
"""

from __future__ import annotations

from aiohttp import web

from relay.archive.api.notification import EndpointState, Replay
from relay.model.event import Kind
from relay.model.notification import Notification, Standing
from relay.rendition.suppression_list import parse_time
from viewer.errors import FieldError
from viewer.journal import deed
from viewer.keys import CLOCK, NEW_ID
from viewer.present import Word
from viewer.security import archive_of
from viewer.translation import say

MOST_IDS = 1000
"""Notifications named one by one in one request."""
NAME = r"{name:[A-Za-z0-9][A-Za-z0-9 ._-]{0,62}}"
"""The part of a route's path that matches an endpoint's name."""

STANDINGS = {
    Standing.WAITING: Word(say("Waiting"), "queued", "busy", say("It is told when its time comes.")),
    Standing.DELIVERED: Word(say("Taken"), "sent", "good", say("The endpoint answered 2xx.")),
    Standing.FAILED: Word(
        say("Given up"), "failed", "bad", say("It did not take it in the time it has, or it is gone.")
    ),
}
GONE = Word(
    say("Gone"), "stop", "bad", say("It answered 410: nothing more is told until somebody sends something again.")
)
FAILS = Word(say("Fails"), "failed", "bad", say("The latest try failed."))
WORKS = Word(say("Works"), "sent", "good", say("It took the latest notification."))
NEW = Word(
    say("Nothing told yet"), "queued", "quiet", say("No event it asks for has happened since it was configured.")
)


def word(state: EndpointState) -> Word:
    """How an endpoint does, in a word."""
    if state.gone_at is not None:
        return GONE
    if state.error:
        return FAILS
    return WORKS if state.delivered_at is not None else NEW


async def endpoint(request: web.Request) -> EndpointState:
    """The one that the path names. Raises HTTPNotFound."""
    for state in await archive_of(request).endpoints():
        if state.name == request.match_info["name"]:
            return state
    raise web.HTTPNotFound(text=say("There is no such endpoint in the configuration."))


async def replay(request: web.Request, *, ids: tuple[str, ...] = (), failed: bool = False, since: str = "") -> int:
    """How many are sent again. Raises FieldError, and NotFound for an endpoint that is not there."""
    if bool(ids) + failed + bool(since) != 1:
        raise FieldError("ids", say("expected one of ids, failed and since"))
    if len(ids) > MOST_IDS:
        raise FieldError("ids", say("at most %(most_ids)s at once", most_ids=MOST_IDS))
    name = request.match_info["name"]
    wanted = Replay(name, ids, failed, _time(since) if since else None)
    what = {"since": since} if since else {"failed": True} if failed else {}
    event = deed(request, Kind.REPLAYED, endpoint=name, **what)
    return await archive_of(request).replay(wanted, request.app[CLOCK](), event)


async def try_out(request: web.Request) -> str:
    """Has the endpoint told of nothing, and returns that notification's id. Raises NotFound."""
    now, new_id = request.app[CLOCK](), request.app[NEW_ID]
    trial = Notification(new_id(), request.match_info["name"], 0, now, now, due_at=now)
    await archive_of(request).try_endpoint(trial)
    return trial.id


def standing(text: str) -> Standing | None:
    """Of a query string; '' is none in particular. Raises FieldError."""
    if text and text not in list(Standing):
        raise FieldError("standing", say("must be one of %(known)s", known=", ".join(Standing)))
    return Standing(text) if text else None


def _time(text: str) -> int:
    try:
        return parse_time(text)
    except ValueError as error:
        raise FieldError("since", str(error)) from None
