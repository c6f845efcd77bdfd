"""Passkeys: a key in a person's device, which signs after it saw a finger, a face or a PIN. WebAuthn Level 3.

User verification is always asked for and checked, so a passkey counts as both factors. Signing in names nobody: the
device says whose key it is, and an unknown one is answered as a wrong one is. A person's own passkeys are on the
account page (`pages/passkeys.py`).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

from aiohttp import web
from webauthn import (
    generate_authentication_options,
    generate_registration_options,
    options_to_json,
    verify_authentication_response,
    verify_registration_response,
)
from webauthn.helpers import base64url_to_bytes
from webauthn.helpers.exceptions import WebAuthnException
from webauthn.helpers.structs import (
    AuthenticatorSelectionCriteria,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from relay.archive.api.sign_in import Passkey
from viewer.identity import ceremonies
from viewer.identity.attempts import ATTEMPTS, attempt_keys
from viewer.identity.ceremonies import CEREMONIES
from viewer.identity.sessions import PASSKEY, local_path, open_session, refused
from viewer.keys import ARCHIVE, CLOCK, CONFIG
from viewer.security import set_session_cookie
from viewer.translation import say

SIGN_IN, REGISTER = "passkey sign-in", "passkey registration"
HOUSE = "Mailwitness"
WRONG = say("This passkey does not open an account here.")

routes = web.RouteTableDef()


def setup(app: web.Application) -> None:
    app.add_routes(routes)


def relying_party(request: web.Request) -> tuple[str, str] | None:
    """(name that keys are bound to, origin), or None where browsers allow no passkeys: without TLS, or by an address.

    viewer.url says it; without one only `localhost` will do.
    """
    url = request.app[CONFIG].viewer.url.rstrip("/") or f"http://{request.headers['Host']}"
    parts = urlsplit(url.lower())
    name = parts.hostname or ""
    is_local = name == "localhost" or name.endswith(".localhost")
    if _is_address(name) or not (parts.scheme == "https" or is_local):
        return None
    return name, f"{parts.scheme}://{_without_default_port(parts.scheme, parts.netloc)}"


def _is_address(name: str) -> bool:
    try:
        ip_address(name)
    except ValueError:
        return False
    return True


def _without_default_port(scheme: str, netloc: str) -> str:
    """As browsers write an origin."""
    return netloc.removesuffix({"https": ":443", "http": ":80"}[scheme])


def is_possible(request: web.Request) -> bool:
    return relying_party(request) is not None


def party_of(request: web.Request) -> tuple[str, str]:
    """The same. Raises 409 where there is none."""
    party = relying_party(request)
    if party is None:
        raise web.HTTPConflict(text=say("Passkeys need https:// and a name. An administrator can set viewer.url."))
    return party


# -- adding one ----------------------------------------------------------------------------------------------------


def creation_options(request: web.Request, user: str, session: bytes, known: Sequence[Passkey]) -> str:
    """JSON for the browser; the challenge is kept for this session."""
    name, _ = party_of(request)
    options = generate_registration_options(
        rp_id=name,
        rp_name=HOUSE,
        user_name=user,
        user_id=hashlib.sha256(f"{HOUSE}:{user}".encode()).digest(),
        authenticator_selection=AuthenticatorSelectionCriteria(
            resident_key=ResidentKeyRequirement.REQUIRED, user_verification=UserVerificationRequirement.REQUIRED
        ),
        exclude_credentials=[PublicKeyCredentialDescriptor(id=key.credential_id) for key in known],
    )
    request.app[CEREMONIES].keep(REGISTER, session, options.challenge, request.app[CLOCK]())
    return options_to_json(options)


def new_key(request: web.Request, session: bytes, credential: object) -> tuple[bytes, bytes, int]:
    """(credential id, public key, counter) of what the browser made. Raises 400 if it is not what was asked for."""
    name, origin = party_of(request)
    challenge = request.app[CEREMONIES].take(REGISTER, session, request.app[CLOCK]())
    if challenge is None or not isinstance(credential, dict):
        raise web.HTTPBadRequest(text=say("That took too long. Try again."))
    try:
        made = verify_registration_response(
            credential=credential,
            expected_challenge=challenge,
            expected_rp_id=name,
            expected_origin=origin,
            require_user_verification=True,
        )
    except _FORGERIES:
        raise web.HTTPBadRequest(text=say("The browser's answer is not a passkey for this address.")) from None
    return made.credential_id, made.credential_public_key, made.sign_count


_FORGERIES = (WebAuthnException, ValueError, KeyError, TypeError, AttributeError, IndexError)
"""What the library raises for answers that no browser gives."""


# -- signing in ----------------------------------------------------------------------------------------------------


@routes.post("/passkey/options")
async def options(request: web.Request) -> web.Response:
    """A challenge. It names no keys: the device knows which it has for us."""
    name, _ = party_of(request)
    made = generate_authentication_options(rp_id=name, user_verification=UserVerificationRequirement.REQUIRED)
    response = web.Response(text=options_to_json(made), content_type="application/json")
    key = ceremonies.own_key(request)
    if key:
        # The second step of a sign-in by password stays what it is.
        request.app[CEREMONIES].keep(SIGN_IN, key, made.challenge, request.app[CLOCK]())
    else:
        ceremonies.give_cookie(request, response, ceremonies.begin(request, SIGN_IN, made.challenge))
    return response


@routes.post("/passkey/sign-in")
async def sign_in(request: web.Request) -> web.Response:
    """`{"credential": …, "next": "/"}` -> `{"onward": "/"}` and a session; 401 for any key that is not a user's."""
    given = await body(request)
    keys = attempt_keys(request)
    wait = request.app[ATTEMPTS].begin(keys, request.app[CLOCK]())
    if wait:
        raise web.HTTPTooManyRequests(
            text=say("Too many tries. Wait a quarter of an hour."), headers={"Retry-After": str(wait)}
        )
    key = await _proved(request, given.get("credential"))
    user = await request.app[ARCHIVE].user(key.user) if key else None
    if user is None:
        return web.json_response({"problem": WRONG}, status=401)
    request.app[ATTEMPTS].forgive(keys)
    _, token = await open_session(request, user, PASSKEY)
    response = web.json_response({"onward": local_path(str(given.get("next", "/")))})
    set_session_cookie(request, response, token)
    ceremonies.clear_cookie(request, response)
    return response


