"""The pages of deletion: the question with its reason, and the requests that wait for another person."""

from __future__ import annotations

from collections.abc import Sequence

import aiohttp_jinja2
from aiohttp import web

from relay.archive.api import NotFound, StoredMessage
from relay.model.access import Permission
from relay.model.deletion import LONGEST_REASON, Request, Standing, waits
from viewer.errors import FieldError
from viewer.flash import flash
from viewer.keys import CLOCK, ID
from viewer.security import archive_of, require, signed_in_user
from viewer.translation import say, say_n
from viewer.work.deletion import approve, ask_or_delete, checked_reason, is_own, needs_two, refuse

routes = web.RouteTableDef()
PAGE = 50


@routes.get(f"/messages/{ID}/delete")
async def question(request: web.Request) -> web.Response:
    require(request, Permission.DELETE)
    return await _question(request, await archive_of(request).message(request.match_info["id"]))


async def _question(request: web.Request, stored: StoredMessage, problem: str = "", reason: str = "") -> web.Response:
    if stored.deletion is not None:
        raise web.HTTPSeeOther(f"/messages/{stored.message.id}")
    context = {
        "stored": stored,
        "message": stored.message,
        "summary": stored.summary,
        "needs_two": needs_two(request),
        "waiting": sum(map(waits, stored.deliveries)),
        "asked": await archive_of(request).open_deletion_request(stored.message.id),
        "problem": problem,
        "reason": reason,
        "longest": LONGEST_REASON,
    }
    return aiohttp_jinja2.render_template("delete.html", request, context, status=400 if problem else 200)


@routes.post(f"/messages/{ID}/delete")
async def deleted(request: web.Request) -> web.Response:
    require(request, Permission.DELETE)
    message_id, text = request.match_info["id"], str((await request.post()).get("reason", ""))
    try:
        reason = checked_reason(text)
    except FieldError as error:
        stored = await archive_of(request).message(message_id)
        return await _question(request, stored, error.message, text[:LONGEST_REASON])
    asked = await ask_or_delete(request, message_id, reason)
    flash(request, asked.words, "bad" if asked.standing == "refused" else "note")
    raise web.HTTPSeeOther(f"/messages/{message_id}")


# -- requests ------------------------------------------------------------------------------------------------------
@routes.get("/deletions")
async def requests(request: web.Request) -> web.Response:
    """Those that wait, or with `all=1` those that were decided too; newest first."""
    require(request, Permission.DELETE)
    is_all, before = request.query.get("all") == "1", request.query.get("before") or None
    found = await archive_of(request).deletion_requests(only_open=not is_all, before=before, limit=PAGE + 1)
    rows = [(wanted, await _shown(request, wanted)) for wanted in found[:PAGE]]
    context = {
        "rows": rows,
        "is_all": is_all,
        "next": found[PAGE - 1].id if len(found) > PAGE else "",
        "own": signed_in_user(request).actor,
        "can_decide": any(one.standing is Standing.OPEN and not is_own(request, one) for one in found[:PAGE]),
        "now": request.app[CLOCK](),
        "needs_two": needs_two(request),
    }
    return aiohttp_jinja2.render_template("deletions.html", request, context)


async def _shown(request: web.Request, wanted: Request) -> str:
    """The subject of the message, '' if it has none or is gone."""
    try:
        return (await archive_of(request).listing(wanted.message_id)).subject
    except NotFound:
        return ""


@routes.post("/deletions")
async def decided(request: web.Request) -> web.Response:
    """Approves or refuses the chosen requests, each in a commit of its own."""
    require(request, Permission.DELETE)
    form = await request.post()
    chosen = [str(value) for value in form.getall("request", [])][:PAGE]
    if not chosen:
        raise FieldError("request", say("Choose at least one request."))
    decision = str(form.get("decision", ""))
    if decision == "approve":
        await _approve(request, chosen)
    elif decision == "refuse":
        answer = " ".join(str(form.get("answer", "")).split())[:LONGEST_REASON]
        closed = [await refuse(request, one, answer) for one in chosen]
        flash(request, say_n("%(num)s request refused.", "%(num)s requests refused.", sum(closed)))
    else:
        raise FieldError("decision", say("must be approve or refuse"))
    raise web.HTTPSeeOther("/deletions")


async def _approve(request: web.Request, chosen: Sequence[str]) -> None:
    refusals: list[str] = []
    for one in chosen:
        asked = await approve(request, one)
        if asked.standing == "refused":
            refusals.append(asked.words)
    if done := len(chosen) - len(refusals):
        one, many = "The content of %(num)s message was deleted.", "The contents of %(num)s messages were deleted."
        flash(request, say_n(one, many, done))
    for words in dict.fromkeys(refusals):
        flash(request, words, "bad")
