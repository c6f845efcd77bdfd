"""In which language and time zone a request is answered. RFC 9110 section 12.5.4.

The language its reader chose, else the first of its Accept-Language that we have, else English; the zone the reader
chose, else the browser's, else UTC. Does not translate (`translation.py`).
"""

from __future__ import annotations

from contextvars import ContextVar
from datetime import UTC, tzinfo
from functools import lru_cache
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo, available_timezones

from aiohttp import web
from babel import negotiate_locale

if TYPE_CHECKING:
    from viewer.keys import Handler

LANGUAGES: dict[str, str] = {"en": "English", "de": "Deutsch", "fr": "Français"}
"""What a reader can choose, each in its own words."""
LANGUAGE_COOKIE = "language"
"""Keeps the choice also for the sign-in page."""
ZONE_COOKIE = "zone"
"""Written by page.js: what the browser says."""

_language: ContextVar[str] = ContextVar("language", default="en")
_zone: ContextVar[tzinfo] = ContextVar("zone", default=UTC)


@web.middleware
async def speak(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Sets language and zone by what the browser sends; whoever is signed in may have chosen others (`prefer`)."""
    _language.set(negotiated(request.cookies.get(LANGUAGE_COOKIE, ""), request.headers.get("Accept-Language", "")))
    _zone.set(zone_named(request.cookies.get(ZONE_COOKIE, "")) or UTC)
    return await handler(request)


def prefer(language: object, zone: object) -> None:
    """For the rest of this request: the language and the zone, where they are ones we have."""
    if isinstance(language, str) and language in LANGUAGES:
        _language.set(language)
    if isinstance(zone, str) and (known := zone_named(zone)) is not None:
        _zone.set(known)


def language() -> str:
    """That of this request: a key of LANGUAGES."""
    return _language.get()


def zone() -> tzinfo:
    return _zone.get()


def zone_named(name: str) -> tzinfo | None:
    """`Europe/Berlin`; None for a name that is none (never a path: only known names are looked up)."""
    if name == "UTC":
        return UTC
    return ZoneInfo(name) if name and name in _zones() else None


@lru_cache(maxsize=1)
def _zones() -> frozenset[str]:
    return frozenset(available_timezones())


def zones() -> list[str]:
    """The names to choose from."""
    return ["UTC", *sorted(name for name in _zones() if "/" in name and not name.startswith(("Etc/", "SystemV/")))]


def negotiated(chosen: str, accepted: str) -> str:
    """`chosen` if we have it, else the best of an Accept-Language field."""
    if chosen in LANGUAGES:
        return chosen
    wanted = [name.replace("-", "_") for name in _by_quality(accepted[:500])]
    return (negotiate_locale(wanted, list(LANGUAGES)) or "en").partition("_")[0]


def _by_quality(header: str) -> list[str]:
    """`fr;q=0.5, de-AT` -> `de-AT`, `fr`; what has quality 0 or none that can be read is left out."""
    found: list[tuple[float, str]] = []
    for part in header.split(","):
        name, _, parameter = part.strip().partition(";")
        try:
            quality = float(parameter.partition("=")[2]) if parameter else 1.0
        except ValueError:
            continue
        if name.replace("-", "").isalnum() and 0 < quality <= 1:
            found.append((quality, name.strip()))
    return [name for _, name in sorted(found, key=lambda one: -one[0])]
