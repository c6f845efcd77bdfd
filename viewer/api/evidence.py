"""The evidence bundle about one message: a ZIP that can be checked offline by somebody who does not trust us."""

from __future__ import annotations

from aiohttp import web

from relay.model.access import Permission
from relay.model.event import Kind
from viewer.errors import FieldError
from viewer.journal import record
from viewer.keys import ID
from viewer.security import archive_of, require, signed_in_user
from viewer.streams import attachment, stream
from viewer.translation import say
from viewer.work.evidence import CONTENT_TYPE, asked_of, evidence_of, require_whole, said_why_not

routes = web.RouteTableDef()
WHOLE = "whole"
NEEDS = (Permission.READ, Permission.BODY, Permission.ATTACHMENTS, Permission.EXPORT)
"""A bundle has the message whole, and what people did with it."""


@routes.get(f"/api/messages/{ID}/evidence")
async def of_one(request: web.Request) -> web.StreamResponse:
    """`reports=whole`: also reports of the provider in which other messages are told of; for those who see all."""
    person, archive, message_id = require(request, *NEEDS), archive_of(request), request.match_info["id"]
    stored = await archive.message(message_id)
    await require_whole(archive, stored)
    maker = evidence_of(request)
    if request.query.get("reports", WHOLE) != WHOLE:
        raise FieldError("reports", '"whole", or left out')
    is_whole = "reports" in request.query
    if is_whole and not signed_in_user(request).grant.scope.is_everything:
        raise web.HTTPForbidden(text=say("Such a report tells of messages that you may not see."))
    await record(request, Kind.EXPORTED, message_id, what=say("evidence"), format="zip")
    leaves = [leaf.index for leaf in await archive.leaves_of(message_id)]
    asked = asked_of(request, person.actor, [message_id], leaves, whole_reports=is_whole)
    headers = {
        "Content-Type": CONTENT_TYPE,
        "Content-Disposition": attachment(f"evidence-{message_id}.zip"),
        "Cache-Control": "no-store",
    }
    with said_why_not():
        return await stream(request, maker.bundle(asked), headers)
