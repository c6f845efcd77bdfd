"""A person's own second factor: setting the authenticator app up, recovery codes, taking it away again.

The secret is made here, kept for the session until a code of it came back, and shown in that time only.
"""

from __future__ import annotations

import hashlib
from typing import Any

import aiohttp_jinja2
import segno
from aiohttp import web
from markupsafe import Markup

from relay.archive.api import WebSession
from relay.archive.api.sign_in import SecondFactor
from relay.model.event import Kind
from viewer.flash import flash
from viewer.identity import passkeys, recovery, totp
from viewer.identity.attempts import ATTEMPTS, attempt_keys
from viewer.identity.ceremonies import CEREMONIES
from viewer.identity.sessions import WITH_CODE, is_fresh, must_set_up
from viewer.journal import deed
from viewer.keys import ARCHIVE, CLOCK, CONFIG, NEW_SECRET, SESSION
from viewer.security import signed_in_user
from viewer.translation import say

routes = web.RouteTableDef()

SETTING_UP, SHOWN_ONCE = "authenticator", "recovery codes"
HOUSE = "Mailwitness"


@routes.get("/account/second-factor")
async def show(request: web.Request) -> web.Response:
    if not is_fresh(request):
        raise web.HTTPSeeOther("/sign-in?again=1&next=/account/second-factor")
    return await _page(request)


@routes.post("/account/second-factor")
async def confirm(request: web.Request) -> web.StreamResponse:
    """Keeps the app once it has shown that it has the secret. Other browsers of the person are signed out."""
    session, person, now = check_fresh(request), signed_in_user(request), request.app[CLOCK]()
    secret: bytes | None = request.app[CEREMONIES].find(SETTING_UP, session.token_hash, now)
    keys = attempt_keys(request, person.name)
    if request.app[ATTEMPTS].begin(keys, now):
        return await _page(request, say("Too many wrong codes. Try again in 15 minutes."), status=429)
    given = str((await request.post()).get("code", ""))
    step = totp.step_of(secret, given, now) if secret else None
    if secret is None or step is None:
        problem = say("That is not the code of now. Read it from the app once more; its clock must be right.")
        return await _page(request, problem, status=400)
    request.app[ATTEMPTS].forgive(keys)
    request.app[CEREMONIES].take(SETTING_UP, session.token_hash, now)
    event = deed(request, Kind.ACCOUNT_CHANGED, user=person.name, change=say("authenticator app added"))
    await request.app[ARCHIVE].put_second_factor(SecondFactor(person.name, secret, now, step), event)
    if must_set_up(request, session):
        await request.app[ARCHIVE].strengthen_session(session.token_hash, WITH_CODE)
    await other_browsers_end(request)
    await issue_codes(request)
    raise web.HTTPSeeOther("/account/recovery-codes")


@routes.post("/account/second-factor/remove")
async def remove(request: web.Request) -> web.Response:
    check_fresh(request)
    person = signed_in_user(request)
    await check_not_the_last(request, person.name)
    event = deed(request, Kind.ACCOUNT_CHANGED, user=person.name, change=say("authenticator app removed"))
    await request.app[ARCHIVE].remove_second_factor(person.name, event)
    flash(request, say("The authenticator app is removed."))
    raise web.HTTPSeeOther("/account#factors")


@routes.get("/account/recovery-codes")
async def show_codes(request: web.Request) -> web.Response:
    """Shows new codes, this once: only their hashes are kept."""
    session = request.get(SESSION)
    codes = request.app[CEREMONIES].take(SHOWN_ONCE, session.token_hash, request.app[CLOCK]()) if session else None
    if codes is None:
        raise web.HTTPSeeOther("/account#factors")
    return aiohttp_jinja2.render_template("recovery_codes.html", request, {"codes": codes})


@routes.post("/account/recovery-codes")
async def new_codes(request: web.Request) -> web.Response:
    """Ten new ones; the old ones are worth nothing from then on."""
    check_fresh(request)
    person = signed_in_user(request)
    archive = request.app[ARCHIVE]
    if await archive.second_factor(person.name) is None and not await archive.passkeys(person.name):
        raise web.HTTPConflict(text=say("Set up an authenticator app or a passkey first."))
    await issue_codes(request)
    raise web.HTTPSeeOther("/account/recovery-codes")


# -- for all ways --------------------------------------------------------------------------------------------------


def check_fresh(request: web.Request) -> WebSession:
    """The session, if it is young enough to change how one signs in. Raises 403."""
    session: WebSession | None = request.get(SESSION)
    if session is None or not is_fresh(request):
        raise web.HTTPForbidden(text=say("Sign in again before you change how you sign in."))
    return session


async def check_not_the_last(request: web.Request, user: str) -> None:
    """Raises 409 if the house asks for a second factor and this is the only one."""
    archive = request.app[ARCHIVE]
    count = len(await archive.passkeys(user)) + (await archive.second_factor(user) is not None)
    if request.app[CONFIG].viewer.second_factor == "required" and count <= 1:
        raise web.HTTPConflict(text=say("A second factor is required here. Set up another one before you remove this."))


async def other_browsers_end(request: web.Request) -> None:
    """Whoever was signed in elsewhere proved less than is asked for now."""
    session, person = request[SESSION], signed_in_user(request)
    event = deed(request, Kind.ACCOUNT_CHANGED, user=person.name, change=say("other sessions ended"))
    await request.app[ARCHIVE].end_sessions(person.name, session.token_hash, event)


async def issue_codes(request: web.Request, *, only_if_none: bool = False) -> bool:
    """Makes recovery codes, to be shown once; whether it did."""
    app, person = request.app, signed_in_user(request)
    if only_if_none and await app[ARCHIVE].recovery_codes(person.name):
        return False
    codes = recovery.new_codes(app[NEW_SECRET])
    event = deed(request, Kind.ACCOUNT_CHANGED, user=person.name, change=say("recovery codes made"))
    await app[ARCHIVE].put_recovery_codes(person.name, [recovery.digest(code) for code in codes], event)
    app[CEREMONIES].keep(SHOWN_ONCE, request[SESSION].token_hash, codes, app[CLOCK]())
    return True


async def _page(request: web.Request, problem: str = "", status: int = 200) -> web.Response:
    app, person, session = request.app, signed_in_user(request), request[SESSION]
    now = app[CLOCK]()
    secret: bytes | None = app[CEREMONIES].find(SETTING_UP, session.token_hash, now)
    if secret is None:
        secret = hashlib.sha256(app[NEW_SECRET]().encode()).digest()[: totp.SECRET_SIZE]
        app[CEREMONIES].keep(SETTING_UP, session.token_hash, secret, now)
    context: dict[str, Any] = {
        "problem": problem,
        "is_required": must_set_up(request, session),
        "has_app": await app[ARCHIVE].second_factor(person.name) is not None,
        "picture": _picture(totp.address(secret, person.name, HOUSE)),
        "secret": totp.written(secret),
        "passkeys": passkeys.is_possible(request),
    }
    return aiohttp_jinja2.render_template("second_factor_set_up.html", request, context, status=status)


def _picture(text: str) -> Markup:
    """A QR code as SVG of ours; dark on light in every colour scheme, or phones do not read it."""
    svg = segno.make(text, error="m", micro=False).svg_inline(
        scale=5, border=4, dark="#000", light="#fff", omitsize=True, title="QR code"
    )
    return Markup(svg)  # noqa: S704 (made here, of a drawing alone)
