"""What every template finds without being given it."""

from __future__ import annotations

from typing import Any

from aiohttp import web
from markupsafe import Markup

from viewer import security
from viewer.flash import take_flashes
from viewer.keys import PERSON


async def template_context(request: web.Request) -> dict[str, Any]:
    """Who is signed in and what they may, the CSRF token, the waiting flash messages, the path asked for."""
    person = request.get(PERSON)
    token = security.csrf_token(request)
    return {
        "person": person,
        "may": person.may if person else lambda permission: False,
        "csrf_token": token,
        "csrf_field": lambda: Markup('<input type="hidden" name="csrf" value="{}">').format(token),
        "flashes": lambda: take_flashes(request),
        "path": request.path,
    }
