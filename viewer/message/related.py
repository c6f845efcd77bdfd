"""Messages that belong to one: the same conversation, the same reference, sent again, the same mailing.

Each kind is one search in the archive's own language, so that it finds no more than the person who asks may see, and
its address shows all of them. Bounded: a few rows of each.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator
from dataclasses import dataclass

from relay.archive.api import Archive, Listing, NotFound, StoredMessage
from relay.archive.query import Node, Or, Query, Term, format_query

SHOWN = 10
MAX_IDS = 12
"""Message-IDs of one conversation that are looked for."""
MAX_VALUE = 300
_NAMED = re.compile(r"<([^<>\s]{3,300})>")


@dataclass(frozen=True, slots=True)
class Related:
    """`kind`: thread, reference, resent or mailing. `q` finds all of them; '' where no search can."""

    kind: str
    rows: tuple[Listing, ...]
    has_more: bool = False
    q: str = ""


async def related(archive: Archive, stored: StoredMessage) -> tuple[Related, ...]:
    """What belongs to the message, kinds without any left out."""
    mailing = (await archive.listing(stored.message.id)).mailing
    searches = (_found(archive, stored, kind, query) for kind, query in queries(stored, mailing))
    return tuple(one for one in await asyncio.gather(_resent(archive, stored), *searches) if one.rows)


async def _found(archive: Archive, stored: StoredMessage, kind: str, query: Query) -> Related:
    page = await archive.search(query, limit=SHOWN + 1)
    rows = [row for row in page.rows if row.id != stored.message.id]
    has_more = page.next is not None or len(rows) > SHOWN
    return Related(kind, tuple(rows[:SHOWN]), has_more, format_query(query))


async def _resent(archive: Archive, stored: StoredMessage) -> Related:
    """The message it was made from, that one's other children, and its own."""
    parent = stored.message.parent_id
    ids = [*stored.children]
    if parent:
        ids = [parent, *(await _children(archive, parent)), *ids]
    others = [one for one in dict.fromkeys(ids) if one != stored.message.id]
    rows = [row for one in others[:SHOWN] if (row := await _row(archive, one)) is not None]
    return Related("resent", tuple(rows), len(others) > SHOWN)


async def _children(archive: Archive, message_id: str) -> tuple[str, ...]:
    try:
        return (await archive.message(message_id)).children
    except NotFound:
        return ()


async def _row(archive: Archive, message_id: str) -> Listing | None:
    """None for one that is gone, or that the person may not see."""
    try:
        return await archive.listing(message_id)
    except NotFound:
        return None


def queries(stored: StoredMessage, mailing: int | None) -> Iterator[tuple[str, Query]]:
    """The searches for what belongs to the message, by kind; pure."""
    summary = stored.summary
    if summary is None:
        return
    if thread := _thread(summary.header_message_id, summary.in_reply_to, summary.header_text):
        yield "thread", Query(Or(tuple(thread)))
    codes = [Term("ref", reference.code, is_phrase=True) for reference in summary.references[:5]]
    if codes:
        yield "reference", Query(Or(tuple(codes)) if len(codes) > 1 else codes[0])
    if mailing is not None:
        yield "mailing", Query(Term("mailing", str(mailing)))


def _thread(own: str, in_reply_to: str, header_text: str) -> list[Node]:
    """Messages named by this one, and those that name this one or its first."""
    named = [*_references(header_text), in_reply_to]
    ids = list(dict.fromkeys(one for one in named if _is_usable(one) and one != own))[:MAX_IDS]
    nodes: list[Node] = [Term("message-id", one, is_phrase=True) for one in ids]
    for one in dict.fromkeys([own, *ids[:1]]):
        if _is_usable(one):
            for field in ("In-Reply-To", "References"):
                nodes.append(Term("header", f"{field}={one}", is_phrase=True))
    return nodes


def _is_usable(message_id: str) -> bool:
    return 3 <= len(message_id) <= MAX_VALUE and any(char.isalnum() for char in message_id)


def _references(header_text: str) -> list[str]:
    for line in header_text.split("\n"):
        if line[:11].lower() == "references:":
            return _NAMED.findall(line)
    return []
