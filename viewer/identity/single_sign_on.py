"""Single sign-on in the browser: to the provider and back, and the user that comes of it.

What goes out is kept as a ceremony of this browser (state, nonce, PKCE verifier), and taken once when it comes back: a
state that is replayed, or brought by another browser, opens nothing.
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import aiohttp_jinja2
from aiohttp import web

from relay import maillog
from relay.archive.api import ArchiveError, User
from relay.archive.api.sign_in import Identity
from relay.model.access import BUILT_IN
from relay.model.event import Kind
from viewer.errors import refusal
from viewer.flash import flash
from viewer.identity import ceremonies
from viewer.identity.admission import Admission, Refusal, admit, groups_after
from viewer.identity.ceremonies import CEREMONIES
from viewer.identity.oidc_client import PROVIDER, NotProved, ProviderError
from viewer.identity.sessions import SINGLE_SIGN_ON, account_event, begin_session, is_fresh, local_path, refused
from viewer.keys import ARCHIVE, CLOCK, CONFIG, NEW_SECRET, PERSON
from viewer.security import signed_in_user
from viewer.translation import say

AWAY = "single sign-on"
FAILED = say("Single sign-on did not work. Try again; if it stays so, ask an administrator.")
UNREACHABLE = say("The sign-in service does not answer at the moment. Try again in a minute.")
NOT_ADMITTED = say("You are signed in there, but may not come in here. Ask an administrator which group you need.")

routes = web.RouteTableDef()


@dataclass(frozen=True, slots=True)
class Away:
    """A browser that was sent to the provider. `joins`: the user who asked to be joined to an identity, else ''."""

    state: str
    nonce: str
    verifier: str
    redirect_uri: str
    onward: str
    joins: str = ""


def setup(app: web.Application) -> None:
    app.add_routes(routes)


@routes.get("/oidc/start")
async def start(request: web.Request) -> web.Response:
    """A link, not a form: the page's policy lets forms lead to ourselves only."""
    onward, is_again = local_path(request.query.get("next", "/")), PERSON in request
    address, token = await _away(request, onward, is_again=is_again)
    response = web.Response(status=303, headers={"Location": address})
    ceremonies.give_cookie(request, response, token)
    return response


@routes.post("/account/single-sign-on")
async def join(request: web.Request) -> web.Response:
    """Begins to join the person who is signed in to an identity there; the page has the link to go to it."""
    if not is_fresh(request):
        raise web.HTTPForbidden(text=say("Sign in again before you change how you sign in."))
    address, token = await _away(request, "/account#factors", joins=signed_in_user(request).name, is_again=True)
    context = {"address": address, "label": request.app[CONFIG].oidc.label}
    response = aiohttp_jinja2.render_template("single_sign_on.html", request, context)
    ceremonies.give_cookie(request, response, token)
    return response


@routes.post("/account/single-sign-on/remove")
async def part(request: web.Request) -> web.Response:
    """Undoes it, for who can sign in by password."""
    person, archive = signed_in_user(request), request.app[ARCHIVE]
    user = await archive.user(person.name)
    if not is_fresh(request) or user is None or not user.password_hash:
        raise web.HTTPForbidden(text=say("Only who has just signed in, and has a password, may do this."))
    for one in await archive.identities(person.name):
        event = account_event(
            request, Kind.ACCOUNT_CHANGED, person.name, user=person.name, change=say("identity removed")
        )
        await archive.remove_identity(one.issuer, one.subject, event)
    flash(request, say("Single sign-on no longer opens this account."))
    raise web.HTTPSeeOther("/account#factors")


async def _away(request: web.Request, onward: str, *, joins: str = "", is_again: bool = False) -> tuple[str, str]:
    """The provider's address for this sign-in, and the token of the ceremony that waits for its end."""
    if not request.app[CONFIG].oidc.issuer:
        raise web.HTTPNotFound(text=say("There is no single sign-on here."))
    new_secret = request.app[NEW_SECRET]
    away = Away(new_secret(), new_secret(), new_secret() + new_secret(), _redirect_uri(request), onward, joins)
    try:
        address = await request.app[PROVIDER].address(
            redirect_uri=away.redirect_uri,
            state=away.state,
            nonce=away.nonce,
            verifier=away.verifier,
            is_again=is_again,
        )
    except ProviderError as error:
        maillog.sign_in_failed(str(error))
        raise web.HTTPBadGateway(text=UNREACHABLE) from error
    return address, ceremonies.begin(request, AWAY, away)


def _redirect_uri(request: web.Request) -> str:
    base = request.app[CONFIG].viewer.url.rstrip("/") or f"http://{request.headers['Host']}"
    return f"{base}/oidc/return"


