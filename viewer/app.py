"""The viewer's application: what it is made of, and in which order a request meets it.

A request passes `tongue.speak` (language and time zone), `errors.answer_errors` (every refusal and failure becomes a
page or JSON), then `security.guard` (Host, Origin, session or bearer token, body limit, CSRF token), then its
handler in `pages/`, `api/`, `sign_in.py`, `live.py`.

For handlers:
- `from viewer.keys import CONFIG, CLOCK, NEW_ID, ID`; routes are `f"/messages/{ID}"`. `archive_of(request)` is the
  archive as far as the person may see it; `app[ARCHIVE]` is all of it, for those who decide who someone is.
- `from viewer.security import archive_of, require`; `require(request, Permission.RESEND)` raises 403 for a role
  that may not. Everything not in `security.PUBLIC` needs a sign-in already.
- `from viewer.flash import flash`; `flash(request, "Sent again.")`, then `raise web.HTTPSeeOther(…)`.
- A `<form method=post>` carries `{{ csrf_field() }}` (a hidden field named `csrf`) and is urlencoded, never multipart;
  a script sends `csrf_token` as `X-CSRF-Token`.
- Templates always have: `person` (or none), `may('resend')`, `csrf_token`, `csrf_field()`, `flashes()` (each with
  `text`, `tone`), `static_url('name.css')`, `path` (of the request). Undefined names are errors.
- What people read is `{{ _('…') }}` or `{% trans %}` in templates and `say("…%(name)s…", name=…)` in Python: see
  `translation.py`. Numbers are `{{ count | grouped }}`; times `ui.when(at, now)` and `ui.exactly(at)`.
- A response's own Content-Security-Policy or Cache-Control header is left alone (the preview sets its own).
- `viewer.pages.setup(app)` registers the pages; it sets `app[RENDER_ROW]`.
"""

from __future__ import annotations

import hashlib
import secrets
import warnings
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path

import aiohttp_jinja2
from aiohttp import web
from prometheus_client import generate_latest

from relay import metrics
from relay.archive.api import Archive
from relay.config import Config
from relay.model.handing import Counter
from relay.model.upstream import UpstreamState
from relay.notary.erasing import Advance
from relay.notary.evidence import Evidence
from viewer import api, errors, health, journal, mailpit, pages, security, tongue, translation
from viewer.context import template_context
from viewer.drawing import DRAWING, Drawing
from viewer.flash import FLASHES
from viewer.grid import live
from viewer.identity import sign_in
from viewer.keys import (
    APPLICATIONS_CHANGED,
    ARCHIVE,
    CLOCK,
    CONFIG,
    COUNTER,
    ERASING,
    EVIDENCE,
    IS_READY,
    LISTENING,
    MASKS,
    METRICS_TEXT,
    NEW_ID,
    NEW_SECRET,
    ORIGINS,
    SETTINGS_CHANGED,
    STATIC_PREFIX,
    SWITCHES_CHANGED,
    UPSTREAM_STATES,
)
from viewer.message import parsing
from viewer.message.masking import rules_of
from viewer.templating import Environment
from viewer.work import exports, jobs, tasks

HERE = Path(__file__).parent
STATIC = HERE / "static"
MAX_BODY = 8 * 1024 * 1024
"""Octets of a request's body; the largest that is meant is an edited message."""


def build_app(
    config: Config,
    *,
    archive: Archive,
    clock: Callable[[], int],
    new_id: Callable[[], str],
    is_ready: Callable[[], Awaitable[tuple[bool, str]]] | None = None,
    metrics_text: Callable[[], Awaitable[bytes]] | None = None,
    applications_changed: Callable[[], Awaitable[None]] | None = None,
    switches_changed: Callable[[], Awaitable[None]] | None = None,
    settings_changed: Callable[[], Awaitable[None]] | None = None,
    origins: Callable[[], Mapping[tuple[str | int, ...], str]] = dict,
    upstream_states: Callable[[], Sequence[UpstreamState]] = tuple,
    listening: Callable[[], list[tuple[str, str]]] = list,
    counter: Counter | None = None,
    evidence: Evidence | None = None,
    erasing: Callable[[str], Advance | None] = lambda _id: None,
    new_secret: Callable[[], str] = lambda: secrets.token_urlsafe(32),
) -> web.Application:
    """The application, ready to be run. `clock` gives UTC microseconds, `new_id` ULIDs."""
    app = web.Application(middlewares=[tongue.speak, errors.answer_errors, security.guard], client_max_size=MAX_BODY)
    app[CONFIG], app[ARCHIVE], app[CLOCK], app[NEW_ID], app[NEW_SECRET] = config, archive, clock, new_id, new_secret
    app[METRICS_TEXT] = metrics_text or _own_metrics
    app[IS_READY] = is_ready or (lambda: _archive_is_ready(archive))
    app[APPLICATIONS_CHANGED] = applications_changed or _nothing
    app[SWITCHES_CHANGED] = switches_changed or _nothing
    app[SETTINGS_CHANGED] = settings_changed or _nothing
    app[ORIGINS] = origins
    app[UPSTREAM_STATES] = upstream_states
    app[LISTENING] = listening
    app[COUNTER] = counter
    app[EVIDENCE] = evidence
    app[ERASING] = erasing
    app[FLASHES] = OrderedDict()
    app[MASKS] = rules_of(config.mask)
    app[STATIC_PREFIX] = f"/static/{_version_of(STATIC)}"
    app.router.add_static(app[STATIC_PREFIX], STATIC, name="static")
    _set_up_templates(app)
    for part in (security, journal, parsing, health, sign_in, api, mailpit, live, jobs, tasks, exports, pages):
        part.setup(app)
    return app


def _set_up_templates(app: web.Application) -> None:
    # aiohttp-jinja2 keeps its context under a plain name, of which aiohttp warns on standard error.
    warnings.filterwarnings("ignore", category=web.NotAppKeyWarning, module="aiohttp_jinja2")
    aiohttp_jinja2.setup(app, context_processors=[template_context], default_helpers=False)
    environment = app[aiohttp_jinja2.APP_KEY] = Environment(HERE / "templates")
    translation.install(environment)
    environment.globals["static_url"] = environment.fixed["static_url"] = lambda name: f"{app[STATIC_PREFIX]}/{name}"
    app[DRAWING] = Drawing(f"{app[STATIC_PREFIX]}/icons.svg")
    environment.globals |= app[DRAWING].names()
    environment.fixed["ui.icon"] = app[DRAWING].icon


def _version_of(folder: Path) -> str:
    """Twelve hex digits that change with any static file, so that browsers may keep each version for ever."""
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            digest.update(str(path.relative_to(folder)).encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()[:12]


async def _nothing() -> None:
    """No one needs to be told."""


async def _own_metrics() -> bytes:
    return generate_latest(metrics.REGISTRY)


async def _archive_is_ready(archive: Archive) -> tuple[bool, str]:
    health = await archive.health()
    return health.is_writable, "; ".join(health.problems) or "ready"
