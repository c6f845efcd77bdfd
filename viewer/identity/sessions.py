"""Browsers that are signed in: a session begins, is seen, and ends. Who someone is was decided before.

The browser's cookie holds the token, the archive only its SHA-256. A new token is made at every sign-in, so that one
planted before it is worth nothing.
"""

from __future__ import annotations

import hashlib
import re
from typing import Any

from aiohttp import web

from relay.archive.api import ArchiveError, User, WebSession
from relay.model.event import Event, Kind
from viewer.identity.browsers import LONGEST
from viewer.keys import ARCHIVE, CLOCK, CONFIG, NEW_ID, NEW_SECRET, PERSON, SESSION, Handler
from viewer.security import SAFE_METHODS, client_address, is_public, set_session_cookie
from viewer.translation import say

PASSWORD, LINK, PASSKEY, PROXY, SINGLE_SIGN_ON = (
    say("password"),
    say("one-time link"),
    say("passkey"),
    say("proxy"),
    say("single sign-on"),
)
WITH_CODE, WITH_RECOVERY_CODE = "password and code", "password and recovery code"
ONE_FACTOR = frozenset({"", PASSWORD, LINK})
"""Ways to sign in that prove one thing only. The provider or proxy has its own rules."""
SEEN_EVERY = 5 * 60 * 1_000_000
FRESH = 15 * 60 * 1_000_000
"""For so long after a sign-in one may change how one signs in."""
SET_UP = "/account/second-factor"
WHILE_SETTING_UP = ("/account/second-factor", "/account/passkeys", "/account/recovery-codes", "/sign-out", "/sign-in")
"""What someone may use who must set up a second factor first."""


def local_path(text: str) -> str:
    """`text` if it is a path of ours, else `/`: a sign-in must not send people to another site."""
    is_local = re.fullmatch(r"/(?![/\\])[\x21-\x5b\x5d-\x7e]*", text) is not None
    return text if is_local else "/"


def address_of(request: web.Request) -> str:
    return str(client_address(request) or "unix")


def account_event(request: web.Request, kind: Kind, name: str, **data: Any) -> Event:
    """What happened to the account, by its owner; name '': nobody known."""
    actor = f"user:{name}" if name else "relay"
    return Event(
        request.app[NEW_ID](), request.app[CLOCK](), kind, actor, data={**data, "address": address_of(request)}
    )


async def refused(request: web.Request, name: str | None, reason: str, **data: Any) -> None:
    """Records that a sign-in was refused. `name`: of a known user, else None; never what was typed."""
    event = account_event(request, Kind.SIGN_IN_REFUSED, name or "", user=name, reason=reason, **data)
    await request.app[ARCHIVE].add_events([event])


async def open_session(request: web.Request, user: User, method: str) -> tuple[WebSession, str]:
    """A new session, instead of the one that the browser may have; and its token, for the cookie.

    Raises 403 for a disabled user: however they prove who they are, they come by here.
    """
    await check_enabled(request, user)
    app, now = request.app, request.app[CLOCK]()
    token = app[NEW_SECRET]()
    session = WebSession(
        token_hash=hashlib.sha256(token.encode()).digest(),
        user=user.name,
        created_at=now,
        expires_at=now + app[CONFIG].viewer.session_lifetime * 1_000_000,
        address=address_of(request),
        seen_at=now,
        user_agent=request.headers.get("User-Agent", "")[:LONGEST],
        method=method,
    )
    old = request.get(PERSON)
    if old is not None and old.session is not None:
        await app[ARCHIVE].remove_session(old.session, account_event(request, Kind.SIGNED_OUT, old.name))
    await app[ARCHIVE].add_session(session, account_event(request, Kind.SIGNED_IN, user.name, method=method))
    return session, token


async def check_enabled(request: web.Request, user: User) -> None:
    """Raises 403 unless the user may sign in. Tell it only to who has proved who they are."""
    if user.disabled_at is not None:
        await refused(request, user.name, say("disabled"))
        raise web.HTTPForbidden(text=say("This account is switched off. Ask an administrator."))


async def begin_session(request: web.Request, user: User, onward: str, method: str) -> web.Response:
    """Signs in, and leads on."""
    _, token = await open_session(request, user, method)
    response = web.Response(status=303, headers={"Location": onward})
    set_session_cookie(request, response, token)
    return response


@web.middleware
async def attend(request: web.Request, handler: Handler) -> web.StreamResponse:
    """After the guard: leads those who must set up a second factor there, and notes when the session was used."""
    session = request.get(SESSION)
    if session is not None:
        if must_set_up(request, session) and not is_public(request):
            _lead_to_set_up(request)
        await _see(request, session)
    return await handler(request)


def must_set_up(request: web.Request, session: WebSession) -> bool:
    """Whether the house asks for two factors, and this sign-in proved one."""
    return request.app[CONFIG].viewer.second_factor == "required" and session.method in ONE_FACTOR


def _lead_to_set_up(request: web.Request) -> None:
    path = request.path
    if any(path == one or path.startswith(f"{one}/") for one in WHILE_SETTING_UP):
        return
    if request.method in SAFE_METHODS and not path.startswith("/api/"):
        raise web.HTTPSeeOther(SET_UP)
    raise web.HTTPForbidden(text=say("Set up a second factor first."))


async def _see(request: web.Request, session: WebSession) -> None:
    now = request.app[CLOCK]()
    if now - max(session.seen_at, session.created_at) < SEEN_EVERY:
        return
    try:
        await request.app[ARCHIVE].see_session(session.token_hash, now, address_of(request))
    except ArchiveError:
        # A full disk must not keep people from reading; the page says so where it matters.
        return


def is_fresh(request: web.Request) -> bool:
    """Whether the person proved who they are a moment ago, as changes to the ways of signing in ask for."""
    session: WebSession | None = request.get(SESSION)
    if session is None:
        return False
    return session.method == PROXY or request.app[CLOCK]() - session.created_at < FRESH


def handle_of(session: WebSession) -> str:
    """By which a page names a session: its token cannot be found from it."""
    return hashlib.sha256(b"handle" + session.token_hash).hexdigest()[:32]
