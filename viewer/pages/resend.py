"""Sending a message again from its page: to the same or to other recipients, exactly or edited.

An edited copy is shown first, as its recipients will see it, made by the very code that makes the one that is sent.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import aiohttp_jinja2
from aiohttp import web
from multidict import MultiDictProxy

from relay.archive.api import StoredMessage
from relay.model.access import Permission
from relay.rendition.decode import decode_field, decode_text
from relay.rendition.parts import html_leaf, text_leaf
from relay.rendition.revise import Revision
from viewer.errors import FieldError
from viewer.flash import flash
from viewer.keys import CLOCK, CONFIG, ID
from viewer.message.attached import attached
from viewer.message.parsing import in_thread
from viewer.message.preview import TooMuch
from viewer.pages.frames import framed
from viewer.pages.reading import Reading, preview_of, read, text_of
from viewer.security import archive_of, require
from viewer.translation import joined, say, say_n, sentence
from viewer.work import drafts
from viewer.work.resend import edited, obstacle, resend_edited, resend_exact
from viewer.work.resend_warnings import Offer, offers, taken, unconfirmed, waiting
from viewer.work.suppressions import kept_from

routes = web.RouteTableDef()

MAX_BODY = 300_000
"""Characters of a body that can be edited here."""
MOST_RECIPIENTS = 200
"""Recipients offered as boxes to tick."""
FIELDS = ("subject", "to", "cc", "text", "html")


@dataclass(frozen=True, slots=True)
class Draft:
    """What can be edited. A body is None where there is none, or it is too long to be edited here."""

    subject: str
    to: str
    cc: str
    text: str | None
    html: str | None


@routes.get(f"/messages/{ID}/resend")
async def show(request: web.Request) -> web.Response:
    require(request, Permission.RESEND)
    return await _page(request)


@routes.post(f"/messages/{ID}/resend")
async def resend(request: web.Request) -> web.Response:
    """Makes the message due again and goes to the page where its way can be watched."""
    require(request, Permission.RESEND)
    message_id = request.match_info["id"]
    form = await request.post()
    recipients = _recipients(form)
    try:
        if not recipients:
            raise FieldError("recipients", say("choose at least one recipient"))
        if form.get("how") == "edited":
            require(request, Permission.EDIT)
            revision = _revision(form, await _draft(request, message_id))
            if form.get("step") == "edit":
                return await _page(request, form=form)
            if form.get("step") != "send":
                return await _look(request, message_id, revision, recipients, form)
            done = await resend_edited(request, message_id, revision, recipients)
        else:
            done = await resend_exact(request, message_id, recipients)
    except FieldError as error:
        return await _page(
            request,
            problem=sentence(error.message),
            form=form,
            status=400,
        )
    count = len(done.delivery_ids)
    kept = await kept_from(request, await archive_of(request).message(message_id), recipients)
    flash(request, joined(" ", [_queued(count), *([_kept(len(kept))] if kept else [])]))
    raise web.HTTPSeeOther(f"/messages/{done.message_id}")


def _queued(count: int) -> str:
    return say_n("Queued again for %(num)s recipient.", "Queued again for %(num)s recipients.", count)


def _kept(count: int) -> str:
    return say_n(
        "%(num)s of them is on the suppression list: recorded, not sent.",
        "%(num)s of them are on the suppression list: recorded, not sent.",
        count,
    )


def _recipients(form: MultiDictProxy[Any]) -> list[str]:
    ticked = [str(value) for value in form.getall("recipient", [])]
    typed = str(form.get("others", "")).replace(",", "\n").replace(";", "\n").split("\n")
    return list(dict.fromkeys(one.strip() for one in (*ticked, *typed) if one.strip()))


def _revision(form: MultiDictProxy[Any], draft: Draft) -> Revision:
    """Only what was changed. Raises FieldError when nothing was."""
    changed: dict[str, str] = {}
    for name in FIELDS:
        before, given = getattr(draft, name), form.get(name)
        if before is None or given is None:
            continue
        after = str(given).replace("\r\n", "\n")
        if after != before:
            changed[name] = after
    if not changed:
        raise FieldError("edit", say("nothing was changed; choose “exactly as it was”, or edit something"))
    return Revision(
        subject=changed.get("subject"),
        to=changed.get("to"),
        cc=changed.get("cc"),
        text=changed.get("text"),
        html=changed.get("html"),
    )


@routes.get(f"/messages/{ID}/resend/drafts/{{name:[A-Za-z0-9_-]{{20,80}}}}")
async def draft(request: web.Request) -> web.Response:
    """The inert HTML of an edited copy that is being looked at."""
    require(request, Permission.EDIT)
    return framed(drafts.find(request, request.match_info["id"], request.match_info["name"]))


async def _look(
    request: web.Request, message_id: str, revision: Revision, recipients: list[str], form: MultiDictProxy[Any]
) -> web.Response:
    """The copy as its recipients would see it; nothing is sent or kept. Raises FieldError."""
    copy = await edited(request, message_id, revision, recipients)
    reading = await in_thread(request, lambda: read(copy.content))
    addresses = [recipient.address for recipient in copy.recipients]
    suppressed = await kept_from(request, copy.original, addresses)
    name, remote, is_too_much = "", 0, False
    if reading.has_html:
        try:
            made = await in_thread(request, lambda: preview_of(reading))
            name, remote = drafts.keep(request, message_id, made), made.remote
        except TooMuch:
            is_too_much = True
    context: dict[str, Any] = {
        "message": copy.original.message,
        "shown": {field: _field(reading, field) for field in ("from", "to", "cc", "reply-to", "subject")},
        "recipients": offers(copy.original, addresses, {kept.address for kept in suppressed}),
        "suppressed": suppressed,
        "obstacle": obstacle(request.app[CONFIG]),
        "body": await in_thread(request, lambda: text_of(reading)),
        "frame": name,
        "remote": remote,
        "is_too_much": is_too_much,
        "attachments": await in_thread(request, lambda: attached(reading.root, reading.content)),
        "size": len(copy.content),
        "carried": [(key, str(value)) for key, value in form.items() if key not in ("csrf", "step")],
        "changed": [name for name in FIELDS if getattr(revision, name) is not None],
        "now": request.app[CLOCK](),
    }
    return aiohttp_jinja2.render_template("resend_look.html", request, context)


async def _draft(request: web.Request, message_id: str) -> Draft:
    content = await archive_of(request).content(message_id)
    return await in_thread(request, lambda: _draft_of(read(content)))


def _draft_of(reading: Reading) -> Draft:
    text, html = text_leaf(reading.root), html_leaf(reading.root)
    bodies = [decode_text(leaf, reading.content, MAX_BODY + 1) if leaf else None for leaf in (text, html)]
    text_body, html_body = (body if body is not None and len(body) <= MAX_BODY else None for body in bodies)
    return Draft(_field(reading, "subject"), _field(reading, "to"), _field(reading, "cc"), text_body, html_body)


def _field(reading: Reading, name: str) -> str:
    field = reading.root.first(name)
    return decode_field(field.value(reading.content)) if field else ""


async def _page(
    request: web.Request, *, problem: str = "", form: MultiDictProxy[Any] | None = None, status: int = 200
) -> web.Response:
    message_id = request.match_info["id"]
    stored = await archive_of(request).message(message_id)
    draft = await _draft(request, message_id)
    suppressed = await kept_from(request, stored, [to.address for to in stored.message.envelope.recipients])
    context: dict[str, Any] = {
        "stored": stored,
        "message": stored.message,
        "draft": draft,
        "obstacle": obstacle(request.app[CONFIG]),
        "problem": problem,
        "recipients": _offered(stored, form, {kept.address for kept in suppressed}),
        "suppressed": suppressed,
        "others": str(form.get("others", "")) if form else "",
        "how": str(form.get("how", "exact")) if form else "exact",
        "given": _given(draft, form),
        "sent": taken(stored),
        "waiting": waiting(stored),
        "unconfirmed": unconfirmed(stored),
        "now": request.app[CLOCK](),
    }
    return aiohttp_jinja2.render_template("resend.html", request, context, status=status)


def _given(draft: Draft, form: MultiDictProxy[Any] | None) -> dict[str, str]:
    """The fields as they were typed, else as the message has them."""
    typed = {name: form.get(name) if form is not None else None for name in FIELDS}
    return {name: str(text if text is not None else getattr(draft, name) or "") for name, text in typed.items()}


def _offered(stored: StoredMessage, form: MultiDictProxy[Any] | None, suppressed: set[str]) -> list[Offer]:
    """The recipients of the envelope; once the form was sent, ticked as it was."""
    addresses = list(dict.fromkeys(to.address for to in stored.message.envelope.recipients))[:MOST_RECIPIENTS]
    found = offers(stored, addresses, suppressed)
    if form is None:
        return found
    ticked = set(map(str, form.getall("recipient", [])))
    return [replace(offer, is_ticked=offer.address in ticked) for offer in found]