@routes.get("/oidc/return")
async def come_back(request: web.Request) -> web.Response:
    """Signs in whom the provider vouches for. Whatever is wrong: 403, the reason in the event and not in the page."""
    away: Away | None = request.app[CEREMONIES].take(AWAY, ceremonies.own_key(request), request.app[CLOCK]())
    given = request.query
    if away is None or not hmac.compare_digest(away.state.encode(), given.get("state", "").encode()):
        await refused(request, None, say("single sign-on: unknown state"))
        raise web.HTTPForbidden(text=FAILED)
    issuer = request.app[CONFIG].oidc.issuer
    if given.get("iss", issuer) != issuer or not given.get("code"):
        await refused(
            request,
            None,
            say("single sign-on: the provider said %(what)s", what=repr(given.get("error", "nothing")[:60])),
        )
        raise web.HTTPForbidden(text=FAILED)
    try:
        claims = await request.app[PROVIDER].claims(
            code=given["code"], redirect_uri=away.redirect_uri, verifier=away.verifier, nonce=away.nonce
        )
    except NotProved as error:
        await refused(request, None, say("single sign-on: %(error)s", error=error))
        raise web.HTTPForbidden(text=FAILED) from error
    except ProviderError as error:
        maillog.sign_in_failed(str(error))
        await refused(request, None, say("single sign-on: %(error)s", error=error))
        raise web.HTTPBadGateway(text=UNREACHABLE) from error
    if away.joins:
        return await _join(request, away, str(claims["sub"]))
    user = await _user(request, str(claims["sub"]), await _decision(request, claims))
    response = await begin_session(request, user, away.onward, SINGLE_SIGN_ON)
    ceremonies.clear_cookie(request, response)
    return response


async def _decision(request: web.Request, claims: Mapping[str, Any]) -> Admission | Refusal:
    archive = request.app[ARCHIVE]
    roles = {role.name for role in (*BUILT_IN, *await archive.roles())}
    groups = {group.name for group in await archive.groups()}
    return admit(request.app[CONFIG].oidc, claims, roles, groups)


async def _user(request: web.Request, subject: str, decision: Admission | Refusal) -> User:
    """The user that the identity belongs to, made if it is new. Raises 403.

    One who was here before and joined the identity keeps the role that an administrator gave.
    """
    archive, issuer = request.app[ARCHIVE], request.app[CONFIG].oidc.issuer
    known = await archive.identity(issuer, subject)
    user = await archive.user(known.user) if known else None
    if known is not None and user is not None and not known.is_managed:
        return user
    if isinstance(decision, Refusal):
        await refused(request, user.name if user else None, say("single sign-on: %(reason)s", reason=decision.reason))
        raise web.HTTPForbidden(text=NOT_ADMITTED)
    if user is None:
        return await _new_user(request, decision)
    groups = groups_after(request.app[CONFIG].oidc, user.groups, decision)
    if (user.role, user.groups) != (decision.role, groups):
        user = replace(user, role=decision.role, groups=groups)
        change = {
            "change": say("role changed by single sign-on"),
            "role": user.role,
            "groups": list(groups),
        }
        await archive.put_user(user, account_event(request, Kind.ACCOUNT_CHANGED, user.name, user=user.name, **change))
    return user


async def _new_user(request: web.Request, admission: Admission) -> User:
    """Never one that is there already: whoever chooses a name at the provider would choose an account here."""
    app, now = request.app, request.app[CLOCK]()
    if not admission.name:
        await refused(request, None, say("single sign-on: no claim makes a user name"))
        raise web.HTTPForbidden(text=NOT_ADMITTED)
    user = User(admission.name, admission.role, "", now, groups=admission.groups)
    identity = Identity(app[CONFIG].oidc.issuer, admission.subject, user.name, True, now)
    event = account_event(
        request,
        Kind.ACCOUNT_CHANGED,
        user.name,
        user=user.name,
        change=say("added by single sign-on"),
        role=user.role,
        groups=list(user.groups),
    )
    try:
        await app[ARCHIVE].add_identity(identity, user, event)
    except ArchiveError as error:
        await refused(request, None, say("single sign-on: a user of that name is there already"))
        raise refusal(
            web.HTTPForbidden,
            say(
                "There is a user %(name)s here already. Sign in by password and join the two on the account page.",
                name=user.name,
            ),
        ) from error
    return user


async def _join(request: web.Request, away: Away, subject: str) -> web.Response:
    """Only for the person who asked, still signed in, and only an identity that is nobody else's."""
    person, archive = request.get(PERSON), request.app[ARCHIVE]
    issuer, now = request.app[CONFIG].oidc.issuer, request.app[CLOCK]()
    known = await archive.identity(issuer, subject)
    if person is None or person.name != away.joins or (known is not None and known.user != away.joins):
        await refused(request, None, say("single sign-on: the identity cannot be joined"))
        raise web.HTTPForbidden(text=say("This identity belongs to somebody else here."))
    event = account_event(request, Kind.ACCOUNT_CHANGED, person.name, user=person.name, change=say("identity added"))
    await archive.add_identity(Identity(issuer, subject, person.name, False, now), None, event)
    flash(request, say("You can use single sign-on from now on."))
    response = web.Response(status=303, headers={"Location": away.onward})
    ceremonies.clear_cookie(request, response)
    return response
