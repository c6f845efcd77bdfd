"""The MIME parts of a message: their list, and the decoded data of one.

Data is given as an attachment that no browser runs; only images of types that are pixels and nothing else are shown
inline, when asked for and when their first octets are what they claim to be.
"""

from __future__ import annotations

import re

from aiohttp import web

from relay.model.access import Permission
from relay.model.event import Kind
from relay.rendition.decode import decode_body, filename
from relay.rendition.mime import Part
from relay.rendition.parts import is_body
from viewer.api import shape
from viewer.journal import record
from viewer.keys import ID
from viewer.message.parsing import in_thread, parsed
from viewer.security import require
from viewer.streams import download

routes = web.RouteTableDef()

RASTERS = {
    "image/png": re.compile(rb"\x89PNG\r\n\x1a\n"),
    "image/jpeg": re.compile(rb"\xff\xd8\xff"),
    "image/gif": re.compile(rb"GIF8[79]a"),
    "image/webp": re.compile(rb"RIFF....WEBP", re.DOTALL),
}
_MEDIA_TYPE = re.compile(r"[a-z0-9!#$&^_.+-]{1,127}/[a-z0-9!#$&^_.+-]{1,127}")
_SCRIPT = re.compile(r"html|xml|svg|script|message/|multipart/")


@routes.get(f"/api/messages/{ID}/parts")
async def all_parts(request: web.Request) -> web.Response:
    require(request, Permission.READ)
    found = await parsed(request, request.match_info["id"])
    return web.json_response({"parts": [shape.part(part) for part in found.parts]})


@routes.get(f"/api/messages/{ID}/parts/{{number:[0-9]{{1,4}}}}")
async def one_part(request: web.Request) -> web.Response:
    require(request, Permission.READ)
    message_id, number = request.match_info["id"], int(request.match_info["number"])
    found = await parsed(request, message_id)
    if number >= len(found.parts):
        raise web.HTTPNotFound(text=f"This message has {len(found.parts)} parts, counted from 0.")
    part = found.parts[number]
    require(request, Permission.BODY if is_body(part) else Permission.ATTACHMENTS)
    data = await in_thread(request, lambda: decode_body(part, found.content))
    if request.query.get("inline") == "1" and is_raster(part.content_type, data):
        return download(data, part.content_type, _name(part, message_id), inline=True)
    await record(request, Kind.DOWNLOADED, message_id, what="part", part=number)
    return download(data, safe_type(part.content_type), _name(part, message_id))


def is_raster(content_type: str, data: bytes) -> bool:
    """`data` begins as an image of that type does, and the type holds no script."""
    magic = RASTERS.get(content_type)
    return magic is not None and magic.match(data) is not None


def safe_type(content_type: str) -> str:
    """The part's own type if it is well formed and nothing that a browser could run; else octets."""
    is_plain = _MEDIA_TYPE.fullmatch(content_type) is not None and not _SCRIPT.search(content_type)
    return content_type if is_plain else "application/octet-stream"


def _name(part: Part, message_id: str) -> str:
    """The name that the sender gave the part, cleaned, for the browser to propose; else one from our id."""
    return filename(part) or f"{message_id}-{part.number}.bin"
