"""Handing in a message by HTTP: as JSON, or as a whole message."""

from __future__ import annotations

from aiohttp import web

from relay.model.handing import Taken
from viewer.api.parameters import json_object
from viewer.identity.callers import WHOLE
from viewer.message.parsing import in_thread
from viewer.work.composing import FIELDS, tags_of, taken
from viewer.work.submitting import application_of, composed_in_thread, hand_in, recipients_in_query

routes = web.RouteTableDef()


@routes.post("/api/messages")
async def submit(request: web.Request) -> web.Response:
    """202 once it is kept durably, and for a repeated request, with the same message."""
    if request.content_type == WHOLE:
        application = application_of(request, request.query.get("application"))
        content, sender = await request.read(), request.query.get("sender", "")
        recipients, tags = recipients_in_query(request), tags_of(request.query.getall("tag", []), "tag")
        composed = await in_thread(request, lambda: taken(content, sender=sender, recipients=recipients, tags=tags))
    else:
        said = await json_object(request, FIELDS)
        application = application_of(request, said.get("application"))
        composed = await composed_in_thread(request, said)
    done = await hand_in(request, composed, application)
    return web.json_response(answer_of(done), status=202)


def answer_of(done: Taken) -> dict[str, object]:
    return {
        "id": done.message_id,
        "deliveries": [
            {"id": delivery_id, "recipient": recipient, "state": state}
            for delivery_id, (recipient, state) in done.deliveries.items()
        ],
        "is_repeated": done.is_repeated,
    }
