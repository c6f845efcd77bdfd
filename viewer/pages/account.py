"""The account of the person who is signed in: password, ways to sign in, browsers, and tokens for the HTTP API."""

from __future__ import annotations

import hashlib
from typing import Any

import aiohttp_jinja2
from aiohttp import web

from relay.archive.api import ApiToken
from relay.model.event import Kind
from viewer import present
from viewer.flash import flash
from viewer.identity import oidc_client, passkeys, passwords
from viewer.identity.rights import PERMISSION_WORDS, permissions_in, values
from viewer.identity.sessions import is_fresh
from viewer.identity.sign_in import change_password
from viewer.journal import deed
from viewer.keys import ARCHIVE, CLOCK, ID, NEW_ID, NEW_SECRET
from viewer.pages import sessions
from viewer.security import signed_in_user
from viewer.translation import say

routes = web.RouteTableDef()

LIFETIMES = (("30", say("30 days")), ("90", say("90 days")), ("365", say("1 year")), ("", say("until revoked")))
LONGEST_NAME = 100


@routes.get("/account")
async def show(request: web.Request) -> web.Response:
    return await _page(request)


@routes.post("/account/password")
async def set_password(request: web.Request) -> web.Response:
    """Changes the password; all other sessions of the person end."""
    form = await request.post()
    done = await change_password(request, str(form.get("old", "")), str(form.get("new", "")))
    return done if isinstance(done, web.Response) else await _page(request, problem=done, status=400)


@routes.post("/account/tokens")
async def add_token(request: web.Request) -> web.Response:
    """Makes a token and shows it, this once: only its hash is kept."""
    form = await request.post()
    name = str(form.get("name", "")).strip()[:LONGEST_NAME] or say("API token")
    days = str(form.get("days", ""))
    now = request.app[CLOCK]()
    expires_at = now + int(days) * present.DAY if days in {value for value, _ in LIFETIMES if value} else None
    chosen = form.getall("permission", [])
    permissions = permissions_in(chosen) if chosen else None
    applications = values(str(form.get("applications", "")), "applications")
    secret = request.app[NEW_SECRET]()
    digest = hashlib.sha256(secret.encode()).digest()
    user = signed_in_user(request).name
    token = ApiToken(request.app[NEW_ID](), name, user, digest, now, expires_at, permissions, applications)
    event = deed(request, Kind.ACCOUNT_CHANGED, change=say("token added"), token=token.id, user=token.user)
    await request.app[ARCHIVE].add_token(token, event)
    return await _page(request, secret=secret)


@routes.post(f"/account/tokens/{ID}/revoke")
async def revoke(request: web.Request) -> web.Response:
    """Makes one's own token useless, at once."""
    archive, token_id, person = request.app[ARCHIVE], request.match_info["id"], signed_in_user(request)
    if all(token.id != token_id for token in await archive.tokens() if token.user == person.name):
        raise web.HTTPNotFound(text=say("You have no such token."))
    event = deed(request, Kind.ACCOUNT_CHANGED, change=say("token revoked"), token=token_id, user=person.name)
    await archive.remove_token(token_id, event)
    flash(request, say("The token is revoked."))
    raise web.HTTPSeeOther("/account")


async def _page(request: web.Request, *, problem: str = "", secret: str = "", status: int = 200) -> web.Response:
    person, archive = signed_in_user(request), request.app[ARCHIVE]
    user = await archive.user(person.name)
    context: dict[str, Any] = {
        "tokens": [token for token in await archive.tokens() if token.user == person.name],
        "has_password": user is not None and bool(user.password_hash),
        "is_fresh": is_fresh(request),
        "factor": await archive.second_factor(person.name),
        "passkeys": await archive.passkeys(person.name),
        "codes_left": await archive.recovery_codes(person.name),
        "identities": await archive.identities(person.name),
        "single_sign_on": oidc_client.label(request.app),
        "are_passkeys_possible": passkeys.is_possible(request),
        "sessions": await sessions.rows(request, person.name),
        "problem": problem,
        "secret": secret,
        "lifetimes": LIFETIMES,
        "permissions": PERMISSION_WORDS,
        "min_password": passwords.SHORTEST,
        "now": request.app[CLOCK](),
    }
    return aiohttp_jinja2.render_template("account.html", request, context, status=status)
