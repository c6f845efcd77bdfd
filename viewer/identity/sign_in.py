"""Signing in and out: by password, and once by a link that makes the first administrator.

Who has a second factor is led on to it (`second_step.py`). Passkeys, single sign-on and a proxy's word have files of
their own; what begins in all of them is a session (`sessions.py`).
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
from dataclasses import replace
from typing import Any

import aiohttp_jinja2
from aiohttp import web

from relay.archive.api import User
from relay.model.event import Kind
from viewer.identity import ceremonies, introduction, oidc_client, passkeys, passwords, second_step, single_sign_on
from viewer.identity.attempts import ATTEMPTS, Attempts, attempt_keys
from viewer.identity.passwords import Passwords
from viewer.identity.people import NAME, name_problem
from viewer.identity.sessions import LINK, PASSWORD, account_event, attend, begin_session, local_path, refused
from viewer.keys import ARCHIVE, CLOCK, CONFIG, PERSON, SESSION
from viewer.security import clear_session_cookie, signed_in_user
from viewer.translation import say

PASSWORDS: web.AppKey[Passwords] = web.AppKey("passwords", Passwords)
FIRST_ADMINISTRATOR: web.AppKey[asyncio.Lock] = web.AppKey("first_administrator", asyncio.Lock)
FIRST_SIGN_IN = "first-sign-in"
"""The setting `{"hash": SHA-256 of the link's token in hex, "expires_at": UTC microseconds}`, while no one exists."""
GONE = say("This link has been used or has expired. Restart the service for a new one.")

routes = web.RouteTableDef()


def setup(app: web.Application) -> None:
    app[ATTEMPTS] = Attempts(app[CONFIG].viewer.max_sign_in_attempts)
    app[PASSWORDS] = Passwords()
    app[FIRST_ADMINISTRATOR] = asyncio.Lock()
    app.add_routes(routes)
    for part in (ceremonies, second_step, passkeys, oidc_client, single_sign_on, introduction):
        part.setup(app)
    app.middlewares.append(attend)


# -- by password ---------------------------------------------------------------------------------------------------


@routes.get("/sign-in")
async def show(request: web.Request) -> web.Response:
    onward = request.query.get("next", "/")
    if PERSON in request and "again" not in request.query:
        raise web.HTTPSeeOther(local_path(onward))
    return _page(request, "", onward, "")


@routes.post("/sign-in")
async def sign_in(request: web.Request) -> web.StreamResponse:
    form = await request.post()
    name, password, onward = (str(form.get(field, "")) for field in ("name", "password", "next"))
    keys = attempt_keys(request, name)
    wait = request.app[ATTEMPTS].begin(keys, request.app[CLOCK]())
    if wait:
        problem = say("Too many wrong passwords. Try again in %(minutes)s minutes.", minutes=-(-wait // 60))
        response = _page(request, name, onward, problem, status=429)
        response.headers["Retry-After"] = str(wait)
        return response
    user = await _checked(request, name, password)
    if user is None:
        await _refused(request, name)
        return _page(request, name, onward, say("The user name or the password is wrong."), status=401)
    request.app[ATTEMPTS].forgive(keys)
    if await second_step.is_needed(request.app[ARCHIVE], user.name):
        return second_step.begin(request, user, local_path(onward))
    return await begin_session(request, user, local_path(onward), PASSWORD)


def _page(request: web.Request, name: str, onward: str, problem: str, status: int = 200) -> web.Response:
    context = {
        "name": name,
        "next": local_path(onward),
        "problem": problem,
        "single_sign_on": oidc_client.label(request.app),
        "passkeys": passkeys.is_possible(request),
    }
    return aiohttp_jinja2.render_template("sign_in.html", request, context, status=status)


async def _checked(request: web.Request, name: str, password: str) -> User | None:
    """The user, if the password is theirs. Their hash is renewed where parameters have become stronger."""
    archive = request.app[ARCHIVE]
    user = await archive.user(name) if NAME.fullmatch(name) else None
    if not await request.app[PASSWORDS].is_right(user.password_hash if user else "", password) or user is None:
        return None
    if request.app[PASSWORDS].needs_rehash(user.password_hash):
        user = replace(user, password_hash=await request.app[PASSWORDS].hash(password))
        event = account_event(request, Kind.ACCOUNT_CHANGED, user.name, user=user.name, change="rehash")
        await archive.put_user(user, event)
    return user


async def _refused(request: web.Request, name: str) -> None:
    """The name as given is kept, bounded; a password typed into the wrong field would be, too, so only known names."""
    known = NAME.fullmatch(name) is not None and await request.app[ARCHIVE].user(name) is not None
    await refused(request, name if known else None, say("wrong password") if known else say("unknown user"))


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
        await archive.put_user(user, account_event(request, Kind.ACCOUNT_CHANGED, name, **change))
        await archive.put_setting(FIRST_SIGN_IN, None)
    return await begin_session(request, user, "/", LINK)


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


@routes.post("/sign-out")
async def sign_out(request: web.Request) -> web.Response:
    person = signed_in_user(request)
    response = web.Response(status=303, headers={"Location": "/sign-in"})
    if person.session is not None:
        await request.app[ARCHIVE].remove_session(person.session, account_event(request, Kind.SIGNED_OUT, person.name))
    clear_session_cookie(request, response)
    return response


async def change_password(request: web.Request, old: str, new: str) -> web.Response | str:
    """Gives the person who asks a new password and ends all their sessions but a new one, begun here.

    Returns the response that carries the new cookie, or what is wrong in a sentence. Tries at the old password are
    limited as at sign-in.
    """
    person, archive = signed_in_user(request), request.app[ARCHIVE]
    keys = attempt_keys(request, person.name)
    if request.app[ATTEMPTS].begin(keys, request.app[CLOCK]()):
        return say("Too many wrong passwords. Try again in 15 minutes.")
    user = await _checked(request, person.name, old)
    if user is None:
        return say("The old password is wrong.")
    request.app[ATTEMPTS].forgive(keys)
    if problem := passwords.weakness(new, person.name):
        return problem
    changed = replace(user, password_hash=await request.app[PASSWORDS].hash(new))
    event = account_event(request, Kind.ACCOUNT_CHANGED, person.name, user=person.name, change="password")
    await archive.put_user(changed, event)
    # What this browser proved besides the password still holds.
    method = request[SESSION].method if SESSION in request else PASSWORD
    return await begin_session(request, changed, "/account", method)
