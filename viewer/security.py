"""Who may ask for what: one middleware before every handler, and headers on every answer.

In order: Host allow-list (DNS rebinding), fetch metadata and Origin (requests made by other sites), session cookie or
bearer token, body limit and deadline, CSRF token. Does not decide what a role may do (`people.py`).
RFC 6265bis, RFC 6750, Fetch Metadata (W3C), CSP 3.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import zlib
from collections.abc import Sequence
from ipaddress import IPv4Address, IPv6Address, ip_address
from urllib.parse import quote, urlsplit

from aiohttp import web

from relay.archive.api import Archive
from relay.archive.scoped import ScopedArchive
from relay.config import Config, Network
from relay.model.access import Permission
from viewer.errors import refusal
from viewer.identity import callers
from viewer.identity.people import Person, bearer_of, person_of
from viewer.keys import ARCHIVE, CLOCK, CONFIG, INTRODUCE, MASKS, NEW_SECRET, PERSON, SESSION, Handler
from viewer.message.discretion import discreet
from viewer.translation import say

PUBLIC = frozenset(
    {
        "/sign-in",
        "/sign-in/{token}",
        "/second-factor",
        "/passkey/options",
        "/passkey/sign-in",
        "/oidc/start",
        "/oidc/return",
        "/healthz",
        "/readyz",
        "/metrics",
    }
)
"""Routes (and the static files) that need no sign-in."""
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
FORM = "application/x-www-form-urlencoded"
BODY_DEADLINE = 60.0
"""Seconds for a request's whole body."""
PUBLIC_BODY = 64 * 1024
"""Octets that someone not signed in may send."""
CSRF_SIZE = 32
NEW_TOKEN: web.RequestKey[bytes] = web.RequestKey("new_token", bytes)
"""The token of a session that began with this request, on a proxy's word."""

