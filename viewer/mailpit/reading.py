"""Lists, searches and single messages, as Mailpit answers them. Reading a message is an event here."""

from __future__ import annotations

import asyncio

from aiohttp import web

from relay.model.access import Permission
from relay.model.event import Kind
from relay.rendition.decode import decode_body, filename
from relay.rendition.parts import is_body, part_at
from viewer.api.content import WHOLE
from viewer.api.parts import safe_type
from viewer.journal import record
from viewer.mailpit import shape
from viewer.mailpit.finding import (
    DEEPEST,
    MESSAGE,
    MOST_ROWS,
    count,
    id_of,
    in_mailpits_words,
    number,
    search_of,
    slice_of,
)
from viewer.mailpit.marks import MARKS
from viewer.mailpit.search import EVERYTHING, Search
from viewer.message.parsing import in_thread
from viewer.message.pictures import drawn
from viewer.message.preview import POLICY
from viewer.pages.reading import Reading, html_of, read, text_of
from viewer.security import archive_of, require
from viewer.streams import INERT, download

routes = web.RouteTableDef()
THUMB = "small"


@routes.get("/api/v1/messages")
@in_mailpits_words
async def messages(request: web.Request) -> web.Response:
    return await _listed(request, EVERYTHING)


@routes.get("/api/v1/search")
@in_mailpits_words
async def search(request: web.Request) -> web.Response:
    require(request, Permission.READ)
    if not request.query.get("query", "").strip():
        return web.Response(status=400, text="Error: no search query")
    return await _listed(request, search_of(request))


async def _listed(request: web.Request, wanted: Search) -> web.Response:
    require(request, Permission.READ)
    start, limit = number(request, "start", 0, DEEPEST), number(request, "limit", 50, MOST_ROWS)
    rows = await slice_of(request, wanted, start, limit) if limit else []
    archive, marks = archive_of(request), request.app[MARKS]
    stored = await asyncio.gather(*(archive.message(row.id) for row in rows))
    shown = [shape.row(row, one, marks.is_read(row.id)) for row, one in zip(rows, stored, strict=True)]
    total = await count(request, EVERYTHING.query)
    matching = total if wanted is EVERYTHING else await count(request, wanted.query)
    if wanted.filters:
        matching = start + len(rows)
    unread = total - sum(one["Read"] for one in shown)
    tags = sorted({tag for row in rows for tag in row.tags})
    return web.json_response(
        shape.counts(total=total, matching=matching, unread=unread, start=start, rows=shown, tags=tags)
    )


@routes.get(MESSAGE)
@in_mailpits_words
async def message(request: web.Request) -> web.Response:
    require(request, *WHOLE)
    message_id = await id_of(request)
    archive = archive_of(request)
    listing, stored = await archive.listing(message_id), await archive.message(message_id)
    reading = await _read(request, message_id)
    await record(request, Kind.VIEWED, message_id)
    request.app[MARKS].set([message_id], True)
    return web.json_response(await in_thread(request, lambda: shape.message(listing, stored, reading)))


async def _read(request: web.Request, message_id: str) -> Reading:
    content = await archive_of(request).content(message_id)
    return await in_thread(request, lambda: read(content))


@routes.get(f"{MESSAGE}/headers")
@in_mailpits_words
async def headers(request: web.Request) -> web.Response:
    reading = await _read(request, await id_of(request))
    return web.json_response(shape.headers(reading))


@routes.get(f"{MESSAGE}/raw")
@in_mailpits_words
async def raw(request: web.Request) -> web.Response:
    require(request, *WHOLE)
    message_id = await id_of(request)
    content = await archive_of(request).content(message_id)
    await record(request, Kind.DOWNLOADED, message_id, what="original")
    inert = {"Content-Type": "text/plain; charset=utf-8", "Content-Security-Policy": INERT}
    return web.Response(body=content, headers=inert)


@routes.get(f"{MESSAGE}/part/{{part:[0-9]{{1,4}}}}")
@in_mailpits_words
async def part(request: web.Request) -> web.Response:
    message_id = await id_of(request)
    reading = await _read(request, message_id)
    wanted = part_at(reading.root, int(request.match_info["part"]))
    if wanted is None:
        return web.Response(status=404, text="File not found")
    require(request, Permission.BODY if is_body(wanted) else Permission.ATTACHMENTS)
    data = await in_thread(request, lambda: decode_body(wanted, reading.content))
    await record(request, Kind.DOWNLOADED, message_id, what="part", part=wanted.number)
    name = filename(wanted) or f"{message_id}-{wanted.number}.bin"
    return download(data, safe_type(wanted.content_type), name)


@routes.get(f"{MESSAGE}/part/{{part:[0-9]{{1,4}}}}/thumb")
@in_mailpits_words
async def thumb(request: web.Request) -> web.Response:
    """A small picture made by us (PNG); 404 for what cannot be drawn."""
    require(request, Permission.ATTACHMENTS)
    reading = await _read(request, await id_of(request))
    wanted = part_at(reading.root, int(request.match_info["part"]))
    if wanted is None:
        return web.Response(status=404, text="File not found")
    data = await in_thread(request, lambda: decode_body(wanted, reading.content))
    picture = await drawn(request, wanted.content_type, data, THUMB)
    if picture is None:
        return web.Response(status=404, text="File not found")
    return download(picture.png, "image/png", "thumb.png", inline=True)


@routes.get("/view/{id:[A-Za-z0-9]{1,40}}.html")
@in_mailpits_words
async def html(request: web.Request) -> web.Response:
    """The HTML as it came, under a policy that lets it run and fetch nothing."""
    require(request, Permission.BODY)
    message_id = await id_of(request)
    reading = await _read(request, message_id)
    if not html_of(reading):
        return web.Response(status=404, text="This message does not contain a HTML part")
    await record(request, Kind.VIEWED, message_id)
    body = await in_thread(request, lambda: shape.html_with_pictures(reading))
    return web.Response(text=body, content_type="text/html", headers={"Content-Security-Policy": POLICY})


@routes.get("/view/{id:[A-Za-z0-9]{1,40}}.txt")
@in_mailpits_words
async def text(request: web.Request) -> web.Response:
    require(request, Permission.BODY)
    message_id = await id_of(request)
    reading = await _read(request, message_id)
    await record(request, Kind.VIEWED, message_id)
    return web.Response(text=text_of(reading).text, headers={"Content-Security-Policy": INERT})
