"""A person's own passkeys: added by a script of ours (browsers allow no other way), named and removed by forms."""

from __future__ import annotations

from aiohttp import web

from relay.archive.api.sign_in import Passkey
from relay.model.event import Kind
from viewer.flash import flash
from viewer.identity import passkeys
from viewer.identity.browsers import browser_in_words
from viewer.identity.sessions import PASSKEY, must_set_up
from viewer.journal import deed
from viewer.keys import ARCHIVE, CLOCK, ID, NEW_ID
from viewer.pages.second_factor import check_fresh, check_not_the_last, issue_codes, other_browsers_end
from viewer.security import signed_in_user
from viewer.translation import say

routes = web.RouteTableDef()

LONGEST_NAME = 60
MOST = 20


@routes.post("/account/passkeys/options")
async def options(request: web.Request) -> web.Response:
    session, person = check_fresh(request), signed_in_user(request)
    known = await request.app[ARCHIVE].passkeys(person.name)
    if len(known) >= MOST:
        raise web.HTTPConflict(text=say("You have as many passkeys as there may be. Remove one first."))
    made = passkeys.creation_options(request, person.name, session.token_hash, known)
    return web.Response(text=made, content_type="application/json")


@routes.post("/account/passkeys")
async def add(request: web.Request) -> web.Response:
    """`{"credential": …, "name": "…"}` -> `{"onward": "/account…"}`."""
    session, person, archive = check_fresh(request), signed_in_user(request), request.app[ARCHIVE]
    given = await passkeys.body(request)
    credential_id, public_key, count = passkeys.new_key(request, session.token_hash, given.get("credential"))
    name = _name(given.get("name")) or browser_in_words(request.headers.get("User-Agent", "")) or "Passkey"
    key = Passkey(request.app[NEW_ID](), person.name, name, credential_id, public_key, count, request.app[CLOCK]())
    if await archive.passkey(credential_id) is not None:
        raise web.HTTPConflict(text=say("This passkey is registered already."))
    await archive.add_passkey(
        key, deed(request, Kind.ACCOUNT_CHANGED, user=person.name, change=say("passkey added"), passkey=name)
    )
    if must_set_up(request, session):
        await archive.strengthen_session(session.token_hash, PASSKEY)
    await other_browsers_end(request)
    if await issue_codes(request, only_if_none=True):
        return web.json_response({"onward": "/account/recovery-codes"})
    flash(request, say("The passkey is added. You can sign in with it from now on."))
    return web.json_response({"onward": "/account#factors"})


@routes.post(f"/account/passkeys/{ID}/name")
async def rename(request: web.Request) -> web.Response:
    key = await _own(request)
    name = _name((await request.post()).get("name"))
    if not name:
        raise web.HTTPBadRequest(text=say("Give the passkey a name."))
    event = deed(request, Kind.ACCOUNT_CHANGED, user=key.user, change=say("passkey renamed"), passkey=name)
    await request.app[ARCHIVE].rename_passkey(key.id, name, event)
    raise web.HTTPSeeOther("/account#factors")


@routes.post(f"/account/passkeys/{ID}/remove")
async def remove(request: web.Request) -> web.Response:
    check_fresh(request)
    key = await _own(request)
    await check_not_the_last(request, key.user)
    event = deed(request, Kind.ACCOUNT_CHANGED, user=key.user, change=say("passkey removed"), passkey=key.name)
    await request.app[ARCHIVE].remove_passkey(key.id, event)
    flash(request, say("The passkey is removed. It opens nothing here any more."))
    raise web.HTTPSeeOther("/account#factors")


async def _own(request: web.Request) -> Passkey:
    for key in await request.app[ARCHIVE].passkeys(signed_in_user(request).name):
        if key.id == request.match_info["id"]:
            return key
    raise web.HTTPNotFound(text=say("You have no such passkey."))


def _name(given: object) -> str:
    text = " ".join(given.split()) if isinstance(given, str) else ""
    return "".join(character for character in text if character.isprintable())[:LONGEST_NAME]
