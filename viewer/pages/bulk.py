"""Doing one thing with many messages: the question that names their number, and the page of what is under way."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import aiohttp_jinja2
from aiohttp import web
from multidict import MultiDict

from relay.model.access import Permission
from viewer.errors import FieldError
from viewer.flash import flash
from viewer.grid.live import PAUSE, event_stream, sse
from viewer.keys import CLOCK, ID
from viewer.security import archive_of, require
from viewer.translation import say
from viewer.work.bulk import Kind, Selected, begin, checked, selected
from viewer.work.bulk_kinds import KINDS
from viewer.work.exports import wants_json
from viewer.work.tasks import TASKS, Task, own_task

routes = web.RouteTableDef()

SHOWN = 8
"""Of what is chosen, shown with the question."""


@routes.post("/bulk/choose")
async def choose(request: web.Request) -> web.Response:
    """Asks whether it is meant: names the number, shows some, warns, and asks for what the kind needs."""
    form = MultiDict((name, str(value)) for name, value in (await request.post()).items())
    kind = _kind(form)
    require(request, kind.permission)
    until = (await archive_of(request).progress()).last
    return await _question(request, kind, _selected(request, form, until), form)


async def _question(
    request: web.Request,
    kind: Kind,
    meant: Selected,
    form: MultiDict[str],
    problem: FieldError | None = None,
) -> web.Response:
    archive, back = archive_of(request), back_of(form)
    if not meant.ids and form.get("all") != "1":
        flash(request, say("Choose at least one message first."), "bad")
        raise web.HTTPSeeOther(back)
    count = await meant.count(archive)
    if not count:
        flash(request, say("Nothing of what you chose is there any more."), "bad")
        raise web.HTTPSeeOther(back)
    warnings = await kind.warnings(archive, meant, request.app[CLOCK]()) if kind.warnings else []
    context: dict[str, Any] = {
        "kind": kind,
        "meant": meant,
        "count": count,
        "first": await meant.first(archive, SHOWN),
        "warnings": warnings,
        "obstacle": kind.obstacle(request),
        "given": form,
        "problem": problem,
        "back": back,
        "now": request.app[CLOCK](),
    }
    return aiohttp_jinja2.render_template("bulk.html", request, context, status=400 if problem else 200)


@routes.post("/bulk/do")
async def do(request: web.Request) -> web.Response:
    """Begins what was confirmed, and goes to the page where it can be watched."""
    form = MultiDict((name, str(value)) for name, value in (await request.post()).items())
    kind = _kind(form)
    require(request, kind.permission)
    meant = _selected(request, form, _whole(form, "until"))
    if not meant.ids and form.get("all") != "1":
        raise FieldError("all", say("must be 1 to mean all that match"))
    try:
        checked(kind, form)
        address = await begin(request, kind, meant, form, _whole(form, "count"))
    except FieldError as error:
        if error.field not in {ask.name for ask in kind.asks}:
            raise
        return await _question(request, kind, meant, form, error)
    raise web.HTTPSeeOther(address)


def _kind(form: MultiDict[str]) -> Kind:
    name = form.get("kind", "")
    if name not in KINDS:
        raise FieldError("kind", say("must be one of %(known)s", known=", ".join(KINDS)))
    return KINDS[name]


def _selected(request: web.Request, form: MultiDict[str], until: int) -> Selected:
    # Without a script the boxes of the rows come along with "all".
    ids = [] if form.get("all") == "1" else form.getall("message", [])
    return selected(form.get("q", "").strip(), ids, request.app[CLOCK](), until)


def _whole(form: MultiDict[str], name: str) -> int:
    text = form.get(name, "")
    if not (text.isascii() and text.isdigit() and len(text) < 19):
        raise FieldError(name, say("must be a whole number"))
    return int(text)


def back_of(form: MultiDict[str]) -> str:
    """Where the person came from: a page of ours, by `back`, else the grid."""
    back = form.get("back", "")
    is_own = back.startswith("/") and not back.startswith(("//", "/\\")) and back.isprintable()
    return back if is_own else "/"


# -- what is under way -----------------------------------------------------------------------------------------------
@routes.get("/tasks")
async def show_all(request: web.Request) -> web.Response:
    person = require(request, Permission.READ)
    tasks = request.app[TASKS].of(person.name)
    return aiohttp_jinja2.render_template("tasks.html", request, {"tasks": tasks, "now": request.app[CLOCK]()})


@routes.get(f"/tasks/{ID}")
async def watch(request: web.Request) -> web.Response:
    task = own_task(request)
    if wants_json(request):
        return web.json_response(shown(task))
    context = {"task": task, "back": getattr(getattr(task, "selected", None), "q", "")}
    return aiohttp_jinja2.render_template("task.html", request, context)


@routes.get(f"/tasks/{ID}/progress")
async def progress(request: web.Request) -> web.StreamResponse:
    return await event_stream(request, progress_of(own_task(request)))


async def progress_of(task: Task) -> AsyncIterator[str]:
    """The events of a task until it is over."""
    while True:
        changed = task.changed
        yield sse("progress", shown(task))
        if task.is_over:
            return
        await changed.wait()
        # A burst of steps becomes one answer.
        await asyncio.sleep(PAUSE)


def shown(task: Task) -> dict[str, Any]:
    return {"state": task.state, "done": task.done, "total": task.total, "told": task.told}


@routes.post(f"/tasks/{ID}/stop")
async def stop(request: web.Request) -> web.Response:
    task = own_task(request)
    request.app[TASKS].stop(task)
    raise web.HTTPSeeOther(task.address)