HEADERS = {
    "Content-Security-Policy": (
        "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none'; form-action 'self'; "
        "frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    # Not no-referrer: with that browsers send `Origin: null` with the forms of our own pages.
    "Referrer-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}


def setup(app: web.Application) -> None:
    app.on_response_prepare.append(_add_headers)


async def _add_headers(request: web.Request, response: web.StreamResponse) -> None:
    """What a handler set itself stays: the preview has a stricter policy of its own, static files may be kept."""
    if _route(request).startswith("/static/") and response.status in (200, 206, 304):
        response.headers["Cache-Control"] = "public, max-age=31536000, immutable"
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)
    if is_https(request.app[CONFIG]):
        response.headers.setdefault("Strict-Transport-Security", "max-age=31536000")
    response.headers.popall("Server", None)


@web.middleware
async def guard(request: web.Request, handler: Handler) -> web.StreamResponse:
    """The handler's answer, for a request that has every right to it. Raises an HTTP refusal for any other."""
    _check_host(request)
    _check_origin(request)
    person = await _identify(request)
    if person is not None:
        request[PERSON] = person
    elif not is_public(request):
        raise _sign_in_first(request)
    else:
        request = request.clone(client_max_size=PUBLIC_BODY)
    if request.method not in SAFE_METHODS:
        request = callers.with_room(request) if person is not None else request
        await _read_body(request)
        await _check_csrf(request, person)
    response = await handler(request)
    _compress(request, response)
    return response


def signed_in_user(request: web.Request) -> Person:
    """Who asks. On a public route there may be no one: KeyError."""
    return request[PERSON]


def require(request: web.Request, *permissions: Permission) -> Person:
    """Who asks, if they have each of `permissions`, by their role, a group, and their token; raises 403 otherwise."""
    person = signed_in_user(request)
    for permission in permissions:
        if person.may(permission):
            continue
        raise refusal(
            web.HTTPForbidden,
            say(
                "Your role (%(role)s) does not allow this: %(permission)s.",
                role=person.role or say("none"),
                permission=permission,
            ),
        )
    return person


def archive_of(request: web.Request) -> Archive:
    """The archive as far as the person who asks may see it: what every handler reads, and changes, through."""
    archive, granted = request.app[ARCHIVE], signed_in_user(request).grant
    scoped = archive if granted.scope.is_everything else ScopedArchive(archive, granted.scope)
    return discreet(scoped, granted.permissions, request.app[MASKS])


# -- where a request comes from ------------------------------------------------------------------------------------


def _check_host(request: web.Request) -> None:
    """Raises 421 unless the Host names us: a page whose name was made to point here must get nothing."""
    hosts = request.headers.getall("Host", [])
    if len(hosts) != 1 or _host_of(hosts[0]) not in _own_hosts(request):
        raise web.HTTPMisdirectedRequest(text=say("This name is not ours; add it to viewer.hosts if it should be."))


def _own_hosts(request: web.Request) -> set[str]:
    config = request.app[CONFIG].viewer
    hosts = {"localhost", "127.0.0.1", "::1", config.host.lower(), *(host.lower() for host in config.hosts)}
    if config.url:
        hosts.add(_host_of(urlsplit(config.url).netloc))
    # An address typed as such cannot be rebound, so the address that this connection came to is ours.
    local = request.transport.get_extra_info("sockname") if request.transport else None
    if isinstance(local, tuple):
        hosts.add(str(local[0]))
    return hosts - {""}


def _host_of(netloc: str) -> str:
    """`Example.org:8025` -> `example.org`, `[::1]:8025` -> `::1`; '' for nonsense."""
    try:
        return urlsplit(f"//{netloc}").hostname or ""
    except ValueError:
        return ""


def _check_origin(request: web.Request) -> None:
    """Raises 403 for a request that another site caused: any unsafe one, and any that is not a plain link."""
    site = request.headers.get("Sec-Fetch-Site", "same-origin")
    is_link = request.method in SAFE_METHODS and request.headers.get("Sec-Fetch-Mode") == "navigate"
    if site not in ("same-origin", "none") and not is_link:
        raise web.HTTPForbidden(text=say("Another site may not ask for this."))
    origin = request.headers.get("Origin")
    is_read = request.method in SAFE_METHODS and "text/event-stream" not in request.headers.get("Accept", "")
    if origin is not None and not is_read and not _is_own_origin(request, origin):
        raise web.HTTPForbidden(text=say("Another site may not ask for this."))


def _is_own_origin(request: web.Request, origin: str) -> bool:
    """The host and port that the request was sent to, or those of viewer.url (a proxy may change Host)."""
    netloc = urlsplit(origin).netloc.lower()
    own = {request.headers["Host"].lower(), urlsplit(request.app[CONFIG].viewer.url).netloc.lower()} - {""}
    return netloc in own


def client_address(request: web.Request) -> IPv4Address | IPv6Address | None:
    """The client's address: the peer, or what a trusted proxy says it is. None over a UNIX socket."""
    address = _parse_address(request.remote)
    trusted = request.app[CONFIG].viewer.trusted_proxies
    hops = [hop.strip() for hop in ",".join(request.headers.getall("X-Forwarded-For", [])).split(",")]
    while address is not None and _is_in(address, trusted) and hops and hops[-1]:
        address = _parse_address(hops.pop())
    return address


def is_from_trusted_proxy(request: web.Request) -> bool:
    return _is_in(_parse_address(request.remote), request.app[CONFIG].viewer.trusted_proxies)


def is_near(request: web.Request, networks: Sequence[Network]) -> bool:
    """True for a loopback client and one in `networks`; never for one behind a proxy that we do not know."""
    address = client_address(request)
    is_forwarded = "X-Forwarded-For" in request.headers or "Forwarded" in request.headers
    if address is None or (is_forwarded and not is_from_trusted_proxy(request)):
        return False
    return address.is_loopback or _is_in(address, networks)


def _parse_address(text: str | None) -> IPv4Address | IPv6Address | None:
    try:
        address = ip_address(text or "")
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address


def _is_in(address: IPv4Address | IPv6Address | None, networks: Sequence[Network]) -> bool:
    return address is not None and any(address in network for network in networks)


# -- who asks ------------------------------------------------------------------------------------------------------


def _route(request: web.Request) -> str:
    resource = request.match_info.route.resource
    return resource.canonical if resource is not None else ""


def is_public(request: web.Request) -> bool:
    route = _route(request)
    return route in PUBLIC or route.startswith("/static/")


def is_https(config: Config) -> bool:
    return config.viewer.url.lower().startswith("https://")


def cookie_name(config: Config) -> str:
    return "__Host-mailwitness" if is_https(config) else "mailwitness"


def set_session_cookie(request: web.Request, response: web.StreamResponse, token: str) -> None:
    config = request.app[CONFIG]
    response.set_cookie(
        cookie_name(config),
        token,
        max_age=config.viewer.session_lifetime,
        path="/",
        httponly=True,
        samesite="Lax",
        secure=is_https(config),
    )


def clear_session_cookie(request: web.Request, response: web.StreamResponse) -> None:
    config = request.app[CONFIG]
    response.del_cookie(cookie_name(config), path="/", httponly=True, samesite="Lax", secure=is_https(config))


async def _identify(request: web.Request) -> Person | None:
    """The person whose bearer token or session cookie the request carries.

    A token reads anything, but changes things under /api only: what pages change (users, credentials) needs a person.
    A browser's password for a proxy before us (`Basic`) is none of our business.
    """
    scheme, _, secret = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        is_meant = request.method in SAFE_METHODS or request.path.startswith("/api/")
        return await _identify_by_token(request, secret) if is_meant else None
    if given := callers.credentials(request):
        person = callers.application(request, *given) or await _identify_by_token(request, given[1])
        if person is not None or cookie_name(request.app[CONFIG]) not in request.cookies:
            return person
    token = request.cookies.get(cookie_name(request.app[CONFIG]), "").encode("utf-8", "replace")
    archive, now = request.app[ARCHIVE], request.app[CLOCK]()
    session = await archive.session(hashlib.sha256(token).digest(), now) if token else None
    session = await request.app[INTRODUCE](request, session)
    account = await archive.account(session.user) if session else None
    if session is None or account is None:
        return callers.unknown(request) if is_near(request, ()) else None
    request[SESSION] = session
    return person_of(account, session.token_hash, request.get(NEW_TOKEN, token))


async def _identify_by_token(request: web.Request, secret: str) -> Person | None:
    archive, now = request.app[ARCHIVE], request.app[CLOCK]()
    token = await archive.token(hashlib.sha256(secret.strip().encode("utf-8", "replace")).digest(), now)
    account = await archive.account(token.user) if token else None
    return bearer_of(account, token) if account and token else None


async def is_still_in(request: web.Request) -> bool:
    """Whether who asked is still signed in, or has the token, and with the same rights: for answers that go on."""
    archive, now, person = request.app[ARCHIVE], request.app[CLOCK](), signed_in_user(request)
    if person.session is not None:
        return await archive.session(person.session, now) is not None
    token, account = await archive.token(person.token or b"", now), await archive.account(person.name)
    return token is not None and account is not None and bearer_of(account, token).grant == person.grant


def _sign_in_first(request: web.Request) -> web.HTTPException:
    """401 for programs and forms; for a page asked for by a link, the way to sign in and back."""
    if request.path.startswith("/api/"):
        scheme = 'Basic realm="Mailwitness"' if callers.is_mailpit(request) else "Bearer"
        return web.HTTPUnauthorized(headers={"WWW-Authenticate": scheme})
    if request.method in SAFE_METHODS and "text/event-stream" not in request.headers.get("Accept", ""):
        return web.HTTPSeeOther(f"/sign-in?next={quote(request.path_qs, safe='')}")
    return web.HTTPUnauthorized()


# -- what it sends -------------------------------------------------------------------------------------------------


async def _read_body(request: web.Request) -> None:
    """Reads the whole body, within the limit and the deadline; only forms and JSON are taken.

    A text/plain or multipart form could carry JSON from another site without a preflight, so neither is read.
    """
    if request.can_read_body and not (request.content_type in (FORM, "application/json") or callers.takes(request)):
        raise web.HTTPUnsupportedMediaType(text=say("Send application/x-www-form-urlencoded or application/json."))
    try:
        await asyncio.wait_for(request.read(), BODY_DEADLINE)
    except TimeoutError:
        raise web.HTTPRequestTimeout from None


async def _check_csrf(request: web.Request, person: Person | None) -> None:
    """Raises 403 unless the session's own token comes along. A bearer token is not sent by browsers unasked.

    A sign-in page that was open before another tab signed in has no token; its Origin has been checked.
    """
    if person is None or person.session is None or is_public(request):
        return
    given = request.headers.get("X-CSRF-Token", "")
    if not given and request.content_type == FORM:
        given = str((await request.post()).get("csrf", ""))
    if not hmac.compare_digest(_unmasked(given), _csrf_digest(person)):
        raise web.HTTPForbidden(text=say("The form was too old or not ours. Reload the page and try again."))


def csrf_token(request: web.Request) -> str:
    """The session's CSRF token, masked anew for every page, so that its compressed length gives nothing away."""
    person = request.get(PERSON)
    if person is None or person.session is None:
        return ""
    pad = hashlib.sha256(request.app[NEW_SECRET]().encode()).digest()
    masked = bytes(a ^ b for a, b in zip(pad, _csrf_digest(person), strict=True))
    return base64.urlsafe_b64encode(pad + masked).decode()


def _csrf_digest(person: Person) -> bytes:
    return hmac.digest(person.csrf_secret, b"csrf", "sha256")


def _unmasked(text: str) -> bytes:
    try:
        octets = base64.urlsafe_b64decode(text.encode("ascii", "replace"))
    except ValueError:
        return b""
    return bytes(a ^ b for a, b in zip(octets[:CSRF_SIZE], octets[CSRF_SIZE:], strict=False))


def _compress(request: web.Request, response: web.StreamResponse) -> None:
    """Text made in memory is compressed for those who take it; streams and files are left alone."""
    if not isinstance(response, web.Response) or not isinstance(body := response.body, bytes):
        return
    if len(body) < COMPRESSED_FROM or not response.content_type.startswith(COMPRESSIBLE):
        return
    if len(body) > COMPRESSED_HERE:
        response.enable_compression()
    elif "gzip" in request.headers.get("Accept-Encoding", "").lower():
        # The quickest level: of a page of the grid a third of the time of the usual one, for an eighth more octets.
        packer = zlib.compressobj(1, zlib.DEFLATED, GZIP)
        response.body = packer.compress(body) + packer.flush()
        response.headers["Content-Encoding"] = "gzip"


COMPRESSIBLE = ("text/", "application/json")
COMPRESSED_FROM, COMPRESSED_HERE = 1024, 256 * 1024
"""Octets of a body: smaller ones are not worth it, and larger ones are given to a thread."""
GZIP = 31
"""zlib's number for RFC 1952 with the largest window."""
