"""The suppression list as people and programs change it here: checked, recorded, one entry or a file of them.

Used by the page and by the API; both ask the archive, and none of them sends anything.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeVar

from aiohttp import web

from relay.archive.api import StoredMessage
from relay.archive.api.suppression import Selection
from relay.model.suppression import CAUSE_WORDS, Cause, Suppressed, removed_event
from relay.rendition import suppression_list
from relay.rendition.suppression_list import Circumstances, Reading
from viewer.errors import FieldError
from viewer.keys import CLOCK, CONFIG, NEW_ID
from viewer.message.parsing import in_thread
from viewer.security import archive_of, signed_in_user
from viewer.translation import say

T = TypeVar("T")

PORTION = 500
"""Entries of one write: the archive has others to serve."""
MOST_PROBLEMS = 100
"""Wrong lines of one file that are shown."""
PIECE = 65_536
"""Octets of an export sent at a time, at least."""
MOST_ADDRESSES = 1000
"""Recipients of one message that are looked up."""


class Which(StrEnum):
    IN_FORCE = "in-force"
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True)
class Kept:
    """A recipient that is sent no more, and the newest entry that says so."""

    address: str
    entry: Suppressed

    @property
    def words(self) -> str:
        return CAUSE_WORDS[self.entry.cause]


def selection(
    request: web.Request, *, text: str = "", cause: str = "", application: str | None = None, which: str = ""
) -> Selection:
    """The entries meant by what a form or a query string says; '' does not matter. Raises FieldError."""
    if cause and cause not in list(Cause):
        raise FieldError("cause", say("must be one of %(known)s", known=", ".join(Cause)))
    if which and which not in list(Which):
        raise FieldError("which", say("must be one of %(known)s", known=", ".join(Which)))
    now = request.app[CLOCK]()
    return Selection(now, text.strip(), Cause(cause) if cause else None, application, which == Which.EXPIRED)


async def applications(request: web.Request) -> frozenset[str]:
    """All applications whose mail there can be."""
    added = await archive_of(request).applications()
    return request.app[CONFIG].application_names(one.name for one in added)


async def add(request: web.Request, *, address: str, application: str, reason: str, until: str) -> Suppressed:
    """The entry made by hand, kept. Raises FieldError."""
    now = request.app[CLOCK]()
    known = await applications(request)
    wanted = _checked("address", lambda: suppression_list.checked_address(address.strip()))
    whose = _checked("application", lambda: suppression_list.checked_application(application, known))
    note = _checked("reason", lambda: suppression_list.checked_reason(reason))
    expires_at = _checked("expires_at", lambda: suppression_list.parse_time(until)) if until else None
    if expires_at is not None and expires_at <= now:
        raise FieldError("expires_at", say("must lie in the future"))
    actor = signed_in_user(request).actor
    entry = Suppressed(request.app[NEW_ID](), wanted, whose, Cause.MANUAL, note, now, actor, expires_at)
    await archive_of(request).add_suppressions([entry])
    return entry


async def remove(request: web.Request, entry_id: str, reason: str) -> Suppressed:
    """The entry, taken off the list; the events stay. Raises NotFound, FieldError."""
    note = _checked("reason", lambda: suppression_list.checked_reason(reason))
    entry = await archive_of(request).suppression(entry_id)
    event = removed_event(
        entry,
        event_id=request.app[NEW_ID](),
        at=request.app[CLOCK](),
        actor=signed_in_user(request).actor,
        reason=note,
    )
    await archive_of(request).remove_suppressions([entry_id], [event])
    return entry


async def read_file(request: web.Request, data: bytes) -> Reading:
    """What a CSV file says, and what is wrong with it."""
    known = await applications(request)
    now, actor = request.app[CLOCK](), signed_in_user(request).actor
    circumstances = Circumstances(now, actor, request.app[NEW_ID], known)
    return await in_thread(request, lambda: suppression_list.read(data, circumstances))


async def import_entries(request: web.Request, entries: Sequence[Suppressed]) -> int:
    """How many of the entries said something new. Repeatable, should it break off."""
    count = 0
    for start in range(0, len(entries), PORTION):
        portion = entries[start : start + PORTION]
        count += await archive_of(request).add_suppressions(portion, request.app[CLOCK]())
    return count


async def as_csv(request: web.Request, meant: Selection) -> AsyncIterator[bytes]:
    piece = bytearray(suppression_list.header())
    async for entry in archive_of(request).all_suppressions(meant):
        piece += suppression_list.line(entry)
        if len(piece) >= PIECE:
            yield bytes(piece)
            piece.clear()
    yield bytes(piece)


async def kept_from(request: web.Request, stored: StoredMessage, addresses: Sequence[str] = ()) -> list[Kept]:
    """The recipients of a message (or `addresses`) that its application sends nothing to."""
    wanted = list(addresses or dict.fromkeys(one.recipient.address for one in stored.deliveries))[:MOST_ADDRESSES]
    now, application = request.app[CLOCK](), stored.message.application
    found = await archive_of(request).suppressions_of(wanted, application, now)
    return [Kept(address, found[address][0]) for address in wanted if address in found]


def _checked(field: str, check: Callable[[], T]) -> T:
    try:
        return check()
    except ValueError as error:
        raise FieldError(field, str(error)) from None
