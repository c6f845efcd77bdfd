"""Tags that people give, for programs."""

from __future__ import annotations

from aiohttp import web

from relay.model.access import Permission
from viewer.api.parameters import json_object
from viewer.errors import FieldError
from viewer.keys import ID
from viewer.security import archive_of, require
from viewer.work.tagging import change, checked

routes = web.RouteTableDef()


@routes.post(f"/api/messages/{ID}/tags")
async def changed(request: web.Request) -> web.Response:
    require(request, Permission.TAG)
    body = await json_object(request, frozenset({"add", "remove"}))
    message_id = request.match_info["id"]
    await change(request, message_id, _tags(body, "add"), _tags(body, "remove"))
    return web.json_response(
        {"message_id": message_id, "tags": list((await archive_of(request).message(message_id)).tags)}
    )


def _tags(body: dict[str, object], name: str) -> tuple[str, ...]:
    values = body.get(name, [])
    if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
        raise FieldError(name, "must be a list of texts")
    return checked(name, values)
