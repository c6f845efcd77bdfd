"""The alerts that stand, for the bell in the bar, the alerts page and the API."""

from __future__ import annotations

from aiohttp import web

from relay.model.access import Permission
from relay.model.alert import Standing
from viewer.keys import ARCHIVE, PERSON

SETTING = "alerts"
"""Where the watch keeps them."""
LOOKERS = (Permission.ADMINISTER, Permission.AUDIT)
"""Who sees the bell: any of these."""


async def standing(request: web.Request) -> list[tuple[str, Standing]]:
    """(name, standing) of the alerts that stand, newest first."""
    kept = await request.app[ARCHIVE].setting(SETTING) or {}
    found = [(name, Standing.of_json(value)) for name, value in kept.items()]
    return sorted(found, key=lambda pair: -(pair[1].raised_at or 0))


async def count(request: web.Request) -> int | None:
    """How many stand; None for whoever does not see the bell."""
    person = request.get(PERSON)
    if person is None or not any(person.may(permission) for permission in LOOKERS):
        return None
    return len(await request.app[ARCHIVE].setting(SETTING) or {})