async def body(request: web.Request) -> Mapping[str, Any]:
    """The JSON object that was sent. Raises 400."""
    try:
        given = json.loads(await request.read())
    except (ValueError, RecursionError):
        given = None
    if not isinstance(given, dict):
        raise web.HTTPBadRequest(text=say("Send a JSON object."))
    return given


async def _proved(request: web.Request, credential: object) -> Passkey | None:
    """The passkey that signed our challenge, in this browser's ceremony, having verified its person."""
    name, origin = party_of(request)
    challenge = request.app[CEREMONIES].take(SIGN_IN, ceremonies.own_key(request), request.app[CLOCK]())
    key = await _known(request, credential)
    if challenge is None or key is None or not isinstance(credential, dict):
        await refused(request, None, say("unknown passkey"))
        return None
    try:
        seen = verify_authentication_response(
            credential=credential,
            expected_challenge=challenge,
            expected_rp_id=name,
            expected_origin=origin,
            credential_public_key=key.public_key,
            credential_current_sign_count=key.sign_count,
            require_user_verification=True,
        )
    except _FORGERIES:
        await refused(request, key.user, say("wrong passkey"))
        return None
    await request.app[ARCHIVE].use_passkey(key.credential_id, seen.new_sign_count, request.app[CLOCK]())
    return key


async def _known(request: web.Request, credential: object) -> Passkey | None:
    try:
        return await request.app[ARCHIVE].passkey(base64url_to_bytes(credential["rawId"]))  # type: ignore[index]
    except _FORGERIES:
        return None
