"""Signing in and out: by password, and once by a link that makes the first administrator.

Sessions are the archive's; the browser's cookie holds the token, the archive only its SHA-256. A new token is made at
every sign-in, so that one planted before it is worth nothing.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import re
from dataclasses import replace
from typing import Any

import aiohttp_jinja2
from aiohttp import web

from relay.archive.api import User, WebSession
from relay.model.event import Event, Kind
from viewer import passwords
from viewer.attempts import Attempts
from viewer.keys import ARCHIVE, CLOCK, CONFIG, NEW_ID, NEW_SECRET, PERSON
from viewer.passwords import Passwords
from viewer.people import NAME, name_problem
from viewer.security import clear_session_cookie, client_address, set_session_cookie, signed_in_user

ATTEMPTS: web.AppKey[Attempts] = web.AppKey("attempts", Attempts)
PASSWORDS: web.AppKey[Passwords] = web.AppKey("passwords", Passwords)
FIRST_ADMINISTRATOR: web.AppKey[asyncio.Lock] = web.AppKey("first_administrator", asyncio.Lock)
FIRST_SIGN_IN = "first-sign-in"
"""The setting `{"hash": SHA-256 of the link's token in hex, "expires_at": UTC microseconds}`, while no one exists."""
GONE = "This link has been used or has expired. Restart the service for a new one."

routes = web.RouteTableDef()


def setup(app: web.Application) -> None:
    app[ATTEMPTS] = Attempts(app[CONFIG].viewer.max_sign_in_attempts)
    app[PASSWORDS] = Passwords()
    app[FIRST_ADMINISTRATOR] = asyncio.Lock()
    app.add_routes(routes)


# -- by password ---------------------------------------------------------------------------------------------------


@routes.get("/sign-in")
async def show(request: web.Request) -> web.Response:
    onward = request.query.get("next", "/")
    if PERSON in request:
        raise web.HTTPSeeOther(local_path(onward))
    return _page(request, "", onward, "")


@routes.post("/sign-in")
async def sign_in(request: web.Request) -> web.StreamResponse:
    form = await request.post()
    name, password, onward = (str(form.get(field, "")) for field in ("name", "password", "next"))
    keys = (f"user {name.casefold()[:64]}", f"address {client_address(request)}")
    wait = request.app[ATTEMPTS].begin(keys, request.app[CLOCK]())
    if wait:
        problem = f"Too many wrong passwords. Try again in {-(-wait // 60)} minutes."
        response = _page(request, name, onward, problem, status=429)
        response.headers["Retry-After"] = str(wait)
        return response
    user = await _checked(request, name, password)
    if user is None:
        await _refused(request, name)
        return _page(request, name, onward, "The user name or the password is wrong.", status=401)
    request.app[ATTEMPTS].forgive(keys)
    return await _begin_session(request, user, local_path(onward))


def _page(request: web.Request, name: str, onward: str, problem: str, status: int = 200) -> web.Response:
    context = {"name": name, "next": local_path(onward), "problem": problem}
    return aiohttp_jinja2.render_template("sign_in.html", request, context, status=status)


def local_path(text: str) -> str:
    """`text` if it is a path of ours, else `/`: a sign-in must not send people to another site."""
    is_local = re.fullmatch(r"/(?![/\\])[\x21-\x5b\x5d-\x7e]*", text) is not None
    return text if is_local else "/"


async def _checked(request: web.Request, name: str, password: str) -> User | None:
    """The user, if the password is theirs. Their hash is renewed where parameters have become stronger."""
    archive = request.app[ARCHIVE]
    user = await archive.user(name) if NAME.fullmatch(name) else None
    if not await request.app[PASSWORDS].is_right(user.password_hash if user else "", password) or user is None:
        return None
    if passwords.needs_rehash(user.password_hash):
        user = replace(user, password_hash=await request.app[PASSWORDS].hash(password))
        event = _event(request, Kind.ACCOUNT_CHANGED, user.name, {"user": user.name, "change": "rehash"})
        await archive.put_user(user, event)
    return user


async def _refused(request: web.Request, name: str) -> None:
    """The name as given is kept, bounded; a password typed into the wrong field would be, too, so only known names."""
    known = NAME.fullmatch(name) is not None and await request.app[ARCHIVE].user(name) is not None
    data = {"user": name if known else None}
    await request.app[ARCHIVE].add_events([_event(request, Kind.SIGN_IN_REFUSED, name if known else "", data)])


# -- by the first link ---------------------------------------------------------------------------------------------


@routes.get("/sign-in/{token}")
async def show_first(request: web.Request) -> web.Response:
    await _check_link(request)
    return _first_page(request, "admin", "")


@routes.post("/sign-in/{token}")
async def first_sign_in(request: web.Request) -> web.StreamResponse:
    """Makes the administrator, uses the link up, and signs in.

    Crash between making and using up: there is a user then, so the link is refused all the same.
    """
    form = await request.post()
    name, password = str(form.get("name", "")), str(form.get("password", ""))
    async with request.app[FIRST_ADMINISTRATOR]:
        await _check_link(request)
        problem = name_problem(name) or passwords.weakness(password, name)
        if problem:
            return _first_page(request, name, problem, status=400)
        archive = request.app[ARCHIVE]
        password_hash = await request.app[PASSWORDS].hash(password)
        user = User(name, "administrator", password_hash, request.app[CLOCK]())
        change = {"user": name, "change": "added", "role": user.role}
        await archive.put_user(user, _event(request, Kind.ACCOUNT_CHANGED, name, change))
        await archive.put_setting(FIRST_SIGN_IN, None)
    return await _begin_session(request, user, "/")


async def _check_link(request: web.Request) -> None:
    """Raises 404 unless the token is the one that was printed, in time, and there is no user yet."""
    archive = request.app[ARCHIVE]
    setting: dict[str, Any] = await archive.setting(FIRST_SIGN_IN) or {}
    given = hashlib.sha256(request.match_info["token"].encode("utf-8", "replace")).hexdigest()
    is_right = hmac.compare_digest(given, str(setting.get("hash", "")))
    if not is_right or setting["expires_at"] <= request.app[CLOCK]() or await archive.users():
        raise web.HTTPNotFound(text=GONE)


def _first_page(request: web.Request, name: str, problem: str, status: int = 200) -> web.Response:
    context = {"name": name, "problem": problem, "min_password": passwords.SHORTEST}
    return aiohttp_jinja2.render_template("first_sign_in.html", request, context, status=status)


# -- sessions ------------------------------------------------------------------------------------------------------


async def _begin_session(request: web.Request, user: User, onward: str) -> web.Response:
    app, now = request.app, request.app[CLOCK]()
    token = app[NEW_SECRET]()
    session = WebSession(
        token_hash=hashlib.sha256(token.encode()).digest(),
        user=user.name,
        created_at=now,
        expires_at=now + app[CONFIG].viewer.session_lifetime * 1_000_000,
        address=str(client_address(request) or "unix"),
    )
    old = request.get(PERSON)
    if old is not None and old.session is not None:
        await app[ARCHIVE].remove_session(old.session, _event(request, Kind.SIGNED_OUT, old.name))
    await app[ARCHIVE].add_session(session, _event(request, Kind.SIGNED_IN, user.name))
    response = web.Response(status=303, headers={"Location": onward})
    set_session_cookie(request, response, token)
    return response


@routes.post("/sign-out")
async def sign_out(request: web.Request) -> web.Response:
    person = signed_in_user(request)
    response = web.Response(status=303, headers={"Location": "/sign-in"})
    if person.session is not None:
        await request.app[ARCHIVE].remove_session(person.session, _event(request, Kind.SIGNED_OUT, person.name))
    clear_session_cookie(request, response)
    return response


async def change_password(request: web.Request, old: str, new: str) -> web.Response | str:
    """Gives the person who asks a new password and ends all their sessions but a new one, begun here.

    Returns the response that carries the new cookie, or what is wrong in a sentence. Tries at the old password are
    limited as at sign-in.
    """
    person, archive = signed_in_user(request), request.app[ARCHIVE]
    keys = (f"user {person.name.casefold()}",)
    if request.app[ATTEMPTS].begin(keys, request.app[CLOCK]()):
        return "Too many wrong passwords. Try again in 15 minutes."
    user = await _checked(request, person.name, old)
    if user is None:
        return "The old password is wrong."
    request.app[ATTEMPTS].forgive(keys)
    if problem := passwords.weakness(new, person.name):
        return problem
    changed = replace(user, password_hash=await request.app[PASSWORDS].hash(new))
    event = _event(request, Kind.ACCOUNT_CHANGED, person.name, {"user": person.name, "change": "password"})
    await archive.put_user(changed, event)
    return await _begin_session(request, changed, "/account")


def _event(request: web.Request, kind: Kind, name: str, data: dict[str, Any] | None = None) -> Event:
    address = str(client_address(request) or "unix")
    actor = f"user:{name}" if name else "relay"
    facts = {**(data or {}), "address": address}
    return Event(request.app[NEW_ID](), request.app[CLOCK](), kind, actor, data=facts)
