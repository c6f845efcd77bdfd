"""Programs that say who they are by Basic authentication (RFC 7617), and those that need not.

An API token as the password, whatever the user name, is that token's user; so do Mailpit's test clients sign in. The
credentials of an application are good for handing in its mail and for nothing else. Where `viewer.mailpit_api` is
"open", a client on this machine may use Mailpit's API without any. Browsers' passwords for a proxy before us (Basic on
our pages) stay none of our business.
"""

from __future__ import annotations

import base64
import binascii

from aiohttp import web

from relay.model.access import EVERYTHING, Grant, Permission
from viewer.identity.people import Person
from viewer.keys import CONFIG, COUNTER

APPLICATION: web.RequestKey[str] = web.RequestKey("application", str)
"""The application that hands in a message with its own credentials."""
SUBMIT = frozenset({"/api/messages", "/api/v1/send"})
WHOLE = "message/rfc822"
OPEN_PERMISSIONS = frozenset(Permission) - {Permission.USERS, Permission.ADMINISTER, Permission.AUDIT}
"""Of whoever uses Mailpit's API without saying who they are."""


def is_mailpit(request: web.Request) -> bool:
    """Whether the request is one of Mailpit's API."""
    return request.path.startswith(("/api/v1/", "/view/"))


def credentials(request: web.Request) -> tuple[str, str] | None:
    """User name and password of a Basic field on a path of programs."""
    scheme, _, text = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "basic" or not (request.path.startswith("/api/") or is_mailpit(request)):
        return None
    try:
        name, _, password = base64.b64decode(text.strip(), validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError, ValueError):
        return None
    return name, password


def application(request: web.Request, name: str, password: str) -> Person | None:
    """The application with these credentials, where it may use them; it is noted on the request."""
    counter = request.app[COUNTER]
    if request.method != "POST" or request.path not in SUBMIT or counter is None or not name:
        return None
    found = counter.sign_in(name, password)
    if found is None:
        return None
    request[APPLICATION] = found
    return Person(found, "application")


def unknown(request: web.Request) -> Person | None:
    """Whoever uses Mailpit's API without saying who they are, where that is configured. The caller knows it is near."""
    if request.app[CONFIG].viewer.mailpit_api != "open" or not is_mailpit(request):
        return None
    return Person("mailpit", "mailpit", grant=Grant(OPEN_PERMISSIONS, EVERYTHING))


def takes(request: web.Request) -> bool:
    """Whether a body that is neither JSON nor a form is read: a whole message, which no browser sends unasked."""
    return request.path == "/api/messages" and request.content_type == WHOLE


def with_room(request: web.Request) -> web.Request:
    """The request, with room for a message and its attachments in base64 if it hands one in."""
    if request.path not in SUBMIT:
        return request
    largest = request.app[CONFIG].smtp.max_message_size
    return request.clone(client_max_size=largest + largest // 3 + 1024 * 1024)
