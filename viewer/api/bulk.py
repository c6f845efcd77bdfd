"""Doing one thing with many messages, for programs: begun here, watched by its task, stopped when asked."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from viewer.api.parameters import json_object
from viewer.errors import FieldError
from viewer.keys import CLOCK, ID
from viewer.security import archive_of, require
from viewer.work import bulk
from viewer.work.bulk import Bulk, Kind
from viewer.work.bulk_kinds import KINDS
from viewer.work.tasks import TASKS, own_task

routes = web.RouteTableDef()

KIND = "{kind:" + "|".join(KINDS) + "}"


@routes.post(f"/api/bulk/{KIND}")
async def begin(request: web.Request) -> web.Response:
    """`{"q": …}` or `{"message_ids": […]}`, and what the kind asks for; the answer says where to watch it."""
    kind = KINDS[request.match_info["kind"]]
    require(request, kind.permission)
    asked = await json_object(request, frozenset({"q", "message_ids", *(ask.name for ask in kind.asks)}))
    if ("q" in asked) == ("message_ids" in asked):
        raise FieldError("q", "give either q or message_ids; an empty q means all there are")
    archive = archive_of(request)
    until = (await archive.progress()).last
    meant = bulk.selected(_text(asked, "q"), _ids(asked), request.app[CLOCK](), until)
    total = await meant.count(archive)
    address = await bulk.begin(request, kind, meant, _answers(kind, asked), total)
    return web.json_response({"kind": kind.name, "total": total, "address": address}, status=202)


@routes.get("/api/tasks/" + ID)
async def task(request: web.Request) -> web.Response:
    return web.json_response(_own(request).as_json())


@routes.post("/api/tasks/" + ID + "/stop")
async def stop(request: web.Request) -> web.Response:
    mine = _own(request)
    request.app[TASKS].stop(mine)
    return web.json_response(mine.as_json())


def _own(request: web.Request) -> Bulk:
    found = own_task(request)
    if not isinstance(found, Bulk):
        raise web.HTTPNotFound
    return found


def _text(asked: dict[str, Any], name: str) -> str:
    value = asked.get(name, "")
    if not isinstance(value, str):
        raise FieldError(name, "must be a text")
    return value


def _ids(asked: dict[str, Any]) -> list[str]:
    ids = asked.get("message_ids", [])
    if (
        not isinstance(ids, list)
        or not all(isinstance(one, str) for one in ids)
        or ("message_ids" in asked and not ids)
    ):
        raise FieldError("message_ids", "must be a list of at least one id")
    return ids


def _answers(kind: Kind, asked: dict[str, Any]) -> dict[str, str]:
    return {ask.name: _text(asked, ask.name) for ask in kind.asks}
