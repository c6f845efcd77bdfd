"""The page of one message: header, tabs, envelope, and what became of it for each recipient. Opening it is an event."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlencode

import aiohttp_jinja2
from aiohttp import web

from relay.archive.api import StoredMessage
from relay.archive.api.waiting import WAITING_STATES
from relay.archive.query import Query, QuerySyntaxError, parse_query
from relay.model.access import Permission
from relay.model.delivery import Attempt, Delivery, State
from relay.model.event import Event, Grade, Kind
from viewer import present
from viewer.grid.place import MAX_QUERY
from viewer.identity.people import Person
from viewer.journal import events_of, note, record
from viewer.keys import CLOCK, CONFIG, ID, UPSTREAM_STATES
from viewer.message import engagement, reports, standing
from viewer.message.parsing import in_thread
from viewer.message.preview import Preview, TooMuch
from viewer.message.reports import Told
from viewer.message.standing import Standing
from viewer.pages import reading, tabs
from viewer.pages.frames import framed
from viewer.pages.looking import looking
from viewer.security import archive_of, require
from viewer.translation import say
from viewer.work import waiting_words
from viewer.work.operations import OPERATIONS, allowed
from viewer.work.resend import obstacle
from viewer.work.suppressions import kept_from

routes = web.RouteTableDef()

VIEW_AGAIN = 10 * present.MINUTE
"""Opening the page again within this time (another tab of it, say) is the same view."""
MOST_RECIPIENTS = 200
"""Recipients shown with their timelines; the rest are counted."""
POSSIBLE = {
    State.QUEUED: ("retry", "reroute", "cancel"),
    State.DEFERRED: ("retry", "reroute", "cancel"),
    State.UNCONFIRMED: ("retry", "reroute", "cancel"),
    State.HELD: ("release", "reject"),
}
"""Operations offered for one delivery on its message's page."""


@dataclass(frozen=True, slots=True)
class Moment:
    """One line of a timeline: an event, and the attempt that it closed or that is still open."""

    at: int
    text: str
    icon: str
    tone: str
    actor: str
    grade: str
    grade_text: str
    note: str = ""
    attempt: Attempt | None = None
    left_alone: tuple[str, ...] = ()
    """Why tracking or signing did not touch the copy, or parts of it."""
    told: Told | None = None
    """What somebody further on reported."""


@dataclass(frozen=True, slots=True)
class Story:
    """What became of the message for one recipient."""

    delivery: Delivery
    standing: Standing
    moments: tuple[Moment, ...]
    operations: tuple[str, ...] = ()
    """What can be done with it while it waits."""
    why: str = ""
    """Why it waits."""

    @property
    def word(self) -> present.Word:
        return self.standing.word


@routes.get(f"/messages/{ID}")
async def show(request: web.Request) -> web.Response:
    """The page; 404 for an id that is not kept."""
    person = require(request, Permission.READ)
    archive, message_id = archive_of(request), request.match_info["id"]
    stored = await archive.message(message_id)
    events = await events_of(archive, message_id)
    await record_view(request, person, message_id, events)
    if stored.deletion is not None:
        return aiohttp_jinja2.render_template("deleted.html", request, await _context(request, stored, events, ""))
    content = await archive.content(message_id)
    read = await in_thread(request, lambda: reading.read(content))
    names = tabs.tabs_of(read, person)
    tab = request.query.get("tab", "")
    if tab not in names:
        tab = names[0]
    q = request.query.get("q", "").strip()[:MAX_QUERY]
    context = await _context(request, stored, events, q) | await tabs.shown(request, read, stored, tab, q)
    context |= {
        "tab": tab,
        "tabs": [(name, tabs.NAMES[name]) for name in names],
        "attachment_count": read.attachment_count,
    }
    return aiohttp_jinja2.render_template("message.html", request, context)


@routes.get(f"/messages/{ID}/preview")
async def preview(request: web.Request) -> web.Response:
    """The inert HTML of the preview's frame, under a policy of its own. Not an event: the page was.

    Remote pictures, where somebody asks for them, are loaded by their own browser: that may count as an open.
    """
    require(request, Permission.BODY)
    message_id = request.match_info["id"]
    look = looking(request.query, allows_images=request.app[CONFIG].viewer.remote_images).look
    content = await archive_of(request).content(message_id)
    try:
        made = await in_thread(request, lambda: reading.preview_of(reading.read(content), look))
    except TooMuch:
        made = Preview("<!doctype html><title>Preview</title><p>Too large to preview.", 0, ())
    if look.images:
        await record(request, Kind.VIEWED, message_id, what="remote pictures")
    return framed(made, look)


