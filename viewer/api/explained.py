"""A message explained, for programs: its header fields, its SMTP sessions, its calendar, what belongs to it."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from relay.model.access import Permission
from viewer.api import shape
from viewer.api.shape import Json, time, time_or_none
from viewer.keys import ID
from viewer.message import conversation, fields, hops
from viewer.message.conversation import Conversation
from viewer.message.hops import Hop
from viewer.message.invitation import Happening, Invitation, invitations
from viewer.message.parsing import in_thread
from viewer.message.related import related
from viewer.pages import reading
from viewer.pages.reading import HeaderField
from viewer.security import archive_of, require

routes = web.RouteTableDef()


@routes.get(f"/api/messages/{ID}/headers")
async def headers(request: web.Request) -> web.Response:
    """Each field with what it is for and what stands in it, and the way that the Received fields tell of."""
    require(request, Permission.READ)
    content = await archive_of(request).content(request.match_info["id"])
    found, is_cut = await in_thread(request, lambda: reading.header_of(reading.read(content)))
    way = hops.hops([one.value for one in found if one.name.lower() == "received"])
    told = {"fields": [_field(one) for one in found], "is_cut": is_cut, "hops": [_hop(one) for one in way]}
    return web.json_response(told)


@routes.get(f"/api/messages/{ID}/conversation")
async def sessions(request: web.Request) -> web.Response:
    """The session with the application, and each attempt to send it on."""
    require(request, Permission.READ)
    stored = await archive_of(request).message(request.match_info["id"])
    tried = conversation.attempts(stored.message, stored.deliveries, stored.attempts)
    found = (conversation.reception(stored.message), *tried)
    return web.json_response({"sessions": [_session(one) for one in found]})


@routes.get(f"/api/messages/{ID}/calendar")
async def calendar(request: web.Request) -> web.Response:
    """What its calendar parts say; none where there are none."""
    require(request, Permission.READ, Permission.BODY)
    content = await archive_of(request).content(request.match_info["id"])
    found = await in_thread(request, lambda: invitations(reading.read(content).root, content))
    return web.json_response({"calendars": [_calendar(one) for one in found]})


@routes.get(f"/api/messages/{ID}/related")
async def belonging(request: web.Request) -> web.Response:
    """Messages of the same conversation, reference or mailing, and those sent again; `q` finds all of a kind."""
    require(request, Permission.READ)
    archive = archive_of(request)
    found = await related(archive, await archive.message(request.match_info["id"]))
    told = [
        {
            "kind": one.kind,
            "q": one.q,
            "has_more": one.has_more,
            "messages": [shape.listing(row) for row in one.rows],
        }
        for one in found
    ]
    return web.json_response({"related": told})


def _field(field: HeaderField) -> Json:
    items = [
        {"name": item.name, "value": item.value, "meaning": str(item.meaning)}
        for item in fields.items(field.name, field.value)
    ]
    return {"name": field.name, "value": field.value, "meaning": str(fields.meaning(field.name)), "items": items}


def _hop(hop: Hop) -> Json:
    return {
        "from": hop.source,
        "by": hop.by,
        "with": hop.protocol,
        "for": hop.recipient,
        "at": time_or_none(hop.at),
        "seconds": None if hop.delay is None else hop.delay / 1_000_000,
    }


def _session(one: Conversation) -> Json:
    lines = [{"side": line.side, "text": str(line.text)} for line in one.lines]
    return {"title": str(one.title), "at": time(one.at), "is_open": one.is_open, "lines": lines}


def _calendar(one: Invitation) -> Json:
    return {
        "part": one.number,
        "method": str(one.method),
        "problem": str(one.problem),
        "events": [_event(happening) for happening in one.happenings],
    }


def _event(one: Happening) -> dict[str, Any]:
    return {
        "title": one.title,
        "start": str(one.start),
        "end": str(one.end),
        "start_at": time_or_none(one.start_at),
        "end_at": time_or_none(one.end_at),
        "place": one.place,
        "organizer": one.organizer,
        "attendees": [{"name": who.name, "answer": str(who.answer)} for who in one.attendees],
        "more_attendees": one.more_attendees,
        "status": one.status,
        "repeats": str(one.repeats),
        "text": one.text,
        "uid": one.uid,
    }
