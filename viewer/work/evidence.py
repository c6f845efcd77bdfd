"""Evidence bundles for those who ask in the browser or by the API: who may, of what, with the page for people.

The bundle is made from the archive as it is, not as the person may see it (a fact that is shown in part proves
nothing); so whoever may not have a message whole gets none. That it was asked for is recorded before its first octet.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager

from aiohttp import web

from relay.archive.api import Archive, StoredMessage
from relay.notary.evidence import Asked, Evidence
from relay.notary.problem import NotaryProblem
from viewer.keys import CLOCK, EVIDENCE, NARRATE
from viewer.message.discretion import original
from viewer.translation import say
from viewer.work.bulk import Selected

FORM = "evidence"
"""Name of the format among those of exports."""
CONTENT_TYPE = "application/zip"
PLACES = 32
"""Places in the log, from the first fact of a search to the last, for which time stamps are looked up."""


def evidence_of(request: web.Request) -> Evidence:
    """What makes bundles. 503 where nothing signs the log."""
    maker = request.app[EVIDENCE]
    if maker is None:
        raise web.HTTPServiceUnavailable(text=say("The log of this archive is not signed, so there is no evidence."))
    return maker


async def require_whole(archive: Archive, stored: StoredMessage) -> None:
    """Raises OutOfReach for who may not have the message whole; nothing of a deleted one is in the way."""
    if stored.deletion is None:
        await original(archive, stored.message.id)


@contextmanager
def said_why_not() -> Iterator[None]:
    """What keeps the log from being signed is answered as 503, in its words."""
    try:
        yield
    except NotaryProblem as error:
        raise web.HTTPServiceUnavailable(text=str(error)) from error


def asked_of(
    request: web.Request, made_by: str, ids: Sequence[str], leaves: Sequence[int], *, whole_reports: bool = False
) -> Asked:
    """A bundle about these messages."""
    at = request.app[CLOCK]()
    summary = request.app[NARRATE](made_by=made_by, made_at=at, query="")
    return Asked(_each(ids), made_by, at, leaves=leaves, whole_reports=whole_reports, narrator=summary)


async def pieces_of_search(
    request: web.Request, archive: Archive, meant: Selected, q: str, made_by: str, progress: Callable[[int], None]
) -> AsyncIterator[bytes]:
    """The bundle about all that was selected, oldest first. `archive`: as the person sees it, it says which."""
    maker, at = evidence_of(request), request.app[CLOCK]()
    asked = Asked(
        _selected(archive, meant),
        made_by,
        at,
        q,
        leaves=await _places(archive, meant),
        narrator=request.app[NARRATE](made_by=made_by, made_at=at, query=q),
        progress=progress,
    )
    async for piece in maker.bundle(asked):
        yield piece


async def _each(ids: Iterable[str]) -> AsyncIterator[str]:
    for message_id in ids:
        yield message_id


async def _selected(archive: Archive, meant: Selected) -> AsyncIterator[str]:
    async for rows in meant.pages(archive):
        for row in rows:
            yield row.id


async def _places(archive: Archive, meant: Selected) -> list[int]:
    """Evenly from the first fact of the oldest message to the end of the log."""
    async for message_id in _selected(archive, meant):
        first = (await archive.leaves_of(message_id))[0].index
        size = (await archive.ledger_head()).size
        return list(range(first, size, max(1, (size - first) // PLACES)))
    return []
