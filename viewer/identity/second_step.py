"""The second step of a sign-in by password: a code of the app, a recovery code, or a passkey (`passkeys.py`).

Between the steps the browser holds a cookie that names a ceremony and opens nothing.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import aiohttp_jinja2
from aiohttp import web

from relay.archive.api import Archive, User
from relay.model.event import Kind
from viewer.identity import ceremonies, passkeys, recovery, totp
from viewer.identity.attempts import ATTEMPTS, attempt_keys
from viewer.identity.sessions import WITH_CODE, WITH_RECOVERY_CODE, account_event, begin_session, refused
from viewer.keys import ARCHIVE, CLOCK
from viewer.translation import say

STEP = "second step"
_SIX_DIGITS = re.compile(r"\d{6}", re.ASCII)

routes = web.RouteTableDef()


@dataclass(frozen=True, slots=True)
class Waiting:
    """Someone who gave the right password. With another one since then they begin again."""

    user: str
    password_hash: str
    onward: str


def setup(app: web.Application) -> None:
    app.add_routes(routes)


async def is_needed(archive: Archive, user: str) -> bool:
    """Whether the password alone does not open a session: there is an app or a passkey."""
    return await archive.second_factor(user) is not None or bool(await archive.passkeys(user))


def begin(request: web.Request, user: User, onward: str) -> web.Response:
    """Leads to the second step."""
    token = ceremonies.begin(request, STEP, Waiting(user.name, user.password_hash, onward))
    response = web.Response(status=303, headers={"Location": "/second-factor"})
    ceremonies.give_cookie(request, response, token)
    return response


async def waiting_user(request: web.Request) -> tuple[Waiting, User] | None:
    """Who is between the steps in this browser."""
    waiting: Waiting | None = request.app[ceremonies.CEREMONIES].find(
        STEP, ceremonies.own_key(request), request.app[CLOCK]()
    )
    user = await request.app[ARCHIVE].user(waiting.user) if waiting else None
    if waiting is None or user is None or user.password_hash != waiting.password_hash:
        return None
    return waiting, user


@routes.get("/second-factor")
async def show(request: web.Request) -> web.Response:
    found = await waiting_user(request)
    if found is None:
        raise web.HTTPSeeOther("/sign-in")
    return await _page(request, found[1], found[0].onward)


@routes.post("/second-factor")
async def check(request: web.Request) -> web.StreamResponse:
    """Opens the session if the code is right and was not used before. Tries are limited as those of passwords."""
    found = await waiting_user(request)
    if found is None:
        raise web.HTTPSeeOther("/sign-in")
    waiting, user = found
    given = str((await request.post()).get("code", ""))
    keys = attempt_keys(request, user.name)
    wait = request.app[ATTEMPTS].begin(keys, request.app[CLOCK]())
    if wait:
        problem = say("Too many wrong codes. Try again in %(minutes)s minutes.", minutes=-(-wait // 60))
        response = await _page(request, user, waiting.onward, problem, status=429)
        response.headers["Retry-After"] = str(wait)
        return response
    method = await _proved(request, user.name, given)
    if not method:
        await refused(request, user.name, say("wrong code"))
        return await _page(request, user, waiting.onward, say("The code is wrong, or was used before."), status=401)
    request.app[ATTEMPTS].forgive(keys)
    finish(request)
    response = await begin_session(request, user, waiting.onward, method)
    ceremonies.clear_cookie(request, response)
    return response


def finish(request: web.Request) -> None:
    """The ceremony is over; what began it cannot be used again."""
    request.app[ceremonies.CEREMONIES].take(STEP, ceremonies.own_key(request), request.app[CLOCK]())


async def _proved(request: web.Request, user: str, given: str) -> str:
    """By what the person proved who they are, '' if they did not."""
    archive = request.app[ARCHIVE]
    if _SIX_DIGITS.fullmatch("".join(given.split())):
        return WITH_CODE if await is_code_right(request, user, given) else ""
    event = account_event(request, Kind.ACCOUNT_CHANGED, user, user=user, change=say("recovery code used"))
    return WITH_RECOVERY_CODE if await archive.use_recovery_code(user, recovery.digest(given), event) else ""


async def is_code_right(request: web.Request, user: str, given: str) -> bool:
    """Whether it is a code of the user's app for now, and none of that time or later was taken before."""
    archive = request.app[ARCHIVE]
    factor = await archive.second_factor(user)
    step = totp.step_of(factor.secret, given, request.app[CLOCK]()) if factor else None
    return step is not None and await archive.use_step(user, step)


async def _page(request: web.Request, user: User, onward: str, problem: str = "", status: int = 200) -> web.Response:
    archive = request.app[ARCHIVE]
    context = {
        "next": onward,
        "problem": problem,
        "has_app": await archive.second_factor(user.name) is not None,
        "passkeys": passkeys.is_possible(request) and bool(await archive.passkeys(user.name)),
    }
    return aiohttp_jinja2.render_template("second_factor.html", request, context, status=status)
