"""Sending a message in Mailpit's JSON; it goes the way of `POST /api/messages`."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from relay.archive.api import OutOfReach
from viewer.api.parameters import json_object
from viewer.errors import FieldError
from viewer.work.submitting import application_of, composed_in_thread, hand_in

routes = web.RouteTableDef()
NAMES = frozenset({"From", "To", "Cc", "Bcc", "ReplyTo", "Subject", "Text", "HTML", "Headers", "Tags", "Attachments"})
_FILE = {"Content": "content", "Filename": "filename", "ContentType": "content_type", "ContentID": "content_id"}


@routes.post("/api/v1/send")
async def send(request: web.Request) -> web.Response:
    try:
        said = _translated(await json_object(request, NAMES))
        application = application_of(request, None)
        done = await hand_in(request, await composed_in_thread(request, said), application)
    except FieldError as error:
        return web.json_response({"Error": f"{error.field}: {error.message}"}, status=400)
    except OutOfReach as error:
        return web.json_response({"Error": str(error)}, status=403)
    except web.HTTPException as error:
        return web.json_response({"Error": error.text}, status=error.status)
    return web.json_response({"ID": done.message_id})


def _translated(said: dict[str, Any]) -> dict[str, Any]:
    """The same in the words of our own API. Raises FieldError."""
    files = said.get("Attachments") or []
    if not isinstance(files, list) or not all(isinstance(file, dict) for file in files):
        raise FieldError("Attachments", "must be a list of objects")
    headers = said.get("Headers") or {}
    bcc = said.get("Bcc") or []
    found = {
        "from": _mailbox("From", said.get("From")),
        "to": _mailboxes(said, "To"),
        "cc": _mailboxes(said, "Cc"),
        "bcc": bcc,
        "reply_to": _mailboxes(said, "ReplyTo"),
        "subject": said.get("Subject"),
        "text": said.get("Text"),
        "html": said.get("HTML"),
        "headers": headers,
        "tags": said.get("Tags") or [],
        "attachments": [{_FILE.get(name, name): value for name, value in file.items()} for file in files],
    }
    if not (found["to"] or found["cc"] or bcc):
        raise FieldError("To", "must name somebody")
    return found


def _mailboxes(said: dict[str, Any], name: str) -> list[Any]:
    several = said.get(name) or []
    if not isinstance(several, list):
        raise FieldError(name, "must be a list")
    return [_mailbox(name, one) for one in several]


def _mailbox(name: str, value: Any) -> dict[str, Any]:
    if not isinstance(value, dict) or not isinstance(value.get("Email"), str):
        raise FieldError(name, 'must be {"Email": …, "Name": …}')
    return {"name": value.get("Name") or "", "address": value["Email"]}
