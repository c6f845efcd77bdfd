"""What all of Mailpit's routes need: refusals in its form, the message that a path names, lists with an offset."""

from __future__ import annotations

import functools
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC

from aiohttp import web

from relay.archive.api import Listing, NotFound
from relay.archive.query import Query, QuerySyntaxError
from relay.model.access import Permission
from relay.model.identifier import ULID_PATTERN
from viewer import tongue
from viewer.errors import FieldError
from viewer.keys import CLOCK
from viewer.mailpit.marks import MARKS
from viewer.mailpit.search import EVERYTHING, Search, translated
from viewer.security import archive_of, require

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
PAGE = 200
"""Rows looked at in one go."""
MOST_ROWS = 1000
"""Of one answer."""
DEEPEST = 100_000
"""The largest offset."""
MESSAGE = "/api/v1/message/{id:[A-Za-z0-9]{1,40}}"


def in_mailpits_words(handler: Handler) -> Handler:
    """Refusals as Mailpit words them: a sentence as plain text."""

    @functools.wraps(handler)
    async def answer(request: web.Request) -> web.StreamResponse:
        try:
            return await handler(request)
        except FieldError as error:
            return web.Response(status=400, text=f"{error.field}: {error.message}")
        except QuerySyntaxError as error:
            return web.Response(status=400, text=f"query: {error}")
        except NotFound:
            return web.Response(status=404, text="Message not found")

    return answer


async def id_of(request: web.Request) -> str:
    """The message that the path names: an id, or `latest` (of `query`, if given). Raises NotFound."""
    require(request, Permission.READ)
    named = request.match_info["id"]
    if named == "latest":
        async for row in found(request, search_of(request)):
            return row.id
    if not re.fullmatch(ULID_PATTERN, named):
        raise NotFound(named)
    return named


def search_of(request: web.Request) -> Search:
    """What `query` and `tz` ask for; everything without. Raises FieldError."""
    text = request.query.get("query", "")
    if not text.strip():
        return EVERYTHING
    if len(text) > 2000:
        raise FieldError("query", "at most 2000 characters")
    zone = tongue.zone_named(request.query.get("tz", "")) or UTC
    return translated(text, now=request.app[CLOCK](), zone=zone)


async def found(request: web.Request, search: Search) -> AsyncIterator[Listing]:
    """The rows of a search, newest first, DEEPEST at most."""
    archive, marks, cursor = archive_of(request), request.app[MARKS], None
    for _ in range(DEEPEST // PAGE):
        page = await archive.search(search.query, cursor=cursor, limit=PAGE)
        for row in page.rows:
            if search.takes(row, marks.is_read(row.id)):
                yield row
        cursor = page.next
        if cursor is None:
            return


async def slice_of(request: web.Request, search: Search, start: int, limit: int) -> list[Listing]:
    """`limit` rows from number `start` on."""
    rows: list[Listing] = []
    number = 0
    async for row in found(request, search):
        number += 1
        if number > start:
            rows.append(row)
        if len(rows) == limit:
            break
    return rows


def number(request: web.Request, name: str, default: int, highest: int) -> int:
    """As Mailpit does it: what is no number is the default."""
    text = request.query.get(name, "")
    return min(int(text), highest) if text.isascii() and text.isdigit() and len(text) < 10 else default


async def count(request: web.Request, query: Query) -> int:
    return await archive_of(request).count(query)