async def _context(request: web.Request, stored: StoredMessage, events: Sequence[Event], q: str) -> dict[str, Any]:
    archive, message = archive_of(request), stored.message
    query = _search(request, q)
    newer = await archive.newer(query, stored.seq, 1)
    older = await archive.older(query, stored.seq, 1)
    states: dict[State, int] = {}
    for delivery in stored.deliveries:
        states[delivery.state] = states.get(delivery.state, 0) + 1
    return {
        "stored": stored,
        "message": message,
        "summary": stored.summary,
        "states": states,
        "word": standing.message_word(stored.deliveries, is_imported=stored.message.is_imported),
        "is_moving": bool(states.keys() & {State.QUEUED, State.SENDING}),
        "now": request.app[CLOCK](),
        "stories": await _stories(request, stored, events),
        "operations": OPERATIONS,
        "unshown": max(0, len(stored.deliveries) - MOST_RECIPIENTS),
        "history": [_moment(event, None) for event in events if _is_of_all(event)],
        "newer": newer[0].id if newer else "",
        "older": older[0].id if older else "",
        "q": q,
        "back": f"?{urlencode({'q': q})}" if q else "",
        "keep": lambda tab: urlencode({"tab": tab} | ({"q": q} if q else {})),
        "sent": next(iter(stored.attempts)).delivery_id if stored.attempts else "",
        "obstacle": obstacle(request.app[CONFIG]),
        "suppressed": await kept_from(request, stored),
        "traits": [present.TRAITS[trait] for trait in sorted(message.traits)],
        "mode": present.MODES[message.mode],
    }


def _search(request: web.Request, q: str) -> Query:
    """The search the person came from: the way to newer and older messages stays within it."""
    try:
        return parse_query(q, now=request.app[CLOCK]())
    except QuerySyntaxError:
        return Query()


async def _stories(request: web.Request, stored: StoredMessage, events: Sequence[Event]) -> list[Story]:
    """The recipients' stories; of what waits, with why it does and what can be done."""
    shown = stored.deliveries[:MOST_RECIPIENTS]
    stories = [_story(one, stored.attempts, events) for one in shown]
    if not any(one.state in WAITING_STATES for one in shown):
        return stories
    switches, now = await archive_of(request).switches(), request.app[CLOCK]()
    upstreams = {state.name: state for state in request.app[UPSTREAM_STATES]()}
    return [
        replace(
            story,
            why=waiting_words.why(story.delivery, switches, upstreams, now).text,
            operations=allowed(request, POSSIBLE.get(story.delivery.state, ())),
        )
        if story.delivery.state in WAITING_STATES
        else story
        for story in stories
    ]


def _story(delivery: Delivery, attempts: Sequence[Attempt], events: Sequence[Event]) -> Story:
    """Events and attempts of one delivery in one line; an attempt no event tells of yet stands at its own time."""
    mine = {attempt.id: attempt for attempt in attempts if attempt.delivery_id == delivery.id}
    moments = []
    for event in events:
        # What tracking leaves alone it leaves alone in every recipient's copy.
        if event.delivery_id == delivery.id or event.kind is Kind.NOT_TRACKED:
            moments.append(_moment(event, mine.pop(str(event.data.get("attempt", "")), None)))
    moments += [_attempted(attempt) for attempt in mine.values()]
    moments.sort(key=lambda moment: moment.at)
    return Story(delivery, standing.standing(delivery, events), tuple(moments))


def _moment(event: Event, attempt: Attempt | None) -> Moment:
    text, icon, tone = engagement.happened(event)
    told = reports.told(event)
    is_told = told is not None or (attempt is not None and attempt.reply is not None)
    note = "" if is_told else present.event_note(event)
    if event.kind in (Kind.OPENED, Kind.CLICKED):
        note = engagement.circumstances(event)
    return Moment(
        event.at,
        reports.heading(event, text),
        icon,
        tone,
        present.actor(event.actor),
        event.grade.value,
        present.GRADES[event.grade],
        note,
        attempt,
        engagement.left_alone(event),
        told,
    )


def _is_of_all(event: Event) -> bool:
    return event.delivery_id is None and event.kind is not Kind.NOT_TRACKED


def _attempted(attempt: Attempt) -> Moment:
    text = say("Attempt under way") if attempt.finished_at is None else say("Attempted")
    grade = Grade.OWN
    return Moment(
        attempt.began_at, text, "sending", "busy", "Mailwitness", grade.value, present.GRADES[grade], "", attempt
    )


async def record_view(request: web.Request, person: Person, message_id: str, events: Sequence[Event]) -> None:
    """Notes that the person looks at the message, unless they did so a moment ago."""
    since = request.app[CLOCK]() - VIEW_AGAIN
    is_same_view = any(
        event.kind is Kind.VIEWED and event.actor == person.actor and event.at >= since for event in events
    )
    if not is_same_view:
        note(request, Kind.VIEWED, message_id, since)
