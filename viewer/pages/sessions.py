"""Signed-in browsers: a person's own, to be ended one by one or all others; and, for administrators, anyone's.

With the sessions of another person an administrator sees their ways to sign in, and can take away what they lost.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import aiohttp_jinja2
from aiohttp import web

from relay.archive.api import User, WebSession
from relay.model.access import Permission
from relay.model.event import Kind
from viewer.flash import flash
from viewer.identity.browsers import browser_in_words
from viewer.identity.sessions import handle_of
from viewer.journal import deed
from viewer.keys import ARCHIVE, CLOCK, SESSION
from viewer.security import require, signed_in_user
from viewer.translation import say

routes = web.RouteTableDef()


async def rows(request: web.Request, user: str) -> list[dict[str, Any]]:
    """The sessions of a user as the table shows them, the latest seen first, the one that asks above all."""
    now, own = request.app[CLOCK](), request.get(SESSION)
    own_hash = own.token_hash if own else b""
    found = [
        {
            "handle": handle_of(one),
            "browser": browser_in_words(one.user_agent),
            "address": one.address,
            "method": one.method,
            "created_at": one.created_at,
            "seen_at": now if one.token_hash == own_hash else max(one.seen_at, one.created_at),
            "is_this": one.token_hash == own_hash,
        }
        for one in await request.app[ARCHIVE].sessions(user, now)
    ]
    return sorted(found, key=lambda row: not row["is_this"])


# -- one's own -----------------------------------------------------------------------------------------------------


@routes.post("/account/sessions/end")
async def end_others(request: web.Request) -> web.Response:
    person = signed_in_user(request)
    event = deed(request, Kind.ACCOUNT_CHANGED, user=person.name, change=say("other sessions ended"))
    await request.app[ARCHIVE].end_sessions(person.name, person.session, event)
    flash(request, say("Your other browsers are signed out."))
    raise web.HTTPSeeOther("/account#sessions")


@routes.post("/account/sessions/{handle}/end")
async def end(request: web.Request) -> web.Response:
    """Ends one; ending this one is signing out."""
    person = signed_in_user(request)
    session = await _named(request, person.name)
    if session.token_hash == person.session:
        raise web.HTTPConflict(text=say("This is the browser you are using. Sign out instead."))
    await _end(request, session)
    raise web.HTTPSeeOther("/account#sessions")


async def _named(request: web.Request, user: str) -> WebSession:
    for session in await request.app[ARCHIVE].sessions(user, request.app[CLOCK]()):
        if handle_of(session) == request.match_info["handle"]:
            return session
    raise web.HTTPNotFound(text=say("This session has ended."))


async def _end(request: web.Request, session: WebSession) -> None:
    browser = browser_in_words(session.user_agent)
    event = deed(
        request,
        Kind.ACCOUNT_CHANGED,
        user=session.user,
        change=say("session ended"),
        browser=browser,
        session_address=session.address,
    )
    await request.app[ARCHIVE].remove_session(session.token_hash, event)
    flash(request, say("That browser is signed out."))


# -- anyone's ------------------------------------------------------------------------------------------------------


@routes.get("/users/{name}/sign-in")
async def show(request: web.Request) -> web.Response:
    user, archive = await _user(request), request.app[ARCHIVE]
    context = {
        "user": user,
        "sessions": await rows(request, user.name),
        "has_app": await archive.second_factor(user.name) is not None,
        "passkeys": await archive.passkeys(user.name),
        "codes_left": await archive.recovery_codes(user.name),
        "identities": await archive.identities(user.name),
        "now": request.app[CLOCK](),
    }
    return aiohttp_jinja2.render_template("user_sign_in.html", request, context)


@routes.post("/users/{name}/sessions/end")
async def end_all_of_user(request: web.Request) -> web.Response:
    user, person = await _user(request), signed_in_user(request)
    event = deed(request, Kind.ACCOUNT_CHANGED, user=user.name, change=say("all sessions ended"))
    keep = person.session if user.name == person.name else None
    await request.app[ARCHIVE].end_sessions(user.name, keep, event)
    flash(request, say("%(user)s is signed out everywhere.", user=user.name))
    raise web.HTTPSeeOther(_address(user))


@routes.post("/users/{name}/sessions/{handle}/end")
async def end_of_user(request: web.Request) -> web.Response:
    user = await _user(request)
    await _end(request, await _named(request, user.name))
    raise web.HTTPSeeOther(_address(user))


@routes.post("/users/{name}/factors/remove")
async def remove_factors(request: web.Request) -> web.Response:
    """For people who lost phone and codes: from then on the password alone signs in, until they set up new ones."""
    user, person = await _user(request), signed_in_user(request)
    if user.name == person.name:
        raise web.HTTPConflict(text=say("Remove your own on your account page."))
    event = deed(request, Kind.ACCOUNT_CHANGED, user=user.name, change=say("second factors removed"))
    await request.app[ARCHIVE].remove_factors(user.name, event)
    flash(request, say("%(user)s signs in by password alone until a new second factor is set up.", user=user.name))
    raise web.HTTPSeeOther(_address(user))


async def _user(request: web.Request) -> User:
    """The user of the page's address, for who manages people and may all that the user may.

    Else who manages people could take an administrator's second factor away, and be halfway in.
    """
    person = require(request, Permission.USERS)
    account = await request.app[ARCHIVE].account(request.match_info["name"])
    if account is None:
        raise web.HTTPNotFound(text=say("There is no such user."))
    if not person.scope.is_everything or not account.grant.permissions <= person.grant.permissions:
        raise web.HTTPForbidden(text=say("You have fewer rights than this user; ask an administrator."))
    return account.user


def _address(user: User) -> str:
    return f"/users/{quote(user.name, safe='')}/sign-in"
