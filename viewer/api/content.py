"""The octets of a message: the original as it came, and each copy as it was sent. Never decoded or repaired."""

from __future__ import annotations

from aiohttp import web

from relay import maillog
from relay.archive.api import ArchiveError, StoredMessage
from relay.model.access import Permission
from relay.model.delivery import Attempt, Delivery
from relay.model.event import Kind
from viewer.api.parameters import number
from viewer.journal import record
from viewer.keys import DELIVERY_ID, ID
from viewer.message.copies import rebuilt
from viewer.message.discretion import original as whole
from viewer.message.discretion import whole_in_pieces
from viewer.message.parsing import in_thread
from viewer.security import archive_of, require
from viewer.streams import attachment, download, stream

routes = web.RouteTableDef()
MESSAGE = "message/rfc822"
WHOLE = (Permission.READ, Permission.BODY, Permission.ATTACHMENTS)
"""What it takes to have a message whole."""


@routes.get(f"/api/messages/{ID}/content")
async def original(request: web.Request) -> web.StreamResponse:
    """The verbatim octets, with their SHA-256 as entity tag."""
    require(request, *WHOLE)
    archive, message_id = archive_of(request), request.match_info["id"]
    message = (await archive.message(message_id)).message
    etag = f'"{message.sha256.hex()}"'
    if etag in request.headers.get("If-None-Match", ""):
        return web.Response(status=304, headers={"ETag": etag, "Cache-Control": "private, no-cache"})
    pieces = await whole_in_pieces(archive, message_id)
    await record(request, Kind.DOWNLOADED, message_id, what="original")
    headers = {
        "Content-Type": MESSAGE,
        "Content-Length": str(message.size),
        "Content-Disposition": attachment(f"{message_id}.eml"),
        "ETag": etag,
        "Cache-Control": "private, no-cache",
    }
    return await stream(request, pieces, headers)


@routes.get(f"/api/messages/{ID}/deliveries/{DELIVERY_ID}/content")
async def as_sent(request: web.Request) -> web.Response:
    """What went to the upstream in the latest attempt (or in `attempt`), rebuilt and checked against its hash."""
    require(request, *WHOLE)
    archive, message_id = archive_of(request), request.match_info["id"]
    stored = await archive.message(message_id)
    delivery = delivery_of(request, stored)
    attempt = chosen(request, attempts_of(stored, delivery))
    content = await whole(archive, message_id)
    wire = await in_thread(request, lambda: rebuilt(content, attempt))
    if wire is None:
        maillog.room_failed("viewer", ArchiveError(f"{message_id}: attempt {attempt.id} has edits or a hash that fail"))
        raise web.HTTPInternalServerError(text="The copy as sent does not have the recorded SHA-256. It is not shown.")
    await record(request, Kind.DOWNLOADED, message_id, delivery.id, what="as-sent", attempt=attempt.number)
    return download(wire, MESSAGE, f"{message_id}-{delivery.id}-{attempt.number}.eml")


def delivery_of(request: web.Request, stored: StoredMessage) -> Delivery:
    """The delivery that the path names; 404 if it is not one of this message."""
    for delivery in stored.deliveries:
        if delivery.id == request.match_info["delivery_id"]:
            return delivery
    raise web.HTTPNotFound(text="This message has no such delivery.")


def attempts_of(stored: StoredMessage, delivery: Delivery) -> list[Attempt]:
    return [attempt for attempt in stored.attempts if attempt.delivery_id == delivery.id]


def chosen(request: web.Request, attempts: list[Attempt]) -> Attempt:
    """The attempt that `attempt` names, the latest without it; 404 where there is none."""
    if not attempts:
        raise web.HTTPNotFound(text="Nothing was sent: this delivery has never been attempted.")
    if "attempt" not in request.query:
        return max(attempts, key=lambda attempt: attempt.number)
    wanted = number(request, "attempt", 1, 1, 1_000_000)
    for attempt in attempts:
        if attempt.number == wanted:
            return attempt
    raise web.HTTPNotFound(text=f"This delivery has {len(attempts)} attempts and none with number {wanted}.")
