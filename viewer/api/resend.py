"""Sending a message again, exactly or edited."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from relay.model.access import Permission
from relay.rendition.revise import Revision
from viewer.api.parameters import json_object
from viewer.errors import FieldError
from viewer.keys import ID
from viewer.security import require
from viewer.streams import download
from viewer.work.resend import edited, resend_edited, resend_exact

routes = web.RouteTableDef()
NAMES = frozenset({"recipients", "edit"})
EDITS = ("subject", "to", "cc", "text", "html")


@routes.post(f"/api/messages/{ID}/resend")
async def resend(request: web.Request) -> web.Response:
    """`{"recipients": ["a@b"], "edit": {"subject": …, "to": …, "cc": …, "text": …,
    "html": …}}`, both optional."""
    require(request, Permission.RESEND)
    message_id, asked = request.match_info["id"], await json_object(request, NAMES)
    recipients, revision = _recipients(asked.get("recipients")), _revision(asked.get("edit"))
    if revision is None:
        done = await resend_exact(request, message_id, recipients)
    else:
        require(request, Permission.EDIT)
        done = await resend_edited(request, message_id, revision, recipients)
    answer = {"message_id": done.message_id, "delivery_ids": list(done.delivery_ids), "parent_id": done.parent_id}
    return web.json_response(answer, status=202)


@routes.post(f"/api/messages/{ID}/resend/preview")
async def preview(request: web.Request) -> web.Response:
    """The edited copy that such a resend would make now, octet for octet; nothing is sent or kept."""
    require(request, Permission.EDIT)
    message_id, asked = request.match_info["id"], await json_object(request, NAMES)
    revision = _revision(asked.get("edit"))
    if revision is None:
        raise FieldError("edit", f"must be an object with at least one of {', '.join(EDITS)}")
    copy = await edited(request, message_id, revision, _recipients(asked.get("recipients")))
    return download(copy.content, "message/rfc822", f"{message_id}-edited.eml")


def _recipients(given: Any) -> list[str] | None:
    if given is None:
        return None
    if not isinstance(given, list) or not all(isinstance(address, str) for address in given):
        raise FieldError("recipients", "must be a list of addresses")
    return given


def _revision(given: Any) -> Revision | None:
    if given is None:
        return None
    if not isinstance(given, dict) or not given:
        raise FieldError("edit", f"must be an object with at least one of {', '.join(EDITS)}")
    for name, value in given.items():
        if name not in EDITS or not isinstance(value, str):
            raise FieldError(f"edit.{name}"[:80], f"must be a text; known are {', '.join(EDITS)}")
    return Revision(**given)
