"""One attachment: what it is, its hash, and a preview that nothing in it can get out of.

Pictures and PDF pages are pixels that the worker of `viewer/message/thumbnail.py` made; text is text; HTML is as inert
as the message's own, in a frame under the same policy.
"""

from __future__ import annotations

from typing import Any

import aiohttp_jinja2
from aiohttp import web

from relay.model.access import Permission
from relay.model.event import Kind
from relay.rendition.decode import decode_body, decode_text
from relay.rendition.mime import Part
from viewer.errors import FieldError, refusal
from viewer.journal import record
from viewer.keys import ID
from viewer.message.attached import Attached, described, shown_text
from viewer.message.invitation import invitations
from viewer.message.parsing import Parsed, in_thread, parsed
from viewer.message.pictures import drawn
from viewer.message.preview import MAX_HTML, Preview, TooMuch, make_preview
from viewer.message.thumbnail import SIDES
from viewer.pages.frames import framed
from viewer.security import archive_of, require
from viewer.streams import INERT
from viewer.translation import say

routes = web.RouteTableDef()
PART = f"/messages/{ID}/parts/{{number:[0-9]{{1,4}}}}"
MAX_PAGE = 10_000


async def _found(request: web.Request) -> tuple[Parsed, Part, bytes]:
    """The message, the part and its data; 404 for a part that it does not have."""
    require(request, Permission.ATTACHMENTS)
    found = await parsed(request, request.match_info["id"])
    number = int(request.match_info["number"])
    if number >= len(found.parts):
        raise refusal(
            web.HTTPNotFound, say("This message has %(parts)s parts, counted from 0.", parts=len(found.parts))
        )
    part = found.parts[number]
    return found, part, await in_thread(request, lambda: decode_body(part, found.content))


def _page(request: web.Request) -> int:
    text = request.query.get("page", "1")
    if not (text.isascii() and text.isdigit() and len(text) < 6 and 1 <= int(text) <= MAX_PAGE):
        raise FieldError("page", say("must be a number from 1 to %(max_page)s", max_page=MAX_PAGE))
    return int(text)


@routes.get(PART)
async def show(request: web.Request) -> web.Response:
    """The page of the attachment; looking at it is an event."""
    page = _page(request)
    found, part, data = await _found(request)
    message_id = request.match_info["id"]
    message = (await archive_of(request).message(message_id)).message
    await record(request, Kind.VIEWED, message_id, what="part", part=part.number)
    file = await in_thread(request, lambda: described(part, data))
    context = {"message": message, "file": file, "page": page, "q": ""} | await _shown(request, found, part, data, file)
    return aiohttp_jinja2.render_template("part.html", request, context)


async def _shown(request: web.Request, found: Parsed, part: Part, data: bytes, file: Attached) -> dict[str, Any]:
    if file.kind == "picture":
        picture = await drawn(request, file.content_type, data, "small")
        return {"pages": min(picture.pages, MAX_PAGE) if picture else 0}
    if file.kind == "event":
        told = await in_thread(request, lambda: invitations(found.root, found.content))
        return {"invitations": [one for one in told if one.number == part.number]}
    if file.kind == "text":
        text, is_cut = await in_thread(request, lambda: shown_text(part, data))
        return {"text": text, "is_cut": is_cut}
    return {}


@routes.get(f"{PART}/picture")
async def picture(request: web.Request) -> web.Response:
    """A PNG of the picture or PDF page; 404 where none can be drawn. Not an event: the page that shows it is."""
    size = request.query.get("size", "small")
    if size not in SIDES:
        raise FieldError("size", say("must be one of %(known)s", known=", ".join(SIDES)))
    page = _page(request)
    _, part, data = await _found(request)
    made = await drawn(request, part.content_type, data, size, page - 1)
    if made is None:
        raise web.HTTPNotFound(text=say("No picture can be drawn of this."))
    headers = {"Content-Security-Policy": INERT, "Cache-Control": "private, max-age=300"}
    return web.Response(body=made.png, content_type="image/png", headers=headers)


@routes.get(f"{PART}/preview")
async def preview(request: web.Request) -> web.Response:
    """An attached HTML file made inert, for the frame of its page."""
    found, part, _ = await _found(request)
    if part.content_type != "text/html":
        raise web.HTTPNotFound(text=say("Only HTML is previewed in this way."))
    try:
        made = await in_thread(
            request, lambda: make_preview(decode_text(part, found.content, MAX_HTML + 1), lambda _: None)
        )
    except TooMuch:
        made = Preview("<!doctype html><title>Preview</title><p>Too large to preview.", 0, ())
    return framed(made)
