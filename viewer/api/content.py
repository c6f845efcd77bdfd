"""The octets of a message: the original as it came, and each copy as it was sent. Never decoded or repaired."""

from __future__ import annotations

import hashlib

from aiohttp import web

from relay import maillog
from relay.archive.api import ArchiveError
from relay.model.delivery import Attempt
from relay.model.event import Kind
from relay.rendition.edit import splice
from viewer.api.parameters import number
from viewer.journal import record
from viewer.keys import ARCHIVE, DELIVERY_ID, ID
from viewer.parsing import in_thread
from viewer.people import Permission
from viewer.security import require
from viewer.streams import attachment, download, stream

routes = web.RouteTableDef()
MESSAGE = "message/rfc822"


@routes.get(f"/api/messages/{ID}/content")
async def original(request: web.Request) -> web.StreamResponse:
    """The verbatim octets, with their SHA-256 as entity tag."""
    require(request, Permission.READ)
    archive, message_id = request.app[ARCHIVE], request.match_info["id"]
    message = (await archive.message(message_id)).message
    etag = f'"{message.sha256.hex()}"'
    if etag in request.headers.get("If-None-Match", ""):
        return web.Response(status=304, headers={"ETag": etag, "Cache-Control": "private, no-cache"})
    await record(request, Kind.DOWNLOADED, message_id, what="original")
    headers = {
        "Content-Type": MESSAGE,
        "Content-Length": str(message.size),
        "Content-Disposition": attachment(f"{message_id}.eml"),
        "ETag": etag,
        "Cache-Control": "private, no-cache",
    }
    return await stream(request, archive.content_chunks(message_id), headers)


@routes.get(f"/api/messages/{ID}/deliveries/{DELIVERY_ID}/content")
async def as_sent(request: web.Request) -> web.Response:
    """What went to the upstream in the latest attempt (or in `attempt`), rebuilt and checked against its hash."""
    require(request, Permission.READ)
    archive, message_id = request.app[ARCHIVE], request.match_info["id"]
    delivery_id = request.match_info["delivery_id"]
    stored = await archive.message(message_id)
    if delivery_id not in {delivery.id for delivery in stored.deliveries}:
        raise web.HTTPNotFound(text="This message has no such delivery.")
    attempt = _chosen(request, [one for one in stored.attempts if one.delivery_id == delivery_id])
    content = await archive.content(message_id)
    wire = await in_thread(request, lambda: _rebuilt(content, attempt))
    if wire is None:
        maillog.room_failed("viewer", ArchiveError(f"{message_id}: attempt {attempt.id} has edits or a hash that fail"))
        raise web.HTTPInternalServerError(text="The copy as sent does not have the recorded SHA-256. It is not shown.")
    await record(request, Kind.DOWNLOADED, message_id, delivery_id, what="as-sent", attempt=attempt.number)
    return download(wire, MESSAGE, f"{message_id}-{delivery_id}-{attempt.number}.eml")


def _chosen(request: web.Request, attempts: list[Attempt]) -> Attempt:
    if not attempts:
        raise web.HTTPNotFound(text="Nothing was sent: this delivery has never been attempted.")
    if "attempt" not in request.query:
        return max(attempts, key=lambda attempt: attempt.number)
    wanted = number(request, "attempt", 1, 1, 1_000_000)
    for attempt in attempts:
        if attempt.number == wanted:
            return attempt
    raise web.HTTPNotFound(text=f"This delivery has {len(attempts)} attempts and none with number {wanted}.")


def _rebuilt(content: bytes, attempt: Attempt) -> bytes | None:
    """The octets sent, or None if they are not those whose hash was kept."""
    try:
        wire = splice(content, attempt.edits)
    except ValueError:
        return None
    return wire if hashlib.sha256(wire).digest() == attempt.wire_sha256 else None
