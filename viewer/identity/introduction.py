"""A trusted proxy that has signed people in itself, and names them in a header field of each request.

Believed only from viewer.trusted_proxies. What the proxy introduces gets a session like any other, so that it can be
listed and ended and its forms are protected; it holds as long as the proxy goes on to name the same person.
"""

from __future__ import annotations

from aiohttp import web

from relay.archive.api import User, WebSession
from relay.model.access import BUILT_IN
from relay.model.event import Kind
from viewer.identity.attempts import ATTEMPTS
from viewer.identity.people import NAME
from viewer.identity.sessions import PROXY, account_event, open_session, refused
from viewer.keys import ARCHIVE, CLOCK, CONFIG, INTRODUCE
from viewer.security import (
    NEW_TOKEN,
    SAFE_METHODS,
    cookie_name,
    is_from_trusted_proxy,
    is_public,
    set_session_cookie,
)
from viewer.translation import say

UNKNOWN = say("The proxy signed you in under a name that has no account here. Ask an administrator.")


def setup(app: web.Application) -> None:
    app[INTRODUCE] = introduce
    app.on_response_prepare.append(_give_cookie)


async def introduce(request: web.Request, session: WebSession | None) -> WebSession | None:
    """The session of whom the proxy names: the cookie's if it is theirs, else a new one. Raises 403 for a stranger."""
    field = request.app[CONFIG].viewer.user_header
    if not field or not is_from_trusted_proxy(request):
        return None if session is not None and session.method == PROXY else session
    names = request.headers.getall(field, [])
    name = names[0].strip() if len(names) == 1 else ""
    if not name:
        # Nobody is signed in at the proxy: what it began has ended, other sessions are none of its business.
        return None if session is not None and session.method == PROXY else session
    if session is not None and session.user == name:
        return session
    if is_public(request):
        return None
    user = await _user(request, name)
    if request.method not in SAFE_METHODS:
        raise web.HTTPForbidden(text=say("The form was too old or not ours. Reload the page and try again."))
    opened, token = await open_session(request, user, PROXY)
    request[NEW_TOKEN] = token.encode()
    return opened


async def _user(request: web.Request, name: str) -> User:
    """The one named; made where the configuration says as what. Raises 403."""
    archive, role = request.app[ARCHIVE], request.app[CONFIG].viewer.user_header_role
    is_name = NAME.fullmatch(name) is not None
    user = await archive.user(name) if is_name else None
    if user is not None and user.disabled_at is not None:
        await _refuse(request, "proxy: disabled user")
    if user is not None:
        return user
    if not is_name or role not in {one.name for one in (*BUILT_IN, *await archive.roles())}:
        await _refuse(request, say("proxy: unknown user") if is_name else say("proxy: not a user name"))
    user = User(name, role, "", request.app[CLOCK]())
    event = account_event(
        request, Kind.ACCOUNT_CHANGED, name, user=name, change=say("added by the proxy's word"), role=role
    )
    await archive.put_user(user, event)
    return user


async def _refuse(request: web.Request, reason: str) -> None:
    """Raises 403. The first few are written down: every request of a stranger's browser comes by here."""
    if not request.app[ATTEMPTS].begin((f"proxy {request.remote}",), request.app[CLOCK]()):
        await refused(request, None, reason)
    raise web.HTTPForbidden(text=UNKNOWN)


async def _give_cookie(request: web.Request, response: web.StreamResponse) -> None:
    """On whatever answer there is. Cookies have been made header fields by now, so this one is made one here."""
    token = request.get(NEW_TOKEN)
    if token is not None:
        set_session_cookie(request, response, token.decode())
        response.headers.add("Set-Cookie", response.cookies[cookie_name(request.app[CONFIG])].OutputString())
