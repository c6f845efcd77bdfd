"""The audit history as it is asked for: the filter out of a request, pages by cursor, and the whole as CSV."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta

from aiohttp import web

from relay.archive.api import Archive
from relay.archive.api.deletion import Deeds
from relay.model.event import Event, Kind
from relay.model.identifier import ULID_PATTERN
from relay.rendition.export import csv_line
from viewer import present
from viewer.deeds import GROUPS, sentence
from viewer.errors import FieldError
from viewer.security import archive_of
from viewer.translation import say

FILTERS = ("actor", "kind", "message", "from", "to")
PIECE = 64 * 1024
PORTION = 1000
MOST_TEXT = 200
COLUMNS = ("at", "who", "kind", "what", "message", "address", "data")
_MICROSECONDS = 1_000_000


def given(request: web.Request) -> dict[str, str]:
    """The filter's fields as they were typed."""
    return {name: request.query.get(name, "").strip()[:MOST_TEXT] for name in FILTERS}


def chosen(filters: dict[str, str]) -> Deeds:
    """Raises FieldError. A name alone is a user's: `anna` is `user:anna`."""
    actor = filters["actor"]
    if actor and ":" not in actor and actor != "relay":
        actor = f"user:{actor}"
    message_id = filters["message"].upper()
    if message_id and re.fullmatch(ULID_PATTERN, message_id) is None:
        raise FieldError("message", say("must be the id of a message"))
    until = _day("to", filters["to"])
    return Deeds(
        actor=actor,
        kinds=_kinds(filters["kind"]),
        message_id=message_id,
        since=_day("from", filters["from"]),
        until=None if until is None else until + 24 * 3600 * _MICROSECONDS,
    )


def _kinds(name: str) -> frozenset[Kind]:
    if not name:
        return frozenset()
    if name in GROUPS:
        return GROUPS[name][1]
    if name in set(Kind):
        return frozenset({Kind(name)})
    raise FieldError("kind", say("must be one of %(known)s, or a kind of event", known=", ".join(GROUPS)))


def _day(field: str, text: str) -> int | None:
    """The beginning of a day in UTC, in microseconds."""
    if not text:
        return None
    try:
        day = date.fromisoformat(text)
    except ValueError:
        raise FieldError(field, say("must be a day such as 2026-11-24")) from None
    return (datetime(day.year, day.month, day.day, tzinfo=UTC) - _EPOCH) // timedelta(microseconds=1)


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def cursor_of(request: web.Request) -> tuple[int, int] | None:
    """Raises FieldError. `1764000000000000-123`: time and number of the last one seen."""
    text = request.query.get("cursor", "")
    if not text:
        return None
    at, dash, seq = text.partition("-")
    if not dash or not all(part.isascii() and part.isdigit() and len(part) < 19 for part in (at, seq)):
        raise FieldError("cursor", say("was not given by this page"))
    return int(at), int(seq)


async def page(request: web.Request, which: Deeds, limit: int) -> tuple[list[tuple[int, Event]], str | None]:
    """The events, newest first, and the cursor of older ones."""
    before = cursor_of(request)
    found = await archive_of(request).deeds(which, before=before, limit=limit + 1)
    shown = found[:limit]
    return shown, f"{shown[-1][1].at}-{shown[-1][0]}" if len(found) > limit else None


async def as_csv(archive: Archive, which: Deeds) -> AsyncIterator[bytes]:
    """All of it, newest first; a short read for each portion, so that no snapshot is held by a slow download."""
    piece = bytearray(b"\xef\xbb\xbf" + csv_line(list(COLUMNS)))
    before: tuple[int, int] | None = None
    while found := await archive.deeds(which, before=before, limit=PORTION):
        before = found[-1][1].at, found[-1][0]
        for _, event in found:
            piece += csv_line(_cells(event))
        if len(piece) >= PIECE:
            yield bytes(piece)
            piece.clear()
    yield bytes(piece)


def _cells(event: Event) -> list[str]:
    facts = {name: value for name, value in event.data.items() if name != "address"}
    return [
        present.iso(event.at),
        event.actor,
        event.kind.value,
        str(sentence(event)),
        event.message_id or "",
        str(event.data.get("address", "")),
        json.dumps(facts, ensure_ascii=False) if facts else "",
    ]
