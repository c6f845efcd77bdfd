"""What every template finds without being given it."""

from __future__ import annotations

from typing import Any

from aiohttp import web
from markupsafe import Markup

from relay.archive.api import ArchiveError
from relay.model.switch import Pause
from viewer import alerts, security, tongue
from viewer.flash import take_flashes
from viewer.keys import ARCHIVE, PERSON

NO_WORDS = ("/static/", "/api/", "/healthz", "/readyz", "/metrics")
"""Where nothing is said in the reader's language."""
NO_PAGE = ("/static/", "/api/", "/live", "/healthz", "/readyz", "/metrics")
"""Where nothing is drawn but rows, if anything."""


async def template_context(request: web.Request) -> dict[str, Any]:
    """Who is signed in and what they may, the CSRF token, the waiting flash messages, the path asked for."""
    person = request.get(PERSON)
    token = security.csrf_token(request)
    pause = await _pause(request) if person else None
    raised = await _raised(request) if person else None
    chosen = await _chosen(request, person.name) if person and not request.path.startswith(NO_WORDS) else {}
    tongue.prefer(chosen.get("language"), chosen.get("zone"))
    return {
        "person": person,
        "may": person.may if person else lambda permission: False,
        "csrf_token": token,
        "csrf_field": lambda: Markup('<input type="hidden" name="csrf" value="{}">').format(token),
        "flashes": lambda: take_flashes(request),
        "path": request.path,
        "preferred": chosen.get,
        "paused": lambda: pause,
        "alerts": lambda: raised,
    }


async def _raised(request: web.Request) -> int | None:
    """How many alerts stand, for the bell; None where there is none."""
    if request.path.startswith(NO_PAGE):
        return None
    try:
        return await alerts.count(request)
    except ArchiveError:
        return None


async def _chosen(request: web.Request, user: str) -> dict[str, Any]:
    """What the user prefers: language and zone hold for this request."""
    try:
        return await request.app[ARCHIVE].preferences(user)
    except ArchiveError:
        return {}


async def _pause(request: web.Request) -> Pause | None:
    """The pause of all sending, for the banner of every page. An archive that fails must not fail the page about it."""
    if request.path.startswith(NO_PAGE):
        return None
    try:
        return (await request.app[ARCHIVE].switches()).paused
    except ArchiveError:
        return None
