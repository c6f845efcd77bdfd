"""Handing a composed message to the intake, for a person or an application, with an idempotency key or without.

Everything that holds for mail by SMTP holds here: the application's mode, senders, limits; the courier finds it as any.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence

from aiohttp import web

from relay.config import DEFAULT_NAME
from relay.model.access import Permission
from relay.model.handing import Handed, NotTaken, Taken
from relay.model.message import Envelope, Recipient
from viewer.errors import FieldError
from viewer.identity.callers import APPLICATION
from viewer.keys import CLOCK, CONFIG, COUNTER, NEW_ID
from viewer.message.parsing import in_thread
from viewer.security import archive_of, client_address, require
from viewer.translation import say
from viewer.work.composing import Composed, compose

_KEY = re.compile(r"[!-~]{1,255}")


def application_of(request: web.Request, named: object) -> str:
    """Whose mail it will be: the application that signed in, else the one named, else the default one.

    Raises 403 for a person who may not write messages, FieldError for an application that is not there.
    """
    own = request.get(APPLICATION)
    if own is None:
        require(request, Permission.EDIT)
    if named is not None and not isinstance(named, str):
        raise FieldError("application", say("must be a text"))
    name = own or named or DEFAULT_NAME
    counter = request.app[COUNTER]
    if (own and named and named != own) or counter is None or not counter.knows(name):
        raise FieldError("application", say("is not one that you send for") if own else say("is not known"))
    return name


async def body_digest(request: web.Request) -> bytes:
    """SHA-256 of everything that the answer depends on."""
    parts = (request.method, request.path_qs, request.content_type)
    return hashlib.sha256("\n".join(parts).encode() + b"\n" + await request.read()).digest()


def key_of(request: web.Request) -> str:
    """The idempotency key, '' without one. Raises FieldError."""
    key = request.headers.get("Idempotency-Key", "")
    if key and not _KEY.fullmatch(key):
        raise FieldError("Idempotency-Key", say("must be 1 to 255 printable ASCII characters without spaces"))
    return key


async def hand_in(request: web.Request, composed: Composed, application: str) -> Taken:
    """After commit 1. Raises the refusal that the intake answers, and OutOfReach."""
    counter = request.app[COUNTER]
    if counter is None:
        raise web.HTTPServiceUnavailable(text=say("This server takes no mail."))
    own = request.get(APPLICATION)
    owner = f"application:{own}" if own else require(request, Permission.EDIT).actor
    handed = Handed(
        application=application,
        envelope=Envelope(
            composed.sender,
            tuple(Recipient(address) for address in composed.recipients),
            body="8BITMIME" if not composed.content.isascii() else None,
            smtputf8=composed.is_utf8,
        ),
        content=composed.content,
        owner=owner,
        peer=str(client_address(request) or "unix"),
        tags=composed.tags,
        key=key_of(request),
        digest=await body_digest(request),
    )
    answer = await counter.take(handed, None if own else archive_of(request).add_message)
    if isinstance(answer, NotTaken):
        raise _refusal(answer)
    return answer


def _refusal(answer: NotTaken) -> Exception:
    if answer.status == 400:
        return FieldError(answer.name or "body", answer.text)
    refusals: dict[int, type[web.HTTPClientError] | type[web.HTTPServerError]] = {
        403: web.HTTPForbidden,
        409: web.HTTPConflict,
        422: web.HTTPUnprocessableEntity,
        429: web.HTTPTooManyRequests,
    }
    if answer.status == 413:
        return web.HTTPRequestEntityTooLarge(max_size=0, actual_size=0, text=answer.text)
    headers = {"Retry-After": str(answer.retry_after)} if answer.retry_after else None
    return refusals.get(answer.status, web.HTTPServiceUnavailable)(text=answer.text, headers=headers)


def new_message_id(request: web.Request, sender: str) -> str:
    """The left and right side of a Message-ID."""
    domain = sender.rpartition("@")[2]
    is_usable = re.fullmatch(r"[A-Za-z0-9](?:[A-Za-z0-9.-]{0,200}[A-Za-z0-9])?", domain) and ".." not in domain
    own = request.app[CONFIG].smtp.hostname or "mailwitness.invalid"
    return f"{request.app[NEW_ID]().lower()}@{domain if is_usable else own}"


async def composed_in_thread(request: web.Request, said: dict[str, object]) -> Composed:
    author = str(said.get("from") or "")
    message_id, now = new_message_id(request, author.rstrip("> ")), request.app[CLOCK]()
    return await in_thread(request, lambda: compose(said, message_id=message_id, now=now))


def recipients_in_query(request: web.Request) -> Sequence[str]:
    return request.query.getall("to", [])
