"""Deleting a message's content: at once, or asked for by one person and decided on by another (`two_person_delete`).

What waits of the message is cancelled with it, each delivery with its own event. Used by pages, API and tasks.
"""

from __future__ import annotations

from dataclasses import dataclass

from aiohttp import web

from relay.archive.api import StoredMessage
from relay.model.deletion import Fate, Order, Outcome, Request, reason_fault, waits
from relay.model.event import Event, Kind
from viewer.errors import FieldError
from viewer.journal import deed
from viewer.keys import CONFIG, NEW_ID
from viewer.security import archive_of, signed_in_user
from viewer.translation import say

TRIES = 3
"""The courier may change a delivery between our looking and the commit."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What became of the wish: `standing` is `deleted`, `asked` or `refused`; `words` a sentence about it."""

    standing: str
    words: str
    request_id: str | None = None


def needs_two(request: web.Request) -> bool:
    return request.app[CONFIG].viewer.two_person_delete


def checked_reason(text: str) -> str:
    """Raises FieldError."""
    reason = " ".join(text.split())
    if fault := reason_fault(reason):
        raise FieldError("reason", fault)
    return reason


async def ask_or_delete(request: web.Request, message_id: str, reason: str) -> Asked:
    """Deletes the content, or asks for it where two persons are wanted. Returns after commit. Raises NotFound."""
    if needs_two(request):
        return await _ask(request, message_id, reason)
    return told(await delete(request, message_id, reason))


async def delete(request: web.Request, message_id: str, reason: str, request_id: str | None = None) -> Outcome:
    """One message, as the person who asks; with `request_id` as the approval of that request."""
    archive = archive_of(request)
    outcome = Outcome(message_id, Fate.REFUSED)
    for _ in range(TRIES):
        stored = await archive.message(message_id)
        (outcome,) = await archive.delete_content([_order(request, stored, reason, request_id)])
        if outcome.fate is not Fate.REFUSED or any(map(waits, stored.deliveries)):
            break
    return outcome


def _order(request: web.Request, stored: StoredMessage, reason: str, request_id: str | None) -> Order:
    message = stored.message
    asked = {"asked": request_id} if request_id is not None else {}
    sha256 = message.sha256.hex()
    event = deed(request, Kind.DELETED, message.id, None, reason=reason, sha256=sha256, size=message.size, **asked)
    return Order(message.id, event, _cancellations(request, stored), request_id)


def _cancellations(request: web.Request, stored: StoredMessage) -> list[Event]:
    return [
        deed(request, Kind.CANCELLED, stored.message.id, delivery.id, operation="delete")
        for delivery in stored.deliveries
        if waits(delivery)
    ]


async def _ask(request: web.Request, message_id: str, reason: str) -> Asked:
    archive = archive_of(request)
    event = deed(request, Kind.DELETION_ASKED, message_id, reason=reason)
    wanted = Request(request.app[NEW_ID](), message_id, event.at, event.actor, reason)
    if await archive.ask_deletion(wanted, event):
        return Asked("asked", say("Asked for: another person has to approve it."), wanted.id)
    if (await archive.message(message_id)).deletion is not None:
        return Asked("deleted", say("The content was deleted before."))
    return Asked("refused", say("Somebody asked for it already; it waits for another person's approval."))


async def refuse(request: web.Request, request_id: str, answer: str) -> bool:
    """Closes the request; False if it was not open any more. Raises NotFound."""
    archive = archive_of(request)
    wanted = await archive.deletion_request(request_id)
    event = deed(request, Kind.DELETION_REFUSED, wanted.message_id, reason=answer, asked=request_id)
    return await archive.refuse_deletion(request_id, answer, event)


async def approve(request: web.Request, request_id: str) -> Asked:
    """Deletes what was asked for. Raises NotFound."""
    wanted = await archive_of(request).deletion_request(request_id)
    return told(await delete(request, wanted.message_id, wanted.reason, request_id))


def told(outcome: Outcome) -> Asked:
    if outcome.fate is Fate.DELETED:
        return Asked("deleted", say("The content was deleted. What stays is shown here."))
    if outcome.fate is Fate.GONE:
        return Asked("deleted", say("The content was deleted before."))
    return Asked("refused", say(outcome.words))


def is_own(request: web.Request, wanted: Request) -> bool:
    """Whether the person who looks has asked for it themselves, and so cannot approve it."""
    return wanted.asked_by == signed_in_user(request).actor
