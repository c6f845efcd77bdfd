"""What every part of the viewer finds on the application and on the request, under typed keys.

Holds no behaviour. `app.py` fills the application's keys; `security.py` the request's.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence

from aiohttp import web

from relay.archive.api import Archive, Listing, WebSession
from relay.config import Config
from relay.model.handing import Counter
from relay.model.identifier import ULID_PATTERN
from relay.model.upstream import UpstreamState
from relay.notary.erasing import Advance
from relay.notary.evidence import Evidence, Narrator
from viewer.identity.people import Person
from viewer.message.masking import Rule

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

CONFIG: web.AppKey[Config] = web.AppKey("config", Config)
ARCHIVE: web.AppKey[Archive] = web.AppKey("archive")
CLOCK: web.AppKey[Callable[[], int]] = web.AppKey("clock")
"""UTC microseconds."""
NEW_ID: web.AppKey[Callable[[], str]] = web.AppKey("new_id")
"""A new ULID."""
NEW_SECRET: web.AppKey[Callable[[], str]] = web.AppKey("new_secret")
"""An unguessable text of 43 URL-safe characters."""
APPLICATIONS_CHANGED: web.AppKey[Callable[[], Awaitable[None]]] = web.AppKey("applications_changed")
"""To be awaited after an application was added or removed, so that intake knows at once."""
SWITCHES_CHANGED: web.AppKey[Callable[[], Awaitable[None]]] = web.AppKey("switches_changed")
"""To be awaited after `put_switches`, so that intake and courier know at once."""
SETTINGS_CHANGED: web.AppKey[Callable[[], Awaitable[None]]] = web.AppKey("settings_changed")
"""To be awaited after a stored setting was changed, so that it holds at once."""
ORIGINS: web.AppKey[Callable[[], Mapping[tuple[str | int, ...], str]]] = web.AppKey("origins")
"""Who gives each key of the configuration its value: the file's name or a variable's; not there: a default."""
UPSTREAM_STATES: web.AppKey[Callable[[], Sequence[UpstreamState]]] = web.AppKey("upstream_states")
"""How each upstream does at this moment, in the order of the configuration."""
LISTENING: web.AppKey[Callable[[], list[tuple[str, str]]]] = web.AppKey("listening")
"""Where intake listens now: listener name, and `host:port` or a socket's path."""
COUNTER: web.AppKey[Counter | None] = web.AppKey("counter")
"""Where messages are handed in; None where no intake runs."""
EVIDENCE: web.AppKey[Evidence | None] = web.AppKey("evidence")
"""What makes evidence bundles; None where nothing signs the log."""
ERASING: web.AppKey[Callable[[str], Advance | None]] = web.AppKey("erasing")
"""How far the erasure of that id is; None: it is not being done at this moment."""
NARRATE: web.AppKey[Callable[..., Narrator]] = web.AppKey("narrate")
"""`viewer.message.evidence_summary.Summary`, with what draws a PDF: the page for people in a bundle."""
IS_READY: web.AppKey[Callable[[], Awaitable[tuple[bool, str]]]] = web.AppKey("is_ready")
METRICS_TEXT: web.AppKey[Callable[[], Awaitable[bytes]]] = web.AppKey("metrics_text")
RENDER_ROW: web.AppKey[Callable[[web.Request, Listing], str]] = web.AppKey("render_row")
"""The HTML of one row of the grid, for the live view; the pages' `setup` brings it."""
MASKS: web.AppKey[tuple[Rule, ...]] = web.AppKey("masks", tuple)
"""What is hidden from those who may not see secrets."""
STATIC_PREFIX: web.AppKey[str] = web.AppKey("static_prefix", str)
"""`/static/<hash of all static files>`; use the template function `static_url('name.css')`."""

INTRODUCE: web.AppKey[Callable[[web.Request, WebSession | None], Awaitable[WebSession | None]]] = web.AppKey(
    "introduce"
)
"""The session of whom a trusted proxy names, given the one of the cookie; that one, where no proxy is believed."""

PERSON: web.RequestKey[Person] = web.RequestKey("person", Person)
"""Who asks; there on every request that is not public."""
SESSION: web.RequestKey[WebSession] = web.RequestKey("session", WebSession)
"""Their session; not there for a bearer token."""

ID = f"{{id:{ULID_PATTERN}}}"
"""The part of a route's path that matches a ULID and nothing else."""
DELIVERY_ID = f"{{delivery_id:{ULID_PATTERN}}}"
