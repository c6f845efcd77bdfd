"""Sending again: new deliveries of a message as it is, or of an edited copy that is a message of its own.

The viewer never speaks SMTP: it adds deliveries that are due, the courier finds them. An exact resend sends the same
octets, to the same or to other recipients. Either way the reverse-path stays the original's, so that bounces go where
they always went, and nothing of the original changes.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from aiohttp import web

from relay.archive.api import StoredMessage
from relay.archive.content import stored as stored_content
from relay.config import Config
from relay.model.access import Permission
from relay.model.address import AddressError, parse_path
from relay.model.delivery import Delivery, State
from relay.model.event import Event, Kind
from relay.model.message import Message, Mode, Reception, Recipient
from relay.model.redirect import Duty, redirected
from relay.rendition.mime import header_fields
from relay.rendition.revise import Revision, revise
from relay.rendition.traits import traits_of
from viewer.errors import FieldError
from viewer.journal import deed
from viewer.keys import CLOCK, CONFIG, NEW_ID
from viewer.message.discretion import original
from viewer.message.parsing import in_thread
from viewer.security import archive_of, require
from viewer.translation import say

SECOND = 1_000_000


@dataclass(frozen=True, slots=True)
class Resent:
    """`message_id` is the original's for an exact resend, the new message's for an edited one."""

    message_id: str
    delivery_ids: tuple[str, ...]
    parent_id: str | None = None


def obstacle(config: Config) -> str:
    """Why nothing can be sent, in a sentence, or ''."""
    return "" if config.upstream else say("No upstream is configured, so nothing can be sent. Add [[upstream]] first.")


async def resend_exact(request: web.Request, message_id: str, recipients: Sequence[str] | None = None) -> Resent:
    """Makes the message due again, unchanged, to `recipients` (all of its envelope's if None).

    Returns after commit. Raises 409 when nothing can be sent, NotFound, FieldError for a recipient that is no address.
    """
    _check_can_send(request)
    stored = await archive_of(request).message(message_id)
    duties = _duties(request, stored.message, _chosen(request, stored, recipients))
    addresses = [duty.recipient.address for duty in duties]
    events = [deed(request, Kind.RESENT, message_id, how="exact", recipients=addresses), *_queued(request, duties)]
    await archive_of(request).add_deliveries(duties, events)
    return Resent(message_id, tuple(duty.id for duty in duties))


async def resend_edited(
    request: web.Request, message_id: str, revision: Revision, recipients: Sequence[str] | None = None
) -> Resent:
    """Makes an edited copy a message of its own, child of this one, and due to `recipients`.

    With a changed To or Cc `recipients` must be given: a copy readdressed to one person must not go to the others.
    The copy gets a Message-ID and a Date of its own, or mail systems would take it for the first one come again.
    Returns after commit. Raises as `resend_exact`, and FieldError for a revision that cannot be made.
    """
    _check_can_send(request)
    copy = await edited(request, message_id, revision, recipients)
    chosen, content, child_id, now = copy.recipients, copy.content, copy.id, copy.at
    ready = await in_thread(request, lambda: stored_content(content))
    child = _child(child_id, now, copy.original.message, chosen, content, ready.sha256)
    duties = _duties(request, child, chosen)
    addresses = [duty.recipient.address for duty in duties]
    events = [
        deed(request, Kind.CAPTURED, child.id, parent=message_id),
        deed(request, Kind.RESENT, message_id, how="edited", child=child.id, recipients=addresses),
        *_queued(request, duties),
    ]
    await archive_of(request).add_message(child, ready, duties, events)
    return Resent(child.id, tuple(duty.id for duty in duties), message_id)


@dataclass(frozen=True, slots=True)
class Edited:
    """An edited copy that is not kept yet: the message it would be, to whom, its octets."""

    original: StoredMessage
    id: str
    at: int
    recipients: tuple[Recipient, ...]
    content: bytes


async def edited(
    request: web.Request, message_id: str, revision: Revision, recipients: Sequence[str] | None = None
) -> Edited:
    """The copy as `resend_edited` makes it, for looking at it or for sending. Raises the same, nothing is changed."""
    require(request, Permission.EDIT, Permission.BODY)
    if (revision.to is not None or revision.cc is not None) and recipients is None:
        raise FieldError("recipients", say("must be given when To or Cc is changed"))
    stored = await archive_of(request).message(message_id)
    chosen = _chosen(request, stored, recipients)
    content = await original(archive_of(request), message_id)
    child_id, now = request.app[NEW_ID](), request.app[CLOCK]()
    revision = replace(revision, message_id=f"{child_id.lower()}@{_own_domain(request, stored)}", date=now)
    try:
        content = await in_thread(request, lambda: revise(content, revision))
    except ValueError as error:
        raise FieldError("edit", str(error)) from None
    if len(content) > request.app[CONFIG].smtp.max_message_size:
        raise FieldError(
            "edit",
            say(
                "makes more than %(max_message_size)s octets",
                max_message_size=request.app[CONFIG].smtp.max_message_size,
            ),
        )
    return Edited(stored, child_id, now, chosen, content)


def _check_can_send(request: web.Request) -> None:
    if reason := obstacle(request.app[CONFIG]):
        raise web.HTTPConflict(text=reason)


def _chosen(request: web.Request, stored: StoredMessage, addresses: Sequence[str] | None) -> tuple[Recipient, ...]:
    """The recipients, each once; those of the original keep their DSN parameters."""
    known = {recipient.address: recipient for recipient in stored.message.envelope.recipients}
    if addresses is None:
        return tuple(known.values())
    limit = request.app[CONFIG].smtp.max_recipients
    wanted = dict.fromkeys(checked_address(address) for address in addresses)
    if not 1 <= len(wanted) <= limit:
        raise FieldError("recipients", say("must be 1 to %(limit)s addresses", limit=limit))
    return tuple(known.get(address) or Recipient(address) for address in wanted)


def checked_address(text: str) -> str:
    """The forward-path in `text`, by intake's own grammar. Raises FieldError."""
    text = text.strip()
    try:
        path, rest = parse_path(f"<{text}>".encode())
    except (AddressError, UnicodeEncodeError) as error:
        raise FieldError(
            "recipients", say("%(text)s is not an address: %(error)s", text=repr(text[:100]), error=error)
        ) from None
    if rest or path.route or "@" not in path.address:
        raise FieldError("recipients", say("%(text)s is not an address", text=repr(text[:100])))
    return path.address


def _duties(request: web.Request, message: Message, recipients: Sequence[Recipient]) -> list[Delivery]:
    """One delivery for each; of a message in mode redirect to the test addresses, as when it came."""
    duties: Iterable[Duty] = ((recipient, None) for recipient in recipients)
    application = next((one for one in request.app[CONFIG].application if one.name == message.application), None)
    if message.mode is Mode.REDIRECT and application is not None and application.redirect_to:
        duties = redirected(recipients, application.redirect_to)
    now, new_id = request.app[CLOCK](), request.app[NEW_ID]
    expires_at = now + request.app[CONFIG].delivery.expire_after * SECOND
    return [
        Delivery(
            new_id(),
            message.id,
            recipient,
            State.QUEUED,
            now,
            due_at=now,
            expires_at=expires_at,
            original=original,
        )
        for recipient, original in duties
    ]


def _queued(request: web.Request, duties: Sequence[Delivery]) -> list[Event]:
    return [deed(request, Kind.QUEUED, duty.message_id, duty.id) for duty in duties]


def _own_domain(request: web.Request, stored: StoredMessage) -> str:
    """The right side of the copy's Message-ID: the original's, if it can be read, else ours."""
    domain = stored.summary.header_message_id.rpartition("@")[2] if stored.summary else ""
    is_usable = re.fullmatch(r"[A-Za-z0-9](?:[A-Za-z0-9.-]{0,200}[A-Za-z0-9])?", domain) and ".." not in domain
    return domain if is_usable else request.app[CONFIG].smtp.hostname or "mailwitness.invalid"


def _child(
    child_id: str, now: int, parent: Message, recipients: tuple[Recipient, ...], content: bytes, sha256: bytes
) -> Message:
    """The edited copy as a message: the parent's application and envelope, but for recipients and declared size."""
    addresses = [parent.envelope.sender, *(recipient.address for recipient in recipients)]
    envelope = replace(
        parent.envelope,
        recipients=recipients,
        body=None,
        smtputf8=parent.envelope.smtputf8 or not "".join(addresses).isascii(),
        declared_size=None,
        envid=None,
    )
    return Message(
        id=child_id,
        received_at=now,
        application=parent.application,
        mode=Mode.REDIRECT if parent.mode is Mode.REDIRECT else Mode.RELAY,
        envelope=envelope,
        reception=Reception(peer="viewer", helo="", protocol="HTTP", listener="viewer"),
        size=len(content),
        sha256=sha256,
        traits=traits_of(content),
        hops=sum(field.key == "received" for field in header_fields(content)),
        tags=parent.tags,
        parent_id=parent.id,
    )
